#include "sim/roofline/setting.hpp"

#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"

namespace nibble {

std::string name(const Precision& p) {
    const std::string products = fmt::format("W{}A{}", p.weight_bits, p.activation_bits);
    return p.kv_bits == p.activation_bits ? products : fmt::format("{} KV{}", products, p.kv_bits);
}

std::string format_seconds(Seconds time, int digits) {
    return format_si(time.value, digits) + "s";
}

std::string format_gb(Bytes bytes) {
    return format_si(bytes.value) + "B";
}

Table::Cell exact_cell(double value) {
    constexpr double largest_exact = 9007199254740992;  // 2^53
    if (value == std::floor(value) && std::abs(value) <= largest_exact) {
        return static_cast<std::int64_t>(value);
    }
    return value;
}

}  // namespace nibble
