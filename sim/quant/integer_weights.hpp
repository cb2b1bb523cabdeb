// Integer weights as checkpoints hold them: codes 0 .. 2^b - 1, and for every row and group of
// columns a scale and a zero point; a weight comes back as (code - zero) * scale.
//
// How a group's range becomes scale and zero differs between the reference implementations:
//
//   gptq   the range always includes 0; s = (max - min) / (2^b - 1), z = round(-min / s).
//          Symmetric: the range is +-max|w|, z = 2^(b-1). A group of zeros has the range +-1.
//          (The reference leaves a symmetric range one-sided when no weight of the group is below
//          0, which cuts it in half; here it never is.)
//   awq    the range is that of the weights, at least 1e-5 wide; z is held to 0 .. 2^b - 1.
//          Symmetric: s = max|w| / (2^(b-1) - 1), z = 2^(b-1).
//
// Codes are clamp(round(w / s) + z, 0, 2^b - 1), halves to even, quotients divided, with s in FP32
// as in the references. Weights come back with the scale that is stored: s in FP16. (To find codes
// with that one too would move the largest weight of a symmetric group, which lies on a half.)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/model/matrix.hpp"
#include "sim/quant/quantizer.hpp"

namespace nibble {

enum class RangeRule { gptq, awq };

struct GroupScale {
    float scale = 1;   // that finds codes
    float stored = 1;  // that codes come back with
    float zero = 0;
};

struct IntegerFormat {
    int bits = 4;  // 2 .. 8
    Index group_size =
        128;  // columns that share a scale; 0: the whole row. The last may be shorter
    bool symmetric = false;
    RangeRule rule = RangeRule::gptq;
    ScaleFormat scale_format = ScaleFormat::fp16;  // or fp32

    float max_code() const { return static_cast<float>((1 << bits) - 1); }
    Index group_length(Index cols) const {
        return group_size == 0 ? cols : std::min(group_size, cols);
    }
    Index groups(Index cols) const { return (cols + group_length(cols) - 1) / group_length(cols); }
    /// From the smallest and largest weight of a group. Throws Error::bad_param when the scale
    /// is too large for FP16.
    GroupScale group_scale(float low, float high) const;

    friend bool operator==(const IntegerFormat&, const IntegerFormat&) = default;
};

struct IntegerWeights {
    IntegerFormat format;
    Index rows = 0, cols = 0;
    std::vector<std::uint8_t> codes;     // (rows, cols)
    std::vector<float> scales, zeros;    // (rows, groups), scales as they are stored
    std::vector<std::int32_t> group_of;  // (cols)

    /// With groups of adjacent columns; codes and scales are still to be filled in.
    IntegerWeights(const IntegerFormat& integer_format, Index row_count, Index col_count);

    Index groups() const { return format.groups(cols); }
    /// Whether the columns of a group lie apart, so that group_of must be stored.
    bool is_scattered() const;
    Matrix<float> dequantize() const;
    /// Codes, scales, zero points where there are any, and group_of (32 bits) when scattered.
    double stored_bits() const;
};

/// Throws Error::bad_param naming the first NaN or infinity, or the empty axis. `what` is the
/// matrix for the message: "the weight matrix".
void check_finite(View<const float> values, const char* what);

}  // namespace nibble
