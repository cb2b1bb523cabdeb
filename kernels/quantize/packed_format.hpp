// What the processor's kernels know of each packed format before they see a value: how codes lie,
// and how a group's scale follows from its range.
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
static_assert(layout(PackedFormat::mxfp4).elements == packed_block &&
              layout(PackedFormat::q4_0).elements == packed_block);

/// A row of the table of packed formats, as the loops over values ask for it.
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
    using formats::Kind;
    const PackedLayout& row = layout(format);
    const formats::NumberFormat& codes = *row.codes;
    const auto zero = static_cast<std::uint8_t>(row.zero_code());
    return {
        .nibbles = codes.bits() == 4,
        .high_first = row.high_first,
        .affine = row.rule == ScaleRule::range,
        .e8m0 = row.rule == ScaleRule::power_of_two,
        .reciprocal = codes.kind == Kind::codebook,
        .steps = static_cast<float>(row.span()),
        .zero = zero,
        .nan = codes.kind == Kind::floating
                   ? static_cast<std::uint8_t>(codes.floating.magnitude_mask())
                   : zero,
        .given_scale_ok = row.takes_tensor_scale(),
    };
}

constexpr bool is_ggml_block(PackedFormat format) {
    return layout(format).packing == Packing::blocks;
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
