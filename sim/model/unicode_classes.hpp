// What kind of character a code point is, as the splitting rules of tokenizers ask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nibble {

enum class CharClass : std::uint8_t { letter, number, space, other };
CharClass class_of(char32_t c);

inline constexpr char32_t replacement_character = 0xfffd;

struct CodePoint {
    char32_t value;
    std::size_t bytes;
};

/// The code point that starts at `at` < text.size(); a byte that starts none stands for itself as
/// a replacement character.
CodePoint code_point_at(std::string_view text, std::size_t at);

}  // namespace nibble
