#include "viz/figure/utf8.hpp"

#include <array>

namespace nibble {
namespace {

constexpr char32_t replacement = 0xfffd;

}  // namespace

char32_t next_character(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at++);
    if (lead < 0x80) {
        return lead;
    }
    const int extra = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    if (extra == 0 || at + static_cast<std::size_t>(extra) > text.size()) {
        return replacement;
    }
    char32_t code = lead & (0x3fU >> extra);
    for (int k = 0; k < extra; ++k) {
        const unsigned char next = byte(at + static_cast<std::size_t>(k));
        if ((next & 0xc0U) != 0x80U) {
            return replacement;
        }
        code = code << 6U | (next & 0x3fU);
    }
    constexpr std::array<char32_t, 4> smallest = {0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    if (code < smallest[static_cast<std::size_t>(extra)] || code > 0x10ffff || surrogate) {
        return replacement;
    }
    at += static_cast<std::size_t>(extra);
    return code;
}

void append_utf8(std::string& text, char32_t c) {
    const auto put = [&text](char32_t byte) { text += static_cast<char>(byte); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xc0U | c >> 6U);
        put(0x80U | (c & 0x3fU));
    } else if (c < 0x10000) {
        put(0xe0U | c >> 12U);
        put(0x80U | (c >> 6U & 0x3fU));
        put(0x80U | (c & 0x3fU));
    } else {
        put(0xf0U | c >> 18U);
        put(0x80U | (c >> 12U & 0x3fU));
        put(0x80U | (c >> 6U & 0x3fU));
        put(0x80U | (c & 0x3fU));
    }
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

}  // namespace nibble
