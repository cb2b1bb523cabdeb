// Group-wise quantization of a run of weights: codes, dequantized values and the rounding error, in
// one pass over the values.
//
// A run is a row of a matrix, or any contiguous piece of one that starts where a group starts. It
// is cut into groups of `group_size` values, each with its own scale; the last may be shorter.
// Every function here runs on the calling thread and allocates nothing.
//
// The same bits come out on every SIMD target: quotients are divided, never multiplied by a
// reciprocal, nothing is contracted to a fused multiply-add, and sums run over sixteen lanes
// whatever the width of the registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/formats/number_formats.hpp"

namespace nibble::kernels {

/// What rounding did to a group, or to many groups.
struct RoundingError {
    double squared = 0;       // sum of (value - dequantized)^2; float lanes, so about 1e-6 relative
    float largest = 0;        // max |value - dequantized|
    std::uint64_t zeros = 0;  // values that come back as exactly 0

    RoundingError& operator+=(const RoundingError& other) {
        squared += other.squared;
        largest = largest < other.largest ? other.largest : largest;
        zeros += other.zeros;
        return *this;
    }
    friend bool operator==(const RoundingError&, const RoundingError&) = default;
};

/// Where results go; an empty span is not filled, and costs nothing.
struct QuantizeOut {
    std::span<std::int16_t> codes = {};    // (value)
    std::span<float> dequantized = {};     // (value)
    std::span<RoundingError> groups = {};  // (group)
};

/// Scales of one run. Codes are found with `scale`; values come back with `stored_scale`, which
/// differs where scales are themselves quantized.
struct GroupScales {
    std::span<const float> scale;         // (group), > 0
    std::span<const float> stored_scale;  // (group), >= 0
    std::span<const float> zero_point;    // (group), whole numbers; used by integers only
};

/// Integer codes: code = clamp(round(value / scale) + zero_point, low, high), halves to even, and
/// back (code - zero_point) * stored_scale. Absmax has zero_point 0.
struct IntegerGrid {
    int low = -7, high = 7;  // within -32768 .. 32767
};

/// A table of at most 16 rising levels: the code is the index of the level nearest to
/// value * (1 / scale), and back level * stored_scale. As in bitsandbytes, ties go to the lower
/// level, or to the smaller magnitude.
struct Codebook {
    std::span<const float> levels;
    bool ties_to_zero = false;
};

/// A small float with subnormals: value / scale rounded, halves to even, saturating; back times
/// stored_scale. The code is sign, exponent, mantissa, as in the format's standard.
using formats::FloatFormat;

/// Smallest and largest value of each group. low, high: (group).
void group_ranges(std::span<const float> values, std::size_t group_size, std::span<float> low,
                  std::span<float> high);

/// Quantizes a run of finite values; returns the error of all groups together.
RoundingError quantize(std::span<const float> values, std::size_t group_size,
                       const GroupScales& scales, const IntegerGrid& grid, const QuantizeOut& out);
RoundingError quantize(std::span<const float> values, std::size_t group_size,
                       const GroupScales& scales, const Codebook& grid, const QuantizeOut& out);
RoundingError quantize(std::span<const float> values, std::size_t group_size,
                       const GroupScales& scales, const FloatFormat& grid, const QuantizeOut& out);

/// The instruction sets that this program was compiled for and this processor has, best first.
std::vector<std::string> simd_targets();
/// The one in use: "AVX3" is AVX-512.
std::string simd_target();
/// For tests and benchmarks: uses the named target from now on; empty returns to the best.
void use_simd_target(const std::string& name);

}  // namespace nibble::kernels
