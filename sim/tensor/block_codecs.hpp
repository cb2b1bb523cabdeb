// Blocks of packed formats to floats: one codec for each format that can be read. A format of the
// table without one is listed by name, and refused when its values are asked for.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "kernels/formats/packed_formats.hpp"

namespace nibble {

/// Loads from any address.
template <class T>
T load(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
}

/// ggml's blocks of one scale: binary16 scale; binary16 minimum, where there is one; the fifth bits
/// of all codes, bit k that of value k; then bytes, or nibbles, of which the low ones are the first
/// half of the block. A value is scale * (code - offset) + minimum.
template <kernels::PackedFormat format>
struct OneScale {
    static constexpr kernels::PackedLayout row = layout(format);
    static constexpr int bits = row.codes->bits();
    static constexpr std::size_t elements = row.elements, halves = row.has_minimum ? 2 : 1,
                                 high_bytes = bits == 5 ? elements / 8 : 0,
                                 code_bytes = bits == 8 ? elements : elements / 2;
    static_assert(2 * halves + high_bytes + code_bytes == row.bytes);

    static void decode(const std::byte* block, float* out) {
        const std::byte* stored = block + 2 * halves + high_bytes;
        std::array<std::int32_t, elements> q;
        for (std::size_t i = 0; i < code_bytes; ++i) {
            if constexpr (bits == 8) {
                q[i] = static_cast<std::int8_t>(stored[i]);
            } else {
                q[i] = static_cast<std::int32_t>(stored[i] & std::byte{15});
                q[i + code_bytes] = static_cast<std::int32_t>(stored[i] >> 4);
            }
        }
        if constexpr (bits == 5) {
            const auto high = load<std::uint32_t>(block + 2 * halves);
            for (std::size_t i = 0; i < elements; ++i) {
                q[i] |= static_cast<std::int32_t>((high >> i & 1u) << 4);
            }
        }
        const float scale = formats::to_float<formats::fp16>(load<std::uint16_t>(block));
        if constexpr (row.has_minimum) {
            const float minimum = formats::to_float<formats::fp16>(load<std::uint16_t>(block + 2));
            for (std::size_t i = 0; i < elements; ++i) {
                out[i] = static_cast<float>(q[i]) * scale + minimum;
            }
        } else {
            for (std::size_t i = 0; i < elements; ++i) {
                out[i] = static_cast<float>(q[i] - row.offset) * scale;
            }
        }
    }
};

constexpr bool has_one_scale(kernels::PackedFormat format) {
    using enum kernels::PackedFormat;
    return format == q4_0 || format == q4_1 || format == q5_0 || format == q5_1 || format == q8_0;
}

/// A codec has static void decode(const std::byte* block, float* out): one block, all its values.
template <kernels::PackedFormat format>
struct BlockCodec {};
template <kernels::PackedFormat format>
requires(has_one_scale(format)) struct BlockCodec<format> : OneScale<format> {
};

template <kernels::PackedFormat format>
constexpr bool has_codec = requires {
    &BlockCodec<format>::decode;
};

/// Values in the longest block.
inline constexpr std::size_t longest_block = [] {
    int longest = 1;
    for (const kernels::PackedLayout& row : kernels::packed_layouts) {
        longest = std::max(longest, row.elements);
    }
    return static_cast<std::size_t>(longest);
}();

}  // namespace nibble
