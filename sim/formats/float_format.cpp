#include "sim/formats/float_format.hpp"

#include <algorithm>
#include <cmath>

namespace nibble {
namespace {

/// What a magnitude beyond the largest number becomes, without its sign.
std::uint32_t overflow_code(const FloatFormat& f, Overflow overflow) {
    if (overflow == Overflow::saturate || f.specials == Specials::none) {
        return f.largest_code();
    }
    return f.has_infinity() ? f.infinity_code() : f.nan_code();
}

}  // namespace

double FloatFormat::largest() const {
    return decode(*this, largest_code());
}

double FloatFormat::smallest_normal() const {
    return std::ldexp(1.0, has_zero ? 1 - bias : -bias);
}

double FloatFormat::smallest() const {
    return decode(*this, has_zero ? 1 : 0);
}

std::uint32_t encode(const FloatFormat& f, double x, Overflow overflow) {
    if (std::isnan(x) || (!f.is_signed && x < 0)) {
        return f.has_nan() ? f.nan_code() : f.largest_code();
    }
    const std::uint32_t sign = std::signbit(x) ? f.sign_bit() : 0;
    const double size = std::abs(x);
    if (std::isinf(size)) {
        return sign | overflow_code(f, overflow);
    }
    if (size == 0) {
        return sign;  // of E8M0, the smallest number
    }
    // The binade the number lies in, or the lowest one there is: in it, codes are 2^quantum apart.
    int exponent = 0;
    std::frexp(size, &exponent);
    exponent = std::max(exponent - 1, f.has_zero ? 1 - f.bias : -f.bias);
    const int quantum = exponent - f.mantissa_bits;
    const double steps = std::ldexp(size, -quantum);  // exact: at most 2^53 significant values
    const double below = std::floor(steps);
    const double rest = steps - below;
    // The hidden bit is part of `steps`: it lifts a normal number's exponent field by one, and a
    // mantissa that rounds up to 2^M carries into it by itself.
    const std::int64_t base = static_cast<std::int64_t>(exponent + f.bias - (f.has_zero ? 1 : 0))
                              << f.mantissa_bits;
    const std::int64_t hidden = f.has_zero ? 0 : std::int64_t{1} << f.mantissa_bits;
    std::int64_t code = base + static_cast<std::int64_t>(below) - hidden;
    if (rest > 0.5 || (rest == 0.5 && code % 2 != 0)) {
        ++code;
    }
    code = std::max<std::int64_t>(code, 0);  // below E8M0's smallest number
    return sign |
           (code > static_cast<std::int64_t>(f.largest_code()) ? overflow_code(f, overflow)
                                                               : static_cast<std::uint32_t>(code));
}

double decode(const FloatFormat& f, std::uint32_t code) {
    const std::uint32_t magnitude = code & f.magnitude_mask();
    const double sign = (code & f.sign_bit()) != 0 ? -1 : 1;
    if (magnitude > f.largest_code()) {
        return f.has_infinity() && magnitude == f.infinity_code()
                   ? sign * std::numeric_limits<double>::infinity()
                   : std::numeric_limits<double>::quiet_NaN();
    }
    const int exponent = static_cast<int>(magnitude >> f.mantissa_bits);
    const std::uint32_t mantissa = magnitude & ((std::uint32_t{1} << f.mantissa_bits) - 1);
    const bool subnormal = exponent == 0 && f.has_zero;
    const double steps = mantissa + (subnormal ? 0.0 : std::ldexp(1.0, f.mantissa_bits));
    return sign *
           std::ldexp(steps, std::max(exponent, f.has_zero ? 1 : 0) - f.bias - f.mantissa_bits);
}

}  // namespace nibble
