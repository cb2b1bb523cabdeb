// Text from outside as it can stand in a message or on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace nibble {

/// Control characters and ill-formed UTF-8 escaped, the end cut when longer than `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 80);
/// The same in quotation marks.
std::string in_quotes(std::string_view text);

}  // namespace nibble
