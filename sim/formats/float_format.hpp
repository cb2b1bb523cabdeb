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

#include <cstdint>
#include <limits>
#include <string_view>

namespace nibble {

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
    /// The exponent of the largest power of two: emax of the MX rule.
    constexpr int largest_exponent() const {
        return static_cast<int>(largest_code() >> mantissa_bits) - bias;
    }
    double largest() const;
    double smallest_normal() const;
    /// The smallest number above zero.
    double smallest() const;

    friend constexpr bool operator==(const FloatFormat&, const FloatFormat&) = default;
};

/// The code of the number nearest to `x`. Zero keeps its sign. NaN gives nan_code(); formats
/// without one give the largest number, as the CUDA conversions to FP6 and FP4 do. An unsigned
/// format turns negative numbers into NaN and zero into its smallest number.
std::uint32_t encode(const FloatFormat& format, double x, Overflow overflow);

/// Exact. Bits above format.bits() are ignored.
double decode(const FloatFormat& format, std::uint32_t code);

namespace formats {

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

}  // namespace formats

}  // namespace nibble
