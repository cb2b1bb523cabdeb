// Every number format that the program knows, each in one row: what one code means.
//
// Sources: OCP OFP8 and MX 1.0; QLoRA, arXiv 2305.14314; bitsandbytes, csrc/kernels.cu.
#pragma once

#include <cstddef>
#include <string_view>

#include "kernels/formats/float_format.hpp"

namespace nibble::formats {

/// Sixteen levels by code; a plain array, which kernels can index too.
struct Levels {
    float level[16];

    constexpr const float* begin() const { return level; }
    constexpr const float* end() const { return level + 16; }
    constexpr float operator[](std::size_t code) const { return level[code]; }
};

/// QLoRA, appendix E: the digits that bitsandbytes ships too. Rising: code 7 is exactly 0.
inline constexpr Levels nf4_levels = {{
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
}};
/// bitsandbytes' FP4: sign in the top bit; 1/192, 2/3, 1/3 and 1/6 to the eight digits it ships.
inline constexpr Levels fp4_levels = {{
    0.0F,
    5.208333333e-03F,
    0.66666667F,
    1.0F,
    0.33333333F,
    0.5F,
    0.16666667F,
    0.25F,
    -0.0F,
    -5.208333333e-03F,
    -0.66666667F,
    -1.0F,
    -0.33333333F,
    -0.5F,
    -0.16666667F,
    -0.25F,
}};

enum class Kind : std::uint8_t {
    floating,
    integer,   // two's complement where it is signed
    codebook,  // the index of a level
};

struct NumberFormat {
    std::string_view id, label;
    Kind kind = Kind::floating;
    FloatFormat floating = {};
    int width = 0;                   // in bits, of the other two
    bool is_signed = true;           // of a codebook: the top bit negates
    const Levels* levels = nullptr;  // of codebooks
    bool stands_alone = true;        // otherwise found in blocks only

    constexpr int bits() const { return kind == Kind::floating ? floating.bits() : width; }
    /// The largest magnitude that both signs have.
    constexpr double largest() const {
        switch (kind) {
            case Kind::floating:
                return floating.largest();
            case Kind::integer:
                return static_cast<double>((1LL << (width - (is_signed ? 1 : 0))) - 1);
            case Kind::codebook:
                break;
        }
        return 1;
    }
};

inline constexpr NumberFormat number_formats[] = {
    {"fp32", "FP32", Kind::floating, fp32},
    {"tf32", "TF32", Kind::floating, tf32},
    {"bf16", "BF16", Kind::floating, bf16},
    {"fp16", "FP16", Kind::floating, fp16},
    {"fp8_e4m3", "FP8 E4M3", Kind::floating, fp8_e4m3},
    {"fp8_e5m2", "FP8 E5M2", Kind::floating, fp8_e5m2},
    {"fp6_e2m3", "FP6 E2M3", Kind::floating, fp6_e2m3},
    {"fp6_e3m2", "FP6 E3M2", Kind::floating, fp6_e3m2},
    {"fp4_e2m1", "FP4 E2M1", Kind::floating, fp4_e2m1},
    {"e8m0", "E8M0", Kind::floating, e8m0},
    {"int8", "INT8", Kind::integer, {}, 8},
    {"int4", "INT4", Kind::integer, {}, 4},
    {"int2", "INT2", Kind::integer, {}, 2},
    {"nf4", "NF4", Kind::codebook, {}, 4, false, &nf4_levels},
    {"fp4_bnb", "FP4 (bitsandbytes)", Kind::codebook, {}, 4, true, &fp4_levels},
    {"int6", "INT6", Kind::integer, {}, 6, true, nullptr, false},
    {"int5", "INT5", Kind::integer, {}, 5, true, nullptr, false},
    {"int3", "INT3", Kind::integer, {}, 3, true, nullptr, false},
    {"uint8", "UINT8", Kind::integer, {}, 8, false, nullptr, false},
    {"uint5", "UINT5", Kind::integer, {}, 5, false, nullptr, false},
    {"uint4", "UINT4", Kind::integer, {}, 4, false, nullptr, false},
    {"uint2", "UINT2", Kind::integer, {}, 2, false, nullptr, false},
};

/// The row of an id, which must be there: others do not compile in a constant expression.
constexpr const NumberFormat& number_format(std::string_view id) {
    const NumberFormat* row = number_formats;
    while (row->id != id) {
        ++row;
    }
    return *row;
}

/// What the codes of a format of four bits stand for.
constexpr Levels levels_of(const NumberFormat& format) {
    if (format.kind == Kind::codebook) {
        return *format.levels;
    }
    Levels levels = {};
    for (std::uint32_t code = 0; code < 16; ++code) {
        levels.level[code] = static_cast<float>(decode(format.floating, code));
    }
    return levels;
}

}  // namespace nibble::formats
