#include "sim/formats/codebooks.hpp"

#include <algorithm>

#include "sim/core/rng.hpp"

namespace nibble {

const std::array<float, 16>& nf4_levels() {
    static constexpr std::array<float, 16> levels = {
        -1.0F,
        -0.6961928009986877F,
        -0.5250730514526367F,
        -0.39491748809814453F,
        -0.28444138169288635F,
        -0.18477343022823334F,
        -0.09105003625154495F,
        0.0F,
        0.07958029955625534F,
        0.16093020141124725F,
        0.24611230194568634F,
        0.33791524171829224F,
        0.44070982933044434F,
        0.5626170039176941F,
        0.7229568362236023F,
        1.0F,
    };
    return levels;
}

std::array<double, 16> derive_nf4(double offset) {
    constexpr int positives = 8, negatives = 7;
    const double widest = normal_quantile(offset);
    // Probability of the k-th level outwards on a side of `count` levels: 1/2 at the middle (not
    // used, zero stands for both sides), `offset` at the end.
    const auto quantile = [&](int k, int count) {
        return normal_quantile(0.5 + (offset - 0.5) * k / count) / widest;
    };
    std::array<double, 16> levels{};
    for (int k = 1; k <= positives; ++k) {
        levels[static_cast<std::size_t>(negatives + k)] = quantile(k, positives);
    }
    for (int k = 1; k <= negatives; ++k) {
        levels[static_cast<std::size_t>(negatives - k)] = -quantile(k, negatives);
    }
    return levels;
}

const std::array<float, 16>& fp4_levels() {
    // The literals of bitsandbytes: 1/192, 2/3, 1/3 and 1/6 to eight digits.
    static constexpr std::array<float, 16> levels = {
        0.0F,  5.208333333e-03F,  0.66666667F,  1.0F,  0.33333333F,  0.5F,  0.16666667F,  0.25F,
        -0.0F, -5.208333333e-03F, -0.66666667F, -1.0F, -0.33333333F, -0.5F, -0.16666667F, -0.25F,
    };
    return levels;
}

}  // namespace nibble
