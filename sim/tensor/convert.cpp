#include "sim/tensor/convert.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

static_assert(std::endian::native == std::endian::little,
              "all three file formats are little-endian and are read in place");

constexpr std::size_t block_elements = 32;

/// Loads from any address.
template <class T>
T load(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
}

template <class Stored, class Out, class Decode>
void convert_each(const std::byte* stored, std::span<Out> out, const Decode& decode) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<Out>(decode(load<Stored>(stored + i * sizeof(Stored))));
    }
}

template <class Stored, class Out>
void cast_each(const std::byte* stored, std::span<Out> out) {
    if constexpr (std::is_same_v<Stored, Out>) {
        std::memcpy(out.data(), stored, out.size_bytes());
    } else {
        convert_each<Stored>(stored, out, [](Stored value) { return value; });
    }
}

// The low nibbles of qs are the block's first 16 values, the high nibbles its last 16; bit k of
// high_bits is the fifth bit of value k.

struct BlockQ40 {  // scale * (q - 8)
    std::uint16_t scale;
    std::array<std::uint8_t, 16> qs;
};
struct BlockQ41 {  // scale * q + minimum
    std::uint16_t scale, minimum;
    std::array<std::uint8_t, 16> qs;
};
struct BlockQ50 {  // scale * (q - 16)
    std::uint16_t scale;
    std::array<std::uint8_t, 4> high_bits;
    std::array<std::uint8_t, 16> qs;
};
struct BlockQ51 {  // scale * q + minimum
    std::uint16_t scale, minimum;
    std::array<std::uint8_t, 4> high_bits;
    std::array<std::uint8_t, 16> qs;
};
struct BlockQ80 {  // scale * q
    std::uint16_t scale;
    std::array<std::int8_t, 32> qs;
};
static_assert(sizeof(BlockQ40) == 18 && sizeof(BlockQ41) == 20 && sizeof(BlockQ50) == 22 &&
              sizeof(BlockQ51) == 24 && sizeof(BlockQ80) == 34);

/// A block's 32 codes as integers.
template <class Block>
std::array<std::int32_t, block_elements> codes(const Block& block) {
    std::array<std::int32_t, block_elements> q;
    if constexpr (std::is_same_v<Block, BlockQ80>) {
        std::copy(block.qs.begin(), block.qs.end(), q.begin());
    } else {
        for (std::size_t i = 0; i < 16; ++i) {
            q[i] = block.qs[i] & 0x0f;
            q[i + 16] = block.qs[i] >> 4;
        }
        if constexpr (requires { block.high_bits; }) {
            const auto high = std::bit_cast<std::uint32_t>(block.high_bits);
            for (std::size_t i = 0; i < block_elements; ++i) {
                q[i] |= static_cast<std::int32_t>((high >> i & 1u) << 4);
            }
        }
    }
    return q;
}

template <class Block>
void dequantize_block(const Block& block, float* out) {
    const auto q = codes(block);
    const float scale = f16_to_float(block.scale);
    if constexpr (requires { block.minimum; }) {
        const float minimum = f16_to_float(block.minimum);
        for (std::size_t i = 0; i < block_elements; ++i) {
            out[i] = static_cast<float>(q[i]) * scale + minimum;
        }
    } else {
        constexpr std::int32_t middle = std::is_same_v<Block, BlockQ40>   ? 8
                                        : std::is_same_v<Block, BlockQ50> ? 16
                                                                          : 0;
        for (std::size_t i = 0; i < block_elements; ++i) {
            out[i] = static_cast<float>(q[i] - middle) * scale;
        }
    }
}

template <class Block, class Out>
void dequantize(const std::byte* stored, std::span<Out> out) {
    std::array<float, block_elements> values;
    for (std::size_t first = 0; first < out.size(); first += block_elements) {
        const auto block = load<Block>(stored + first / block_elements * sizeof(Block));
        if constexpr (std::is_same_v<Out, float>) {
            dequantize_block(block, out.data() + first);
        } else {
            dequantize_block(block, values.data());
            std::copy(values.begin(), values.end(), out.data() + first);
        }
    }
}

template <class Out>
void convert_to(DType dtype, std::span<const std::byte> stored, std::span<Out> out) {
    const BlockSize block = block_size(dtype);
    NIBBLE_ASSERT(dtype != DType::other, "a type without a conversion is refused before");
    NIBBLE_ASSERT(out.size() % block.elements == 0 &&
                      stored.size() == out.size() / block.elements * block.bytes,
                  "whole blocks, and their bytes");
    const std::byte* from = stored.data();
    if (out.empty()) {
        return;
    }
    switch (dtype) {
        case DType::f64:
            return cast_each<double>(from, out);
        case DType::f32:
            return cast_each<float>(from, out);
        case DType::f16:
            return convert_each<std::uint16_t>(from, out, f16_to_float);
        case DType::bf16:
            return convert_each<std::uint16_t>(from, out, bf16_to_float);
        case DType::f8_e4m3:
            return convert_each<std::uint8_t>(from, out, f8_e4m3_to_float);
        case DType::f8_e5m2:
            return convert_each<std::uint8_t>(from, out, f8_e5m2_to_float);
        case DType::i8:
            return cast_each<std::int8_t>(from, out);
        case DType::u8:
            return cast_each<std::uint8_t>(from, out);
        case DType::i16:
            return cast_each<std::int16_t>(from, out);
        case DType::u16:
            return cast_each<std::uint16_t>(from, out);
        case DType::i32:
            return cast_each<std::int32_t>(from, out);
        case DType::u32:
            return cast_each<std::uint32_t>(from, out);
        case DType::i64:
            return cast_each<std::int64_t>(from, out);
        case DType::u64:
            return cast_each<std::uint64_t>(from, out);
        case DType::boolean:
            return convert_each<std::uint8_t>(from, out, [](std::uint8_t b) { return b != 0; });
        case DType::q4_0:
            return dequantize<BlockQ40>(from, out);
        case DType::q4_1:
            return dequantize<BlockQ41>(from, out);
        case DType::q5_0:
            return dequantize<BlockQ50>(from, out);
        case DType::q5_1:
            return dequantize<BlockQ51>(from, out);
        case DType::q8_0:
            return dequantize<BlockQ80>(from, out);
        case DType::other:
            return;
    }
}

}  // namespace

std::uint16_t float_to_f16(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude >= 0x47800000U) {  // 65536 and above, infinity, NaN
        return sign | (magnitude > 0x7f800000U ? 0x7e00U : 0x7c00U);
    }
    if (magnitude < 0x38800000U) {  // below 2^-14: multiples of 2^-24
        const float scaled = std::bit_cast<float>(magnitude) * 0x1p24F;
        return sign | static_cast<std::uint16_t>(std::nearbyint(scaled));
    }
    const std::uint32_t odd = magnitude >> 13 & 1U;
    return sign | static_cast<std::uint16_t>((magnitude - 0x38000000U + 0xfffU + odd) >> 13);
}

void convert(DType dtype, std::span<const std::byte> stored, std::span<float> out) {
    convert_to(dtype, stored, out);
}

void convert(DType dtype, std::span<const std::byte> stored, std::span<double> out) {
    convert_to(dtype, stored, out);
}

}  // namespace nibble
