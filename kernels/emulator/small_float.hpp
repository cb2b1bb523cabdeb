// Floating-point numbers of 16 and 8 bits: sign, exponent, mantissa, converted from and to float by
// the rules of IEEE 754 with rounding to nearest, ties to even.
//
// One pair of functions serves binary16, bfloat16 and the two FP8 formats of Micikevicius et al.,
// "FP8 formats for deep learning" (2022): a number is a whole multiple of a power of two, so
// rounding is one nearbyint at the right scale, and the code of the rounded number is that multiple
// plus the exponent above it. A carry out of the mantissa raises the exponent by itself.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace nibble::kernels::emulator {

struct SmallFormat {
    int exponent_bits, mantissa_bits;
    bool has_infinity;  // E4M3 has none: its largest code is NaN, all below it are finite

    constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
    constexpr std::uint32_t sign_bit() const { return 1u << (exponent_bits + mantissa_bits); }
    constexpr std::uint32_t infinity() const {
        return ((1u << exponent_bits) - 1u) << mantissa_bits;
    }
    constexpr std::uint32_t largest() const {
        return has_infinity ? infinity() - 1 : sign_bit() - 2;
    }
};

constexpr SmallFormat binary16{5, 10, true};
constexpr SmallFormat bfloat16{8, 7, true};
constexpr SmallFormat e4m3{4, 3, false};
constexpr SmallFormat e5m2{5, 2, true};

/// 2^exponent, for exponents of normal doubles.
constexpr double power_of_two(int exponent) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

/// The code of |x| rounded to nearest even, not yet limited to the format's range; x is finite.
inline std::uint32_t round_magnitude(SmallFormat f, double x) {
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(x) & ~(1ull << 63);
    const int lowest = 1 - f.bias();  // exponent of the smallest normal number
    const int exponent = std::max(static_cast<int>(bits >> 52) - 1023, lowest);
    const double unit = power_of_two(f.mantissa_bits - exponent);  // 1 / (step between numbers)
    const double steps = std::nearbyint(std::bit_cast<double>(bits) * unit);
    // Normal numbers count from 2^mantissa_bits steps; the first of those is exponent field 1.
    return static_cast<std::uint32_t>(steps) +
           (static_cast<std::uint32_t>(exponent - lowest) << f.mantissa_bits);
}

/// What to do beyond the largest number: infinity (NaN where there is none), or the largest.
enum class Overflow : std::uint8_t { infinity, saturate };

/// `nan` is the code that a NaN becomes; CUDA's types differ in it.
inline std::uint32_t encode(SmallFormat f, double x, Overflow overflow, std::uint32_t nan) {
    if (std::isnan(x)) {
        return nan;
    }
    const std::uint32_t sign = std::signbit(x) ? f.sign_bit() : 0;
    const std::uint32_t code = std::isinf(x) ? f.largest() + 1 : round_magnitude(f, x);
    if (code <= f.largest()) {
        return sign | code;
    }
    return sign | (overflow == Overflow::saturate ? f.largest() : f.largest() + 1);
}

inline float decode(SmallFormat f, std::uint32_t code) {
    const std::uint32_t magnitude = code & (f.sign_bit() - 1);
    const float sign = (code & f.sign_bit()) != 0 ? -1.0f : 1.0f;
    if (magnitude > f.largest()) {
        return f.has_infinity && magnitude == f.infinity()
                   ? sign * std::numeric_limits<float>::infinity()
                   : std::numeric_limits<float>::quiet_NaN();
    }
    const auto field = static_cast<int>(magnitude >> f.mantissa_bits);
    const std::uint32_t mantissa = magnitude & ((1u << f.mantissa_bits) - 1u);
    const std::uint32_t steps = field == 0 ? mantissa : mantissa | 1u << f.mantissa_bits;
    const int exponent = std::max(field, 1) - f.bias() - f.mantissa_bits;
    return sign * static_cast<float>(steps * power_of_two(exponent));
}

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

}  // namespace nibble::kernels::emulator
