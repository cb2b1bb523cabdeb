// What the processor's kernels know of each packed format before they see a value: how codes lie,
// how a group's scale follows from its range, and binary16 for the scales of ggml's blocks.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/quantize/packed.hpp"

namespace nibble::kernels {

/// Values in a block of the MX formats and of ggml's.
inline constexpr std::size_t packed_block = 32;

struct FormatTraits {
    bool nibbles;         // two codes in a byte
    bool high_first;      // the even column in the high half
    bool affine;          // with a zero point
    bool e8m0;            // its scale is a power of two
    bool reciprocal;      // values are multiplied by 1 / scale
    float steps;          // scale = range / steps; in MX formats 2^emax
    std::uint8_t zero;    // the code of zero
    std::uint8_t nan;     // the code of NaN when the scale is given
    bool given_scale_ok;  // may be quantized with a given scale
};

constexpr FormatTraits traits(PackedFormat format) {
    switch (format) {
        case PackedFormat::int8:
            return {false, false, false, false, false, 127, 0, 0, true};
        case PackedFormat::uint8:
            return {false, false, true, false, false, 255, 0, 0, false};
        case PackedFormat::int4:
            return {true, false, false, false, false, 7, 8, 8, true};
        case PackedFormat::uint4:
            return {true, false, true, false, false, 15, 0, 0, false};
        case PackedFormat::nf4:
            return {true, true, false, false, true, 1, 7, 7, false};
        case PackedFormat::fp4:
            return {true, true, false, false, true, 1, 0, 0, false};
        case PackedFormat::fp8_e4m3:
            return {false, false, false, false, false, 448, 0, 0x7f, true};
        case PackedFormat::fp8_e5m2:
            return {false, false, false, false, false, 57344, 0, 0x7f, true};
        case PackedFormat::mxfp4:
            return {true, false, false, true, false, 4, 0, 0, false};
        case PackedFormat::mxfp8_e4m3:
            return {false, false, false, true, false, 256, 0, 0, false};
        case PackedFormat::q4_0:
        case PackedFormat::q8_0:
            break;
    }
    return {};
}

constexpr bool is_ggml_block(PackedFormat format) {
    return format == PackedFormat::q4_0 || format == PackedFormat::q8_0;
}

/// Sign, exponent and mantissa of the small floats: E4M3, E5M2, E2M1.
struct SmallFloat {
    int exponent_bits, mantissa_bits, bias;
    float largest;
};
constexpr SmallFloat small_float(PackedFormat format) {
    switch (format) {
        case PackedFormat::fp8_e5m2:
            return {5, 2, 15, 57344};
        case PackedFormat::mxfp4:
            return {2, 1, 1, 6};
        default:
            return {4, 3, 7, 448};
    }
}

/// What a group's values span. low <= 0 <= high, of affine formats only.
struct GroupRange {
    std::uint32_t largest = 0;  // the bits of max|x|, which are larger for infinity and for NaN
    float low = 0, high = 0;

    bool finite() const { return largest < 0x7f800000u; }
};

struct GroupScale {
    float scale = 0;
    std::uint8_t e8m0 = 0, zero_point = 0;

    /// Otherwise every code is that of zero.
    bool divides() const { return scale > 0; }
};

inline float scale_of_e8m0(std::uint8_t code) {
    if (code == 255) {
        return std::numeric_limits<float>::quiet_NaN();
    }
    // 2^-127 is below the normal numbers.
    return std::bit_cast<float>(code == 0 ? 1u << 22 : std::uint32_t{code} << 23);
}

template <PackedFormat format>
GroupScale group_scale(const GroupRange& range) {
    constexpr FormatTraits f = traits(format);
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    GroupScale s;
    if constexpr (f.e8m0) {
        // The exponent field is floor(log2) + 127; below the normal numbers it is 0, and so the
        // code.
        constexpr std::uint32_t emax = std::bit_cast<std::uint32_t>(f.steps) / (1u << 23) - 127;
        const std::uint32_t exponent = range.largest >> 23;
        s.e8m0 = static_cast<std::uint8_t>(exponent < emax ? 0 : exponent - emax);
        if (!range.finite()) {
            s.e8m0 = 255;
        }
        s.scale = scale_of_e8m0(s.e8m0);
        return s;
    }
    const float span = f.affine ? range.high - range.low : std::bit_cast<float>(range.largest);
    s.scale = range.finite() ? span / f.steps : nan;
    if (!(s.scale <= std::numeric_limits<float>::max())) {
        s.scale = nan;
    } else if (f.reciprocal && !(1 / s.scale <= std::numeric_limits<float>::max())) {
        s.scale = 0;
    }
    if (f.affine && s.divides()) {
        s.zero_point =
            static_cast<std::uint8_t>(std::min(std::nearbyint(-range.low / s.scale), f.steps));
    }
    return s;
}

/// 1 / d, or 0 where that is no finite number.
inline float reciprocal_or_zero(float d) {
    const float inverse = 1 / d;
    return std::abs(inverse) <= std::numeric_limits<float>::max() ? inverse : 0.0F;
}

/// Magnitudes below 2^16 keep their bits but for 13 of mantissa and another bias of the exponent;
/// multiplying by 2^112 changes the bias, subnormal numbers included.
inline float binary16_to_float(std::uint16_t half) {
    const std::uint32_t magnitude = half & 0x7fffu, sign = (half & 0x8000u) * 0x10000u;
    const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
    const std::uint32_t beyond = magnitude >= 0x7c00u ? 0x7f800000u : 0;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | beyond | sign);
}

/// To nearest, halves to even; beyond 65504 infinity.
inline std::uint16_t float_to_binary16(float x) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    std::uint32_t half = 0;
    if (magnitude >= 0x47800000u) {  // 2^16
        half = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    } else if (magnitude < 0x38800000u) {  // 2^-14: below it the numbers are 2^-24 apart,
        const float sum = std::bit_cast<float>(magnitude) + 0.5F;  // and so they are around 1/2
        half = std::bit_cast<std::uint32_t>(sum) - 0x3f000000u;
    } else {  // adds just under a half, or a half where the code would be odd
        half = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    }
    return static_cast<std::uint16_t>(sign | half);
}

/// q4_0 and q8_0, whose shape check_rows has passed: rows first .. first + count.
void quantize_block_rows(const PackedShape& shape, InputType type, const void* x,
                         std::uint8_t* blocks, std::size_t first, std::size_t count);
void dequantize_block_rows(const PackedShape& shape, const std::uint8_t* blocks, float* y,
                           std::size_t first, std::size_t count);

/// Throw std::invalid_argument for rows that are not there, columns that do not fill ggml's blocks,
/// and formats that are not quantized with a given scale.
void check_rows(const PackedShape& shape, std::size_t first, std::size_t count);
void check_given_scale(PackedFormat format);

}  // namespace nibble::kernels
