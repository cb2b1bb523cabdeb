#include "sim/core/utf8.hpp"

#include <array>
#include <utf8proc.h>

namespace nibble {
namespace {

/// Bytes of the well-formed character at `at`, and which it is; 0 when there is none.
std::size_t decode(std::string_view text, std::size_t at, char32_t& c) {
    utf8proc_int32_t code = 0;
    const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                        static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    c = static_cast<char32_t>(code);
    return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace

char32_t next_character(std::string_view text, std::size_t& at) {
    char32_t c = 0;
    const std::size_t bytes = decode(text, at, c);
    at += bytes == 0 ? 1 : bytes;
    return bytes == 0 ? replacement_character : c;
}

void append_utf8(std::string& text, char32_t c) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes.data());
    text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(count));
}

bool is_utf8(std::string_view text) {
    char32_t c = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t bytes = decode(text, at, c);
        if (bytes == 0) {
            return false;
        }
        at += bytes;
    }
    return true;
}

std::string clean_text(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const char32_t c = next_character(text, i);
        const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
        const bool noncharacter = (c & 0xfffeU) == 0xfffeU || (c >= 0xfdd0 && c < 0xfdf0);
        if (c == '\n' || c == '\t') {
            clean += ' ';
        } else if (!control && !noncharacter) {
            append_utf8(clean, c);
        }
    }
    return clean;
}

CharClass class_of(char32_t c) {
    if ((c >= 9 && c <= 13) || c == 0x85) {
        return CharClass::space;
    }
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
            return CharClass::letter;
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO:
            return CharClass::number;
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
            return CharClass::space;
        default:
            return CharClass::other;
    }
}

bool is_visible(char32_t c) {
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_CS:
        case UTF8PROC_CATEGORY_CN:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
            return false;
        default:
            return true;
    }
}

}  // namespace nibble
