#include "sim/tensor/convert.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/catch.hpp"

namespace nibble::convert_test {

namespace {

/// A short float by the formula of its standard, in ldexp instead of bits.
double by_formula(unsigned bits, int exponent_bits, int fraction_bits, bool has_infinity) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int top = (1 << exponent_bits) - 1;
    const int fraction = static_cast<int>(bits & ((1u << fraction_bits) - 1));
    const int exponent = static_cast<int>(bits >> fraction_bits) & top;
    const double sign = (bits >> (exponent_bits + fraction_bits) & 1) != 0 ? -1 : 1;
    if (has_infinity && exponent == top) {
        return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::quiet_NaN();
    }
    if (!has_infinity && exponent == top && fraction == (1 << fraction_bits) - 1) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    return exponent == 0 ? sign * std::ldexp(fraction, 1 - bias - fraction_bits)
                         : sign * std::ldexp((1 << fraction_bits) + fraction,
                                             exponent - bias - fraction_bits);
}

/// Equal, or both NaN; zeros of different sign differ.
bool same(float a, double b) {
    return std::isnan(b) ? std::isnan(a)
                         : static_cast<double>(a) == b && std::signbit(a) == std::signbit(b);
}

template <class Stored>
std::vector<float> converted(DType dtype, const std::vector<Stored>& stored) {
    std::vector<float> out(stored.size());
    convert(dtype, std::as_bytes(std::span(stored)), std::span(out));
    return out;
}

}  // namespace

TEST_CASE("every half and bfloat16 converts as its standard defines", "[tensor]") {
    std::vector<std::uint16_t> all(1 << 16);
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<std::uint16_t>(i);
    }
    const auto halves = converted(DType::f16, all);
    const auto brains = converted(DType::bf16, all);
    int wrong = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto bits = static_cast<unsigned>(i);
        wrong += same(halves[i], by_formula(bits, 5, 10, true)) ? 0 : 1;
        wrong +=
            same(formats::to_float<formats::fp16>(all[i]), by_formula(bits, 5, 10, true)) ? 0 : 1;
        wrong += same(brains[i], by_formula(bits, 8, 7, true)) ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(std::bit_cast<std::uint32_t>(formats::to_float<formats::fp16>(0xfe01)) ==
          0xffc02000u);  // NaN's payload
}

TEST_CASE("every 8-bit float converts as its standard defines", "[tensor]") {
    std::vector<std::uint8_t> all(256);
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<std::uint8_t>(i);
    }
    const auto e4m3 = converted(DType::f8_e4m3, all);
    const auto e5m2 = converted(DType::f8_e5m2, all);
    for (std::size_t i = 0; i < all.size(); ++i) {
        INFO("bits " << i);
        CHECK(same(e4m3[i], by_formula(static_cast<unsigned>(i), 4, 3, false)));
        CHECK(same(e5m2[i], by_formula(static_cast<unsigned>(i), 5, 2, true)));
    }
    // The corner values of OCP OFP8, table 1.
    CHECK(e4m3[0x7e] == 448);
    CHECK(std::isnan(e4m3[0x7f]));
    CHECK(std::isnan(e4m3[0xff]));
    CHECK(e4m3[0x01] == 0x1p-9f);
    CHECK(e5m2[0x7b] == 57344);
    CHECK(std::isinf(e5m2[0x7c]));
    CHECK(e5m2[0x01] == 0x1p-16f);
}

TEST_CASE("wide types round to float and stay whole in double", "[tensor]") {
    const std::vector<std::int32_t> stored = {(1 << 24) + 1, -5};
    CHECK(converted(DType::i32, stored) == std::vector<float>{1 << 24, -5});
    std::vector<double> whole(2);
    convert(DType::i32, std::as_bytes(std::span(stored)), std::span(whole));
    CHECK(whole == std::vector<double>{(1 << 24) + 1, -5});
    CHECK(converted(DType::boolean, std::vector<std::uint8_t>{0, 1, 2}) ==
          std::vector<float>{0, 1, 1});
}

}  // namespace nibble::convert_test
