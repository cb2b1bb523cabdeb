#include <algorithm>
#include <oneapi/tbb/parallel_for.h>
#include <stdexcept>
#include <string>

#include "kernels/quantize/packed_format.hpp"

namespace nibble::kernels {

const char* name(InputType type) {
    static constexpr std::array names = {"f32", "f16", "bf16"};
    return names[static_cast<std::size_t>(type)];
}

std::size_t PackedShape::group() const {
    if (layout(format).elements > 0) {
        return static_cast<std::size_t>(layout(format).elements);
    }
    return std::max<std::size_t>(1, group_size == 0 ? columns : group_size);
}

std::size_t PackedShape::groups() const {
    return columns / group() + (columns % group() != 0 ? 1 : 0);
}

std::size_t PackedShape::row_bytes() const {
    if (is_ggml_block(format)) {
        return groups() * static_cast<std::size_t>(layout(format).bytes);
    }
    return traits(format).nibbles ? columns / 2 + columns % 2 : columns;
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

void check_rows(const PackedShape& shape, std::size_t first, std::size_t count) {
    if (is_ggml_block(shape.format) && shape.columns % shape.group() != 0) {
        throw std::invalid_argument(std::string(name(shape.format)) + " needs a multiple of " +
                                    std::to_string(shape.group()) + " columns, not " +
                                    std::to_string(shape.columns));
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
