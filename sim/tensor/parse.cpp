#include "sim/tensor/parse.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

namespace nibble {
namespace {

constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}  // namespace

Error bad_file(const std::filesystem::path& path, const std::string& problem,
               const std::string& hint) {
    return {Error::Code::bad_file, path.string() + ": " + problem, hint};
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
