#include "sim/core/quoted.hpp"

#include <fmt/format.h>

#include "sim/core/text.hpp"

namespace nibble {
namespace {

/// Bytes of the UTF-8 character at the start of `text`; 0 when it is ill-formed.
std::size_t character_bytes(std::string_view text) {
    for (std::size_t n = 1; n <= 4 && n <= text.size(); ++n) {
        if (is_utf8(text.substr(0, n))) {
            return n;
        }
    }
    return 0;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        if (i >= limit) {
            return out + fmt::format("... ({} bytes)", text.size());
        }
        const std::size_t n = character_bytes(text.substr(i));
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == '\n') {
            out += "\\n";
        } else if (byte == '\t') {
            out += "\\t";
        } else if (n == 0 || byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out += text.substr(i, n);
        }
        i += n == 0 ? 1 : n;
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    return fmt::format("\"{}\"", printable(text));
}

}  // namespace nibble
