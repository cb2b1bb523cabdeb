// Floating-point formats of any width up to 32 bits, described by numbers and coded exactly.
//
// A code is sign, exponent, mantissa from the top bit down; its value is
//     (-1)^s 2^{e - bias} (1 + m / 2^M)    and, for e = 0,    (-1)^s 2^{1 - bias} m / 2^M.
// encode() rounds a double to the nearest value in one step, ties to the even code, so nothing is
// rounded twice. Left out: signalling NaNs and NaN payloads.
//
// IEEE 754-2019 (FP32, FP16); OCP 8-bit Floating Point Specification 1.0 (E4M3, E5M2); OCP
// Microscaling Formats Specification 1.0 (FP6, FP4, E8M0); NVIDIA PTX ISA, "cvt" (TF32, satfinite).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

namespace nibble::formats {

/// What the codes with the largest exponent mean.
enum class Specials : std::uint8_t {
    ieee,     // the whole top exponent: mantissa 0 is infinity, anything else NaN
    one_nan,  // only the code with all bits set (besides the sign) is NaN; no infinity
    none,     // every code is a number
};

/// What becomes of numbers beyond the largest one, and of infinities.
enum class Overflow : std::uint8_t {
    saturate,  // the largest number of that sign (OCP's saturating mode, CUDA's satfinite)
    standard,  // infinity where there is one, else NaN (OCP's non-saturating mode), else the
               // largest
};

/// 2^exponent, for exponents of normal doubles.
constexpr double power_of_two(int exponent) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

struct FloatFormat {
    int exponent_bits = 0, mantissa_bits = 0, bias = 0;
    Specials specials = Specials::ieee;
    bool is_signed = true;
    /// Exponent 0 means zero and the subnormal numbers. Without: just one more power of two (E8M0).
    bool has_zero = true;

    constexpr int bits() const { return (is_signed ? 1 : 0) + exponent_bits + mantissa_bits; }
    constexpr bool has_infinity() const { return specials == Specials::ieee; }
    constexpr bool has_nan() const { return specials != Specials::none; }
    constexpr std::uint32_t sign_bit() const {
        return is_signed ? std::uint32_t{1} << (exponent_bits + mantissa_bits) : 0;
    }
    /// Every bit below the sign.
    constexpr std::uint32_t magnitude_mask() const {
        return (std::uint32_t{1} << (exponent_bits + mantissa_bits)) - 1;
    }
    /// The code of the largest finite number.
    constexpr std::uint32_t largest_code() const {
        switch (specials) {
            case Specials::ieee:
                return magnitude_mask() - (std::uint32_t{1} << mantissa_bits);
            case Specials::one_nan:
                return magnitude_mask() - 1;
            case Specials::none:
                break;
        }
        return magnitude_mask();
    }
    /// Meaningful only with has_infinity().
    constexpr std::uint32_t infinity_code() const { return largest_code() + 1; }
    /// The quiet NaN; meaningful only with has_nan().
    constexpr std::uint32_t nan_code() const {
        return specials == Specials::one_nan
                   ? magnitude_mask()
                   : infinity_code() | (std::uint32_t{1} << (mantissa_bits - 1));
    }
    /// What a magnitude beyond the largest number becomes.
    constexpr std::uint32_t overflow_code(Overflow overflow) const {
        if (overflow == Overflow::saturate || !has_nan()) {
            return largest_code();
        }
        return has_infinity() ? infinity_code() : nan_code();
    }
    /// The exponent of the largest power of two: emax of the MX rule.
    constexpr int largest_exponent() const {
        return static_cast<int>(largest_code() >> mantissa_bits) - bias;
    }
    /// The exponent of the smallest normal number.
    constexpr int smallest_exponent() const { return has_zero ? 1 - bias : -bias; }
    constexpr double largest() const;
    constexpr double smallest_normal() const { return power_of_two(smallest_exponent()); }
    /// The smallest number above zero.
    constexpr double smallest() const;

    friend constexpr bool operator==(const FloatFormat&, const FloatFormat&) = default;
};

/// The code of the number nearest to `x`. Zero keeps its sign. NaN gives nan_code(); formats
/// without one give the largest number, as the CUDA conversions to FP6 and FP4 do. An unsigned
/// format turns negative numbers into NaN and zero into its smallest number.
constexpr std::uint32_t encode(const FloatFormat& f, double x, Overflow overflow) {
    constexpr std::uint64_t hidden = std::uint64_t{1} << 52, top = std::uint64_t{1} << 63;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const std::uint64_t size = bits & ~top;
    if (size > std::uint64_t{0x7ff} << 52 || (!f.is_signed && x < 0)) {
        return f.has_nan() ? f.nan_code() : f.largest_code();
    }
    const std::uint32_t sign = (bits & top) != 0 ? f.sign_bit() : 0;
    const int own = static_cast<int>(size >> 52) - 1023;
    if (size == 0) {
        return sign;  // of E8M0, the smallest number
    }
    if (own > f.largest_exponent()) {
        return sign | f.overflow_code(overflow);
    }
    // The binade the number lies in, or the lowest one there is: in it, codes are one step apart,
    // and a step is 2^drop of the double's own.
    const int exponent = std::max(own, f.smallest_exponent());
    const int drop = std::min(52 - f.mantissa_bits + exponent - own, 62);
    const std::uint64_t significand = (size & (hidden - 1)) | (own > -1023 ? hidden : 0);
    const std::uint64_t rest = significand & ((std::uint64_t{1} << drop) - 1);
    const std::uint64_t half = std::uint64_t{1} << (drop - 1);
    // The hidden bit is part of the steps: it lifts a normal number's exponent field by one, and a
    // mantissa that rounds up to 2^M carries into it by itself.
    std::int64_t code =
        (static_cast<std::int64_t>(exponent - f.smallest_exponent()) << f.mantissa_bits) +
        static_cast<std::int64_t>(significand >> drop) -
        (f.has_zero ? 0 : std::int64_t{1} << f.mantissa_bits);
    if (rest > half || (rest == half && code % 2 != 0)) {
        ++code;
    }
    code = std::max<std::int64_t>(code, 0);  // below E8M0's smallest number
    return sign |
           (code > static_cast<std::int64_t>(f.largest_code()) ? f.overflow_code(overflow)
                                                               : static_cast<std::uint32_t>(code));
}

/// Exact. Bits above format.bits() are ignored.
constexpr double decode(const FloatFormat& f, std::uint32_t code) {
    const std::uint32_t magnitude = code & f.magnitude_mask();
    const double sign = (code & f.sign_bit()) != 0 ? -1 : 1;
    if (magnitude > f.largest_code()) {
        return f.has_infinity() && magnitude == f.infinity_code()
                   ? sign * std::numeric_limits<double>::infinity()
                   : std::numeric_limits<double>::quiet_NaN();
    }
    const int field = static_cast<int>(magnitude >> f.mantissa_bits);
    const std::uint32_t one = std::uint32_t{1} << f.mantissa_bits;
    const std::uint32_t mantissa = magnitude & (one - 1);
    const std::uint32_t steps = field == 0 && f.has_zero ? mantissa : mantissa | one;
    const int exponent = std::max(field, f.has_zero ? 1 : 0) - f.bias - f.mantissa_bits;
    return sign * steps * power_of_two(exponent);
}

constexpr double FloatFormat::largest() const {
    return decode(*this, largest_code());
}

constexpr double FloatFormat::smallest() const {
    return decode(*this, has_zero ? 1 : 0);
}

inline constexpr FloatFormat fp32{8, 23, 127};
inline constexpr FloatFormat tf32{8, 10, 127};  // 19 bits, kept in 32 by the tensor cores
inline constexpr FloatFormat bf16{8, 7, 127};
inline constexpr FloatFormat fp16{5, 10, 15};
inline constexpr FloatFormat fp8_e4m3{4, 3, 7, Specials::one_nan};
inline constexpr FloatFormat fp8_e5m2{5, 2, 15};
inline constexpr FloatFormat fp6_e2m3{2, 3, 1, Specials::none};
inline constexpr FloatFormat fp6_e3m2{3, 2, 3, Specials::none};
inline constexpr FloatFormat fp4_e2m1{2, 1, 1, Specials::none};
/// The scale of MX blocks: 2^-127 to 2^127 and one NaN; no sign, no zero.
inline constexpr FloatFormat e8m0{8, 0, 127, Specials::one_nan, false, false};

// ---- to float, a whole array at a time -------------------------------------------------------

/// `yes` where the condition holds, else `no`; as a mask, because compilers turn ?: with a float
/// subtraction on one side back into a branch.
constexpr std::uint32_t select(bool condition, std::uint32_t yes, std::uint32_t no) {
    const std::uint32_t mask = 0u - static_cast<std::uint32_t>(condition);
    return (yes & mask) | (no & ~mask);
}

/// decode() of signed formats of at most 16 bits without branches, so that compilers vectorise
/// loops over it. A NaN keeps its payload.
///
/// A short float with its exponent field moved into a float's lacks only the difference of the two
/// biases, which one integer addition supplies. Subnormals have an exponent field of zero and no
/// hidden one: writing the fraction under the exponent of the smallest normal adds that one, and a
/// float subtraction takes it away exactly.
template <FloatFormat f>
constexpr float to_float(std::uint32_t code) {
    constexpr int shift = fp32.mantissa_bits - f.mantissa_bits;
    constexpr auto bias = static_cast<std::uint32_t>(fp32.bias - f.bias) << fp32.mantissa_bits;
    constexpr std::uint32_t first = f.largest_code() + 1;  // that is no finite number
    const std::uint32_t sign = (code & f.sign_bit()) << (32 - f.bits());
    const std::uint32_t magnitude = (code & f.magnitude_mask()) << shift;
    const std::uint32_t lowest = bias + (1u << fp32.mantissa_bits);
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(
        std::bit_cast<float>(magnitude + lowest) - static_cast<float>(f.smallest_normal()));
    const std::uint32_t finite =
        select(magnitude < 1u << fp32.mantissa_bits, subnormal, magnitude + bias);
    const std::uint32_t special =
        f.has_infinity() ? magnitude | fp32.infinity_code() : fp32.nan_code();
    return std::bit_cast<float>(
        sign | (f.has_nan() ? select(magnitude >= first << shift, special, finite) : finite));
}

/// The upper half of a float.
constexpr float bf16_to_float(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// The nearest binary16, halves to even; too large becomes infinity. The way back from
/// to_float<fp16>.
constexpr std::uint16_t float_to_f16(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    std::uint32_t half = 0;
    if (magnitude >= 0x47800000u) {  // 2^16
        half = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    } else if (magnitude < 0x38800000u) {  // 2^-14: below it the numbers are 2^-24 apart,
        const float sum = std::bit_cast<float>(magnitude) + 0.5F;  // and so they are around 1/2
        half = std::bit_cast<std::uint32_t>(sum) - 0x3f000000u;
    } else {  // adds just under a half, or a half where the code would be odd
        half = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    }
    return static_cast<std::uint16_t>(sign | half);
}

}  // namespace nibble::formats
