// CUDA's 16-bit types, __half and __nv_bfloat16, and its FP8 codes, under CUDA's names.
//
// Arithmetic is done in float and rounded back, which is what one operation in 16 bits gives: the
// float result of +, -, * and / has more than twice the bits, so the second rounding is harmless
// (Figueroa, "When is double rounding innocuous?", 1995). Fused multiply-add takes more care.
#pragma once

#include <cmath>

#include "kernels/emulator/vectors.hpp"
#include "kernels/formats/float_format.hpp"

namespace nibble::kernels::emulated {

/// a * b + c so that rounding it once more, to 16 bits, rounds as if only once: the inexact sum is
/// rounded to odd (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", 2008).
inline double fma_to_odd(double a, double b, double c) {
    const double product = a * b;  // exact: 24 bits each at most
    const double sum = product + c;
    if (!std::isfinite(sum)) {
        return sum;
    }
    const double virtual_c = sum - product;  // TwoSum: the error of the sum, exactly
    const double error = (product - (sum - virtual_c)) + (c - virtual_c);
    const auto bits = std::bit_cast<std::uint64_t>(sum);
    if (error == 0.0 || (bits & 1u) != 0) {
        return sum;
    }
    const bool away_from_zero = (error > 0) == (sum > 0);
    return std::bit_cast<double>(away_from_zero ? bits + 1 : bits - 1);
}

/// `nan` is the code that a NaN becomes; CUDA's types differ in it.
inline std::uint32_t small_code(const formats::FloatFormat& f, double x, formats::Overflow overflow,
                                std::uint32_t nan) {
    return std::isnan(x) ? nan : formats::encode(f, x, overflow);
}

struct __half_raw {
    unsigned short x;
};

template <const formats::FloatFormat& format, std::uint16_t nan>
struct SixteenBit {
    std::uint16_t bits;

    SixteenBit() = default;
    // NOLINTBEGIN(google-explicit-constructor): CUDA's types convert from numbers implicitly
    SixteenBit(float x) : bits(code_of(x)) {}
    SixteenBit(double x) : bits(code_of(x)) {}
    SixteenBit(int x) : bits(code_of(x)) {}
    SixteenBit(__half_raw raw) requires(format.exponent_bits == 5) : bits(raw.x) {}
    // NOLINTEND(google-explicit-constructor)
    explicit operator float() const { return static_cast<float>(formats::decode(format, bits)); }

    static SixteenBit from_bits(std::uint16_t bits) {
        SixteenBit h;
        h.bits = bits;
        return h;
    }
    static std::uint16_t code_of(double x) {
        return static_cast<std::uint16_t>(small_code(format, x, formats::Overflow::standard, nan));
    }

    friend SixteenBit operator+(SixteenBit a, SixteenBit b) { return float(a) + float(b); }
    friend SixteenBit operator-(SixteenBit a, SixteenBit b) { return float(a) - float(b); }
    friend SixteenBit operator*(SixteenBit a, SixteenBit b) { return float(a) * float(b); }
    friend SixteenBit operator/(SixteenBit a, SixteenBit b) { return float(a) / float(b); }
    friend SixteenBit operator-(SixteenBit a) { return from_bits(a.bits ^ 0x8000u); }
    friend bool operator==(SixteenBit a, SixteenBit b) { return float(a) == float(b); }
    friend bool operator<(SixteenBit a, SixteenBit b) { return float(a) < float(b); }
    friend bool operator>(SixteenBit a, SixteenBit b) { return float(a) > float(b); }
    friend bool operator<=(SixteenBit a, SixteenBit b) { return float(a) <= float(b); }
    friend bool operator>=(SixteenBit a, SixteenBit b) { return float(a) >= float(b); }

    // The intrinsics that CUDA overloads for both types; found by argument.
    friend SixteenBit __hadd(SixteenBit a, SixteenBit b) { return a + b; }
    friend SixteenBit __hsub(SixteenBit a, SixteenBit b) { return a - b; }
    friend SixteenBit __hmul(SixteenBit a, SixteenBit b) { return a * b; }
    friend SixteenBit __hdiv(SixteenBit a, SixteenBit b) { return a / b; }
    friend SixteenBit __hneg(SixteenBit a) { return -a; }
    friend SixteenBit __habs(SixteenBit a) { return from_bits(a.bits & 0x7fffu); }
    friend SixteenBit __hmax(SixteenBit a, SixteenBit b) { return std::fmax(float(a), float(b)); }
    friend SixteenBit __hmin(SixteenBit a, SixteenBit b) { return std::fmin(float(a), float(b)); }
    friend SixteenBit __hfma(SixteenBit a, SixteenBit b, SixteenBit c) {
        return SixteenBit(fma_to_odd(float(a), float(b), float(c)));
    }
    friend bool __hisnan(SixteenBit a) { return std::isnan(float(a)); }
    friend bool __hgt(SixteenBit a, SixteenBit b) { return a > b; }
    friend bool __hlt(SixteenBit a, SixteenBit b) { return a < b; }
};

using __half = SixteenBit<formats::fp16, 0x7fff>;
using __nv_bfloat16 = SixteenBit<formats::bf16, 0x7fff>;
using half = __half;
using nv_bfloat16 = __nv_bfloat16;
static_assert(sizeof(half) == 2 && sizeof(nv_bfloat16) == 2);

template <class H>
struct alignas(4) PairOf {
    H x, y;

    friend PairOf __hadd2(PairOf a, PairOf b) { return {a.x + b.x, a.y + b.y}; }
    friend PairOf __hsub2(PairOf a, PairOf b) { return {a.x - b.x, a.y - b.y}; }
    friend PairOf __hmul2(PairOf a, PairOf b) { return {a.x * b.x, a.y * b.y}; }
    friend PairOf __hfma2(PairOf a, PairOf b, PairOf c) {
        return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
    }
    friend PairOf __habs2(PairOf a) { return {__habs(a.x), __habs(a.y)}; }
    friend PairOf __hmax2(PairOf a, PairOf b) { return {__hmax(a.x, b.x), __hmax(a.y, b.y)}; }
    friend PairOf __hmin2(PairOf a, PairOf b) { return {__hmin(a.x, b.x), __hmin(a.y, b.y)}; }
};
using __half2 = PairOf<__half>;
using half2 = __half2;
using __nv_bfloat162 = PairOf<__nv_bfloat16>;
using nv_bfloat162 = __nv_bfloat162;
static_assert(sizeof(half2) == 4 && sizeof(nv_bfloat162) == 4);

// clang-format off
inline float  __half2float(__half h) { return float(h); }
inline __half __float2half(float x) { return x; }
inline __half __float2half_rn(float x) { return x; }
inline float2 __half22float2(__half2 h) { return {float(h.x), float(h.y)}; }
inline __half2 __float22half2_rn(float2 v) { return {v.x, v.y}; }
inline __half2 __floats2half2_rn(float x, float y) { return {x, y}; }
inline __half2 __half2half2(__half h) { return {h, h}; }
inline __half2 __halves2half2(__half x, __half y) { return {x, y}; }
inline __half __low2half(__half2 h) { return h.x; }
inline __half __high2half(__half2 h) { return h.y; }
inline unsigned short __half_as_ushort(__half h) { return h.bits; }
inline __half __ushort_as_half(unsigned short bits) { return __half::from_bits(bits); }

inline float __bfloat162float(__nv_bfloat16 h) { return float(h); }
inline __nv_bfloat16 __float2bfloat16(float x) { return x; }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return x; }
inline float2 __bfloat1622float2(__nv_bfloat162 h) { return {float(h.x), float(h.y)}; }
inline __nv_bfloat162 __float22bfloat162_rn(float2 v) { return {v.x, v.y}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 h) { return h.bits; }
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) { return __nv_bfloat16::from_bits(bits); }
// clang-format on

using __nv_fp8_storage_t = unsigned char;
using __nv_fp8x2_storage_t = unsigned short;
enum __nv_saturation_t { __NV_NOSAT, __NV_SATFINITE };
enum __nv_fp8_interpretation_t { __NV_E4M3, __NV_E5M2 };
constexpr const formats::FloatFormat& fp8_format(__nv_fp8_interpretation_t format) {
    return format == __NV_E4M3 ? formats::fp8_e4m3 : formats::fp8_e5m2;
}
inline __nv_fp8_storage_t __nv_cvt_float_to_fp8(float x, __nv_saturation_t saturation,
                                                __nv_fp8_interpretation_t format) {
    const auto overflow =
        saturation == __NV_SATFINITE ? formats::Overflow::saturate : formats::Overflow::standard;
    return static_cast<__nv_fp8_storage_t>(
        small_code(fp8_format(format), x, overflow, fp8_format(format).magnitude_mask()));
}

inline __nv_fp8x2_storage_t __nv_cvt_float2_to_fp8x2(float2 v, __nv_saturation_t saturation,
                                                     __nv_fp8_interpretation_t format) {
    return static_cast<__nv_fp8x2_storage_t>(__nv_cvt_float_to_fp8(v.x, saturation, format) |
                                             __nv_cvt_float_to_fp8(v.y, saturation, format) << 8);
}

inline __half_raw __nv_cvt_fp8_to_halfraw(__nv_fp8_storage_t code,
                                          __nv_fp8_interpretation_t format) {
    return {__half(formats::decode(fp8_format(format), code)).bits};
}

template <__nv_fp8_interpretation_t format>
struct Fp8 {
    __nv_fp8_storage_t __x;

    Fp8() = default;
    explicit Fp8(float x) : __x(__nv_cvt_float_to_fp8(x, __NV_SATFINITE, format)) {}
    explicit operator float() const {
        return static_cast<float>(formats::decode(fp8_format(format), __x));
    }
};
using __nv_fp8_e4m3 = Fp8<__NV_E4M3>;
using __nv_fp8_e5m2 = Fp8<__NV_E5M2>;
static_assert(sizeof(__nv_fp8_e4m3) == 1 && sizeof(__nv_fp8_e5m2) == 1);

}  // namespace nibble::kernels::emulated
