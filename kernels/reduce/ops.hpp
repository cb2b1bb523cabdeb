// Reductions over runs of numbers on the processor: the largest magnitude (the scale of a tensor),
// a histogram, the squared error between two runs. Every function runs on the calling thread,
// allocates nothing, and gives the same bits on every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/quantize/packed.hpp"

namespace nibble::kernels {

/// max|x| of a run of `count` numbers of `type`; NaN if one of them is; 0 of none.
float absmax(InputType type, const void* x, std::size_t count);

/// Numbers that no bin counts.
struct HistogramOutside {
    std::uint64_t below = 0, above = 0, nan = 0;
    friend bool operator==(const HistogramOutside&, const HistogramOutside&) = default;
};

/// Adds to counts[b] how many of x fall into bin b of counts.size() equal bins over [low, high].
/// In float arithmetic b = floor((x - low) * (bins / (high - low))), at most the last, so that
/// `high` is inside. Throws std::invalid_argument unless low < high, high - low and its reciprocal
/// are finite, and there are 1 .. 2^24 bins.
HistogramOutside histogram(std::span<const float> x, float low, float high,
                           std::span<std::uint32_t> counts);

/// The sum of (a - b)^2, differences and sum in double: eight partial sums, of the elements i with
/// i mod 8 = 0 .. 7, added in the order ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)).
double squared_error(const float* a, const float* b, std::size_t count);

}  // namespace nibble::kernels
