#include "sim/core/quoted.hpp"

#include <fmt/format.h>

#include "sim/core/utf8.hpp"

namespace nibble {

std::string printable(std::string_view text, std::size_t limit) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (at >= limit) {
            return out + fmt::format("... ({} bytes)", text.size());
        }
        const std::size_t start = at;
        const char32_t c = next_character(text, at);
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c < 0x80 && !is_visible(c)) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
        } else if (c == replacement_character && at == start + 1) {  // no UTF-8
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[start]));
        } else if (!is_visible(c)) {
            out += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(c));
        } else {
            out += text.substr(start, at - start);
        }
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    return fmt::format("\"{}\"", printable(text));
}

}  // namespace nibble
