// Bytes as printable characters, the way GPT-2's vocabulary writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nibble {

std::string characters_of_bytes(std::string_view bytes);
/// Nothing when a character stands for no byte.
std::optional<std::string> bytes_of_characters(std::string_view characters);

}  // namespace nibble
