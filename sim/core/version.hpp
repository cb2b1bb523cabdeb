#pragma once

#include <string_view>

namespace nibble {

inline constexpr std::string_view version = NIBBLE_VERSION;

}  // namespace nibble
