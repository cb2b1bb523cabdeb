// Small sums that every simulator needs.
#pragma once

#include <concepts>

namespace nibble {

/// How many pieces of `b` cover `a`; a >= 0, b > 0.
template <std::integral T>
constexpr T ceil_div(T a, T b) {
    return (a + b - 1) / b;
}

}  // namespace nibble
