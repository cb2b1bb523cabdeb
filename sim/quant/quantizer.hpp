// A round-to-nearest quantizer of a matrix: what the codes mean, which weights share a scale, and
// how that scale is stored. Turns the ranges of groups into scales, quantizes rows, counts bits.
//
//   absmax       s = max|w| / (2^(b-1) - 1), codes -(2^(b-1) - 1) .. 2^(b-1) - 1; with full_range
//                s = 2 max|w| / (2^b - 1), codes -2^(b-1) .. 2^(b-1) - 1 (GPTQ's symmetric case)
//   zero_point   range including 0, s = (max - min) / (2^b - 1), z = round(-min / s)
//   nf4, fp4     s = max|w|, sixteen levels (QLoRA; bitsandbytes)
//   fp8          s = max|w| / 448 (E4M3) or / 57344 (E5M2)
//
// Halves go to the even code, except in tables, where ties go as in bitsandbytes: to the lower
// level (NF4), to the smaller magnitude (FP4). A group of zeros has scale 1. Left out: searching
// for a better scale than the range.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "kernels/quantize/groups.hpp"

namespace nibble {

enum class Scheme { absmax, zero_point, nf4, fp4, fp8_e4m3, fp8_e5m2 };
/// Which weights share a scale. A channel is a row.
enum class Granularity { tensor, channel, group };
/// How a scale is stored. `double_quantized`: 8 bits each, and one FP32 for 256 of them.
enum class ScaleFormat { fp16, fp32, double_quantized };

struct Quantizer {
    Scheme scheme = Scheme::absmax;
    int bits = 4;  // of integer schemes, 2 .. 8; the others have their own
    Granularity granularity = Granularity::group;
    std::size_t group_size = 32;  // weights along a row; the last group of a row may be shorter
    bool full_range = false;      // absmax only
    ScaleFormat scale_format = ScaleFormat::fp16;

    bool is_integer() const { return scheme == Scheme::absmax || scheme == Scheme::zero_point; }
    /// Bits of one code.
    int code_bits() const;
    /// Groups in a row of `cols` weights; a tensor's one group is cut into rows, each a piece.
    std::size_t groups_per_row(std::size_t cols) const;
    /// Weights in a full piece of a row that shares a scale: group_size, or the row.
    std::size_t run_length(std::size_t cols) const;
    std::size_t scales(std::size_t rows, std::size_t cols) const;
    /// The grid of integer schemes.
    kernels::IntegerGrid integer_grid() const;
    /// What codes stand for at scale 1, as the kernels take it. Codes of tables are indices of
    /// rising levels.
    kernels::Grid grid() const;
    /// Steps of the grid between -extent (or the minimum) and the extent, so that
    /// scale = extent / steps(), where extent is max|w|, or max - min with a zero point.
    double steps() const;
    /// The group's extent from its smallest and largest weight.
    float extent(float low, float high) const;

    friend bool operator==(const Quantizer&, const Quantizer&) = default;
};

/// "per tensor", "per channel", "groups of 32".
std::string granularity_name(const Quantizer& quantizer);
/// "INT4 absmax", "NF4", "FP8 E4M3".
std::string scheme_name(const Quantizer& quantizer);

/// Storage in bits a weight, everything counted. The worked cases are in the tests.
struct StorageBits {
    double codes = 0, scales = 0, zero_points = 0;
    double total() const { return codes + scales + zero_points; }
};
StorageBits storage(const Quantizer& quantizer, std::size_t rows, std::size_t cols);

/// Scales of consecutive groups, as the kernels take them. All vectors: (group).
struct Scales {
    std::vector<float> scale, stored_scale, zero_point;

    kernels::GroupScales view() const { return {scale, stored_scale, zero_point}; }
};

/// low, high: (group), as kernels::group_ranges gives them. stored_extent: (group), what is left of
/// the extents after double quantization; empty otherwise. Fills `out`, reusing its memory.
void make_scales(const Quantizer& quantizer, std::span<const float> low,
                 std::span<const float> high, std::span<const float> stored_extent, Scales& out);

/// The levels that codes stand for when scale is 1 and the zero point 0, rising; for integers the
/// codes themselves.
std::vector<double> unit_levels(const Quantizer& quantizer);

/// Quantizes a run of weights with ready scales, on the processor.
kernels::RoundingError quantize(const Quantizer& quantizer, std::span<const float> values,
                                std::size_t group_size, const Scales& scales,
                                const kernels::QuantizeOut& out = {});

/// Everything at once for one row: ranges, scales, codes. Double quantization needs the scales of
/// other rows too and is refused by an assertion.
struct QuantizedRow {
    Scales scales;
    std::vector<std::int16_t> codes;  // (column)
    std::vector<float> dequantized;   // (column)
    std::vector<kernels::RoundingError> groups;
    kernels::RoundingError error;
};
QuantizedRow quantize_row(const Quantizer& quantizer, std::span<const float> row);

}  // namespace nibble
