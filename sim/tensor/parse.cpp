#include "sim/tensor/parse.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

#include "sim/core/text.hpp"

namespace nibble {
namespace {

constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

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

Error bad_file(const std::filesystem::path& path, const std::string& problem,
               const std::string& hint) {
    return {Error::Code::bad_file, path.string() + ": " + problem, hint};
}

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

std::string shape_text(const std::vector<std::int64_t>& shape) {
    return fmt::format("({})", fmt::join(shape, ", "));
}

std::optional<std::uint64_t> checked_elements(const std::vector<std::int64_t>& shape) {
    std::uint64_t product = 1;
    bool empty = false;
    for (const std::int64_t axis : shape) {
        if (axis < 0) {
            return {};
        }
        const auto length = static_cast<std::uint64_t>(axis);
        empty = empty || length == 0;
        if (length > 0 && product > largest / length) {
            return {};
        }
        product *= length > 0 ? length : 1;
    }
    return empty ? 0 : product;
}

std::optional<std::uint64_t> checked_bytes(std::uint64_t elements, std::uint64_t bits) {
    if (elements > largest / bits || elements * bits % 8 != 0) {
        return {};
    }
    return elements * bits / 8;
}

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace nibble
