// Registers of float values from float, binary16 or bfloat16 in memory; included once for each
// instruction set, between HWY_BEFORE_NAMESPACE's namespaces.
#if defined(NIBBLE_PACKED_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_PACKED_INL_HPP
#undef NIBBLE_PACKED_INL_HPP
#else
#define NIBBLE_PACKED_INL_HPP
#endif

#include <cstring>
#include <hwy/cache_control.h>
#include <hwy/highway.h>
#include <type_traits>
#include <utility>

#include "kernels/quantize/packed_format.hpp"
#include "kernels/quantize/rounders-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

/// As to_float<fp16>, in every lane: magnitudes below 2^16 keep their bits but for 13 of mantissa
/// and another bias of the exponent; multiplying by 2^112 changes the bias, subnormal numbers
/// included.
HWY_INLINE Vec widen_binary16(BitsVec half) {
    const Tag d;
    const BitsTag bits;
    const BitsVec magnitude = hn::And(half, hn::Set(bits, 0x7fffu));
    const Vec value = hn::Mul(hn::BitCast(d, hn::ShiftLeft<13>(magnitude)), hn::Set(d, 0x1p112F));
    const BitsVec beyond =
        hn::IfThenElseZero(hn::Gt(magnitude, hn::Set(bits, 0x7bffu)), hn::Set(bits, 0x7f800000u));
    const BitsVec sign = hn::ShiftLeft<16>(hn::Xor(half, magnitude));
    return hn::BitCast(d, hn::Or(hn::BitCast(bits, value), hn::Or(beyond, sign)));
}

/// Values from `begin` on, whatever their type.
template <InputType type>
struct Input {
    static constexpr std::size_t bytes = bytes_of(type);
    const std::uint8_t* begin;

    Input(const void* x, std::size_t first)
        : begin(static_cast<const std::uint8_t*>(x) + first * bytes) {}

    HWY_INLINE Vec load(std::size_t i) const { return load_at(begin + i * bytes); }

    /// Asks for the lines that hold `count` values some way ahead of value i. Without it a
    /// processor waits for memory at the start of each page, where its own guesses end.
    HWY_INLINE void prefetch(std::size_t i, std::size_t count) const {
        constexpr std::size_t ahead = 2048, line = 64;  // bytes
        for (std::size_t at = 0; at < count * bytes; at += line) {
            hwy::Prefetch(begin + i * bytes + ahead + at);
        }
    }

    /// Of the last count < lanes values, and zeros after them.
    HWY_INLINE Vec load_last(std::size_t i, std::size_t count) const {
        alignas(64) std::uint8_t copy[lanes * bytes] = {};
        std::memcpy(copy, begin + i * bytes, count * bytes);
        return load_at(copy);
    }

private:
    HWY_INLINE static Vec load_at(const std::uint8_t* from) {
        const Tag d;
        if constexpr (type == InputType::f32) {
            return hn::LoadU(d, reinterpret_cast<const float*>(from));
        } else {
            const auto half = hn::PromoteTo(
                BitsTag{}, hn::LoadU(ShortTag{}, reinterpret_cast<const std::uint16_t*>(from)));
            return type == InputType::f16 ? widen_binary16(half)
                                          : hn::BitCast(d, hn::ShiftLeft<16>(half));
        }
    }
};

HWY_INLINE IntVec magnitude_bits(Vec x) {
    return hn::BitCast(IntTag{}, hn::Abs(x));
}

/// Calls body with std::integral_constant of the type.
template <class Body>
HWY_INLINE void with_type(InputType type, const Body& body) {
    switch (type) {
        case InputType::f32:
            return body(std::integral_constant<InputType, InputType::f32>{});
        case InputType::f16:
            return body(std::integral_constant<InputType, InputType::f16>{});
        case InputType::bf16:
            return body(std::integral_constant<InputType, InputType::bf16>{});
    }
}

/// Calls body with std::integral_constant of a format that is not one of ggml's blocks.
template <class Body>
HWY_INLINE void with_group_format(PackedFormat format, const Body& body) {
    const auto try_each = [&]<std::size_t... k>(std::index_sequence<k...>) {
        const auto try_one = [&](auto candidate) {
            if constexpr (!is_ggml_block(candidate())) {
                if (candidate() == format) {
                    body(candidate);
                }
            }
        };
        (try_one(std::integral_constant<PackedFormat, all_packed_formats[k]>{}), ...);
    };
    try_each(std::make_index_sequence<all_packed_formats.size()>{});
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
