// Walking over UTF-8 text that may not be UTF-8: anything malformed reads as U+FFFD, one byte long.
#pragma once

#include <string>
#include <string_view>

namespace nibble {

/// The character at byte `at`, which moves behind it. `at` must lie inside the text.
char32_t next_character(std::string_view text, std::size_t& at);

void append_utf8(std::string& text, char32_t character);

/// Without control characters (a line break becomes a space) and with U+FFFD for malformed bytes:
/// what XML and PDF can hold.
std::string clean_text(std::string_view text);

}  // namespace nibble
