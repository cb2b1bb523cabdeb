// The grid on which weights for drawing lie, and the shape of the ladder that draws on it.
#pragma once

#include <cstddef>

namespace nibble::kernels {

/// Doubles from 4 to 8 lie 2^-50 apart, so adding this to a number from 0 to 2 and taking it away
/// again leaves the nearest multiple of 2^-50. Sums of such multiples below 8 need 53 bits: they
/// are exact.
inline constexpr double grid_shift = 6.0;

inline double on_grid(double weight) {
    return (weight + grid_shift) - grid_shift;
}

/// What token v is drawn by: p, or what p has more than q where there is a q.
inline double weight_of(const float* p, const float* q, std::size_t v) {
    const double excess = static_cast<double>(p[v]) - (q == nullptr ? 0.0 : double{q[v]});
    return on_grid(excess > 0 ? excess : 0.0);
}

/// u < p / q without the division: the product of two floats is exact in double.
inline bool accepts(float u, float p, float q) {
    return static_cast<double>(u) * static_cast<double>(q) < static_cast<double>(p);
}

/// Drafts a request in the ladder, which is fixed because a Job has no place for it.
inline constexpr std::size_t ladder_drafts = 4;

}  // namespace nibble::kernels
