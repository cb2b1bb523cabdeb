#include "kernels/quantize/packed.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace nibble::kernels {
namespace {

/// Values in a block of the MX formats and of ggml's.
constexpr std::size_t block_size = 32;

bool is_block(PackedFormat format) {
    return format == PackedFormat::q4_0 || format == PackedFormat::q8_0;
}
bool is_mx(PackedFormat format) {
    return format == PackedFormat::mxfp4 || format == PackedFormat::mxfp8_e4m3;
}
bool is_nibble(PackedFormat format) {
    switch (format) {
        case PackedFormat::int4:
        case PackedFormat::uint4:
        case PackedFormat::nf4:
        case PackedFormat::fp4:
        case PackedFormat::mxfp4:
            return true;
        default:
            return false;
    }
}

}  // namespace

const char* name(PackedFormat format) {
    static constexpr std::array names = {"int8",  "uint8",      "int4",     "uint4",
                                         "nf4",   "fp4",        "fp8_e4m3", "fp8_e5m2",
                                         "mxfp4", "mxfp8_e4m3", "q4_0",     "q8_0"};
    static_assert(names.size() == all_packed_formats.size());
    return names[static_cast<std::size_t>(format)];
}

const char* name(InputType type) {
    static constexpr std::array names = {"f32", "f16", "bf16"};
    return names[static_cast<std::size_t>(type)];
}

std::size_t PackedShape::group() const {
    if (is_block(format) || is_mx(format)) {
        return block_size;
    }
    return std::max<std::size_t>(1, group_size == 0 ? columns : group_size);
}

std::size_t PackedShape::groups() const {
    return columns / group() + (columns % group() != 0 ? 1 : 0);
}

std::size_t PackedShape::row_bytes() const {
    switch (format) {
        case PackedFormat::q4_0:
            return groups() * sizeof(Q4Block);
        case PackedFormat::q8_0:
            return groups() * sizeof(Q8Block);
        default:
            return is_nibble(format) ? columns / 2 + columns % 2 : columns;
    }
}

std::size_t PackedShape::scale_bytes() const {
    if (is_block(format)) {
        return 0;
    }
    return rows * groups() * (is_mx(format) ? 1 : sizeof(float));
}

std::size_t PackedShape::zero_point_bytes() const {
    const bool has = format == PackedFormat::uint8 || format == PackedFormat::uint4;
    return has ? rows * groups() : 0;
}

const std::array<float, 16>& level_table(PackedFormat format) {
    // QLoRA, appendix E: the digits that bitsandbytes ships too.
    static constexpr std::array<float, 16> nf4 = {
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
    };
    // Sign in the top bit; 1/192, 2/3, 1/3 and 1/6 to the eight digits of bitsandbytes.
    static constexpr std::array<float, 16> fp4 = {
        0.0F,  5.208333333e-03F,  0.66666667F,  1.0F,  0.33333333F,  0.5F,  0.16666667F,  0.25F,
        -0.0F, -5.208333333e-03F, -0.66666667F, -1.0F, -0.33333333F, -0.5F, -0.16666667F, -0.25F,
    };
    // E2M1 of OCP MX 1.0: sign, two bits of exponent, one of mantissa.
    static constexpr std::array<float, 16> e2m1 = {0.0F,  0.5F,  1.0F,  1.5F,  2.0F,  3.0F,
                                                   4.0F,  6.0F,  -0.0F, -0.5F, -1.0F, -1.5F,
                                                   -2.0F, -3.0F, -4.0F, -6.0F};
    switch (format) {
        case PackedFormat::nf4:
            return nf4;
        case PackedFormat::fp4:
            return fp4;
        case PackedFormat::mxfp4:
            return e2m1;
        default:
            throw std::invalid_argument(std::string("level_table: ") + name(format) +
                                        " has no table; nf4, fp4 and mxfp4 do");
    }
}

}  // namespace nibble::kernels
