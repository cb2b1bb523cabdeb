// From stored bits to floats: exact, without branches, so that the compiler vectorises the loops
// over whole tensors and reading runs at the speed of memory.
//
// A short float with its exponent field moved into a float's lacks only the difference of the two
// biases, which one integer addition supplies. Subnormals have an exponent field of zero and no
// hidden one: writing the fraction under the exponent of the smallest normal adds that one, and a
// float subtraction takes it away exactly. ggml's blocks: github.com/ggml-org/ggml, ggml-common.h.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/tensor/dtype.hpp"

namespace nibble {

/// `yes` where the condition holds, else `no`; as a mask, because compilers turn ?: with a float
/// subtraction on one side back into a branch.
constexpr std::uint32_t select(bool condition, std::uint32_t yes, std::uint32_t no) {
    const std::uint32_t mask = 0u - static_cast<std::uint32_t>(condition);
    return (yes & mask) | (no & ~mask);
}

/// IEEE binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. NaN keeps its payload.
constexpr float f16_to_float(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000u) << 16;
    const std::uint32_t magnitude = (half & 0x7fffu) << 13;
    const std::uint32_t exponent = magnitude & (0x1fu << 23);
    const std::uint32_t normal = magnitude + ((127u - 15u) << 23);
    const std::uint32_t special = magnitude + ((255u - 31u) << 23);
    const std::uint32_t subnormal =
        std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude + (113u << 23)) - 0x1p-14f);
    const std::uint32_t finite = select(exponent == 0, subnormal, normal);
    return std::bit_cast<float>(sign | select(exponent == 0x1fu << 23, special, finite));
}

/// The upper half of a float.
constexpr float bf16_to_float(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// OCP 8-bit E4M3: bias 7, no infinities, 0x7f and 0xff are NaN, largest 448.
constexpr float f8_e4m3_to_float(std::uint8_t bits) {
    const std::uint32_t sign = (bits & 0x80u) << 24;
    const std::uint32_t magnitude = (bits & 0x7fu) << 20;
    const std::uint32_t normal = magnitude + ((127u - 7u) << 23);
    const std::uint32_t subnormal =
        std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude + (121u << 23)) - 0x1p-6f);
    const std::uint32_t finite = select(magnitude < 1u << 23, subnormal, normal);
    return std::bit_cast<float>(sign | select(magnitude == 0x7fu << 20, 0x7fc00000u, finite));
}

/// OCP 8-bit E5M2: the upper half of a binary16.
constexpr float f8_e5m2_to_float(std::uint8_t bits) {
    return f16_to_float(static_cast<std::uint16_t>(bits << 8));
}

/// The nearest binary16, halves to even; too large becomes infinity. The way back from
/// f16_to_float.
std::uint16_t float_to_f16(float value);

/// Converts out.size() values that `stored` holds, from any address. For block types out.size() is
/// a multiple of the block. DType::other has no conversion: a broken invariant.
void convert(DType dtype, std::span<const std::byte> stored, std::span<float> out);
void convert(DType dtype, std::span<const std::byte> stored, std::span<double> out);

}  // namespace nibble
