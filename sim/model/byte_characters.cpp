#include "sim/model/byte_characters.hpp"

#include <array>

#include "sim/core/utf8.hpp"

namespace nibble {
namespace {

bool prints(int byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/// Code point of each byte: itself when it prints, else the next from U+0100.
const std::array<char32_t, 256>& code_points() {
    static const std::array<char32_t, 256> table = [] {
        std::array<char32_t, 256> t{};
        char32_t next = 0x100;
        for (int byte = 0; byte < 256; ++byte) {
            t[static_cast<std::size_t>(byte)] = prints(byte) ? static_cast<char32_t>(byte) : next++;
        }
        return t;
    }();
    return table;
}

}  // namespace

std::string characters_of_bytes(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        append_utf8(text, code_points()[static_cast<unsigned char>(byte)]);
    }
    return text;
}

std::optional<std::string> bytes_of_characters(std::string_view characters) {
    static const std::array<int, 0x144> byte_of = [] {
        std::array<int, 0x144> t{};
        t.fill(-1);
        for (std::size_t byte = 0; byte < 256; ++byte) {
            t.at(code_points()[byte]) = static_cast<int>(byte);
        }
        return t;
    }();
    std::string bytes;
    for (std::size_t at = 0; at < characters.size();) {
        const char32_t c = next_character(characters, at);
        if (c >= byte_of.size() || byte_of[c] < 0) {
            return std::nullopt;
        }
        bytes += static_cast<char>(byte_of[c]);
    }
    return bytes;
}

}  // namespace nibble
