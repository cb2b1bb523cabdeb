#include <algorithm>
#include <oneapi/tbb/parallel_for.h>
#include <stdexcept>
#include <string>

#include "kernels/quantize/packed_format.hpp"

namespace nibble::kernels {

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
    if (is_ggml_block(format) || traits(format).e8m0) {
        return packed_block;
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
            return traits(format).nibbles ? columns / 2 + columns % 2 : columns;
    }
}

std::size_t PackedShape::scale_bytes() const {
    if (is_ggml_block(format)) {
        return 0;
    }
    return rows * groups() * (traits(format).e8m0 ? 1 : sizeof(float));
}

std::size_t PackedShape::zero_point_bytes() const {
    return traits(format).affine ? rows * groups() : 0;
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

void check_rows(const PackedShape& shape, std::size_t first, std::size_t count) {
    if (is_ggml_block(shape.format) && shape.columns % packed_block != 0) {
        throw std::invalid_argument(std::string(name(shape.format)) + " needs a multiple of 32 " +
                                    "columns, not " + std::to_string(shape.columns));
    }
    if (first > shape.rows || count > shape.rows - first) {
        throw std::invalid_argument(std::to_string(count) + " rows from row " +
                                    std::to_string(first) + " of a matrix of " +
                                    std::to_string(shape.rows));
    }
}

void check_given_scale(PackedFormat format) {
    if (!traits(format).given_scale_ok) {
        throw std::invalid_argument(std::string(name(format)) +
                                    " has no scale per tensor; int8, int4 and FP8 have");
    }
}

namespace {

/// Calls body(first, count) for tiles of rows, on oneTBB's threads.
template <class Body>
void for_each_tile(const PackedShape& shape, const Body& body) {
    constexpr std::size_t tile_values = std::size_t{1} << 16;
    const std::size_t tile_rows =
        std::max<std::size_t>(1, tile_values / std::max<std::size_t>(1, shape.columns));
    const std::size_t tiles = (shape.rows + tile_rows - 1) / tile_rows;
    oneapi::tbb::parallel_for(std::size_t{0}, tiles, [&](std::size_t tile) {
        const std::size_t first = tile * tile_rows;
        body(first, std::min(tile_rows, shape.rows - first));
    });
}

}  // namespace

void quantize(const PackedShape& shape, InputType type, const void* x, const PackedView& out) {
    for_each_tile(shape, [&](std::size_t first, std::size_t count) {
        quantize_rows(shape, type, x, out, first, count);
    });
}

void dequantize(const PackedShape& shape, const ConstPackedView& packed, float* y) {
    for_each_tile(shape, [&](std::size_t first, std::size_t count) {
        dequantize_rows(shape, packed, y, first, count);
    });
}

}  // namespace nibble::kernels
