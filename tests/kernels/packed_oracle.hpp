// What kernels/quantize/packed.hpp promises, byte for byte, in plain code: no registers, no bit
// tricks. A float operation is a double one rounded to float, which gives the same result
// (Figueroa, "When is double rounding innocuous?", 1995).
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/quantize/packed.hpp"

namespace packed_oracle {

using nibble::kernels::PackedFormat;
using nibble::kernels::PackedShape;

/// The three arrays, as bytes.
struct Packed {
    std::vector<std::uint8_t> codes, scales, zero_points;

    explicit Packed(const PackedShape& shape)
        : codes(shape.code_bytes()),
          scales(shape.scale_bytes()),
          zero_points(shape.zero_point_bytes()) {}
    nibble::kernels::PackedView view() { return {codes.data(), scales.data(), zero_points.data()}; }
    friend bool operator==(const Packed&, const Packed&) = default;
};

Packed quantize(const PackedShape& shape, const std::vector<float>& x);
/// (rows, columns), exact before the last rounding to float.
std::vector<float> dequantize(const PackedShape& shape, const Packed& packed);

/// A code as it is stored (0 .. 255), of a format that is not one of ggml's blocks.
int code_at(const PackedShape& shape, const Packed& packed, std::size_t row, std::size_t column);
/// What a code stands for at scale 1.
double value_of(PackedFormat format, int code, int zero_point);
/// Codes that the format's quantization may give.
std::vector<int> all_codes(PackedFormat format);

/// Weights of N(0, 0.02).
std::vector<float> normal_weights(std::size_t count);

double binary16_value(std::uint16_t half);
/// To nearest, halves to even.
std::uint16_t binary16_code(double x);

}  // namespace packed_oracle
