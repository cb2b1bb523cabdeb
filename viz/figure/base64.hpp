// Bytes as text of 64 characters (RFC 4648), for pictures inside other files.
#pragma once

#include <string>
#include <string_view>

namespace nibble {

std::string base64(std::string_view bytes);
/// Throws Error::bad_file for any other character.
std::string from_base64(std::string_view text);

}  // namespace nibble
