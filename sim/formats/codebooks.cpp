#include "sim/formats/codebooks.hpp"

#include "sim/core/rng.hpp"

namespace nibble {

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

}  // namespace nibble
