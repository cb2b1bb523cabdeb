// Every format of single numbers behind one face: floating point, two's complement, codebook.
//
// What they share is an order. Numbers have ranks: neighbours differ by one, rank 0 is zero (or the
// number nearest to it where there is none). Counting, enumerating and the rounding interval follow
// from the ranks alone, so a window of FP32 costs no more than the numbers that lie in it.
//
// Integers and codebooks mean little without a scale; here they are unscaled (INT8 holds -128..127,
// NF4 holds -1..1) and whoever scales divides before encode() and multiplies after decode().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/formats/number_formats.hpp"

namespace nibble {

using formats::FloatFormat;
using formats::Overflow;
using formats::Specials;

/// Two's complement. NaN encodes as 0, as CUDA's conversions do; everything beyond saturates.
struct TwosComplement {
    int bits = 8;
};

/// A table of levels. Encoding follows bitsandbytes: ties go to the lower level, or, in a table
/// with a sign bit, to the smaller magnitude; NaN compares false everywhere and gets the first
/// level.
struct CodebookFormat {
    std::vector<double> levels;  // by code; sixteen of them
    bool has_sign_bit = false;   // top bit set: the negated level of the code without it
};

/// A run of bits with one meaning, from the top down.
struct BitField {
    std::string name;  // "sign", "exponent", "mantissa", "integer", "index"
    int bits = 0;
};

/// A representable number, the numbers on either side, and what rounds to it.
struct Neighbourhood {
    double below = 0, value = 0, above = 0;  // below or above is NaN where there is none
    double low = 0, high = 0;  // the two midpoints; infinite where there is no neighbour
    double ulp = 0;            // the wider of the two gaps
};

class NumberFormat {
public:
    using Kind = std::variant<FloatFormat, TwosComplement, CodebookFormat>;

    NumberFormat(std::string id, std::string name, Kind kind);

    const std::string& id() const { return id_; }      // "fp8_e4m3"
    const std::string& name() const { return name_; }  // "FP8 E4M3"
    const Kind& kind() const { return kind_; }
    const FloatFormat* as_float() const { return std::get_if<FloatFormat>(&kind_); }
    const TwosComplement* as_integer() const { return std::get_if<TwosComplement>(&kind_); }
    const CodebookFormat* as_codebook() const { return std::get_if<CodebookFormat>(&kind_); }
    int bits() const;
    std::vector<BitField> fields() const;

    /// The code of the number nearest to `x`; see the kinds for ties, NaN and overflow.
    std::uint32_t encode(double x, Overflow overflow = Overflow::saturate) const;
    double decode(std::uint32_t code) const;
    /// decode(encode(x)).
    double round(double x, Overflow overflow = Overflow::saturate) const;

    std::int64_t first_rank() const { return first_rank_; }
    std::int64_t last_rank() const { return last_rank_; }
    /// How many distinct finite numbers there are; +0 and -0 are one.
    std::int64_t count() const { return last_rank_ - first_rank_ + 1; }
    /// The number of a rank between first_rank() and last_rank().
    double at(std::int64_t rank) const;
    /// The lowest rank whose number is not below `x`; last_rank() + 1 when all are.
    std::int64_t rank_from(double x) const;
    /// How many numbers lie in [low, high].
    std::int64_t count_between(double low, double high) const;
    /// Those numbers, rising. Throws Error::unsupported when there are more than `limit`.
    std::vector<double> values_between(double low, double high, std::int64_t limit = 1 << 16) const;
    /// Every number, rising. Throws as values_between() does.
    std::vector<double> values() const;
    double lowest() const { return at(first_rank_); }
    double largest() const { return at(last_rank_); }
    /// The smallest number above zero.
    double smallest() const;
    /// Around the number that `x` rounds to (saturating).
    Neighbourhood neighbourhood(double x) const;

private:
    std::string id_, name_;
    Kind kind_;
    std::int64_t first_rank_ = 0, last_rank_ = 0;
    // Of a codebook: the distinct levels, rising; their codes; and what lies halfway between.
    std::vector<double> sorted_;
    std::vector<std::uint32_t> codes_;
    std::vector<double> midpoints_;
};

/// FP32, TF32, BF16, FP16, FP8, FP6, FP4, E8M0, INT8, INT4, INT2, NF4, bitsandbytes FP4.
const std::vector<NumberFormat>& number_format_list();
/// Throws Error::bad_param naming the nearest id.
const NumberFormat& find_number_format(std::string_view id);

}  // namespace nibble
