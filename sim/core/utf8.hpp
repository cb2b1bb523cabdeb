// Walking over UTF-8 text that may not be UTF-8, and what kind of character each is. The only door
// to utf8proc, which knows Unicode.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nibble {

inline constexpr char32_t replacement_character = 0xfffd;

/// The character at byte `at`, which moves behind it. Anything malformed reads as U+FFFD, one byte
/// long. `at` must lie inside the text.
char32_t next_character(std::string_view text, std::size_t& at);

void append_utf8(std::string& text, char32_t character);

/// Whether every byte sequence is well-formed UTF-8 (no overlongs, no surrogates).
bool is_utf8(std::string_view text);

/// Without control characters (a line break becomes a space) and with U+FFFD for malformed bytes:
/// what XML and PDF can hold.
std::string clean_text(std::string_view text);

/// As the splitting rules of tokenizers ask: \p{L}, \p{N}, \s.
enum class CharClass : std::uint8_t { letter, number, space, other };
CharClass class_of(char32_t c);

/// Whether it shows or takes room: no control character, no mark that turns or hides what follows.
bool is_visible(char32_t c);

}  // namespace nibble
