#include "sim/formats/number_format.hpp"

#include <set>

#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

using namespace nibble;

TEST_CASE("formats hold as many distinct numbers as their codes allow", "[formats]") {
    const auto count = [](const char* id) { return find_number_format(id).count(); };
    CHECK(count("fp8_e4m3") == 253);  // 256 codes less two NaN and one of the two zeros
    CHECK(count("fp8_e5m2") == 247);  // less two infinities, six NaN, one zero
    CHECK(count("fp6_e2m3") == 63);
    CHECK(count("fp6_e3m2") == 63);
    CHECK(count("fp4_e2m1") == 15);
    CHECK(count("e8m0") == 255);
    CHECK(count("int8") == 256);
    CHECK(count("int4") == 16);
    CHECK(count("int2") == 4);
    CHECK(count("nf4") == 16);
    CHECK(count("fp4_bnb") == 15);
    CHECK(count("fp16") == 63487);  // 2 * (2^15 - 2^10) - 1
    CHECK(count("bf16") == 65279);
    CHECK(count("fp32") == 4278190079);
}

TEST_CASE("ranks, codes and values tell the same story", "[formats]") {
    for (const NumberFormat& f : number_format_list()) {
        if (f.bits() > 16) {
            continue;
        }
        const std::vector<double> values = f.values();
        REQUIRE(static_cast<std::int64_t>(values.size()) == f.count());
        std::set<double> decoded;
        for (std::uint32_t code = 0; code < (1U << f.bits()); ++code) {
            const double value = f.decode(code);
            if (std::isfinite(value)) {
                decoded.insert(value == 0 ? 0.0 : value);
            }
        }
        REQUIRE(std::vector<double>(decoded.begin(), decoded.end()) == values);
        for (const double value : values) {
            REQUIRE(f.round(value) == value);
        }
    }
}

TEST_CASE("two's complement, and what an integer does beyond its ends", "[formats]") {
    const NumberFormat& int8 = find_number_format("int8");
    CHECK(int8.encode(-1) == 0xff);
    CHECK(int8.encode(-128) == 0x80);
    CHECK(int8.encode(127) == 0x7f);
    CHECK(int8.round(1e300) == 127);
    CHECK(int8.round(-1e300) == -128);
    CHECK(int8.round(2.5) == 2);
    CHECK(int8.round(3.5) == 4);
    CHECK(int8.encode(std::nan("")) == 0);
    const NumberFormat& int2 = find_number_format("int2");
    CHECK(int2.values() == std::vector<double>{-2, -1, 0, 1});
}

TEST_CASE("codebooks: nearest level, ties as bitsandbytes breaks them", "[formats]") {
    const NumberFormat& nf4 = find_number_format("nf4");
    const NumberFormat& fp4 = find_number_format("fp4_bnb");
    const Rng rng = Rng(3).stream("codebook");
    for (const NumberFormat* f : {&nf4, &fp4}) {
        for (std::uint64_t i = 0; i < 5000; ++i) {
            const double x = 2.4 * rng.uniform(i) - 1.2;
            double best = std::numeric_limits<double>::infinity();
            for (const double level : f->values()) {
                best = std::min(best, std::abs(x - level));
            }
            REQUIRE(std::abs(f->round(x) - x) == best);
        }
    }
    const auto v = nf4.values();
    CHECK(nf4.encode((v[2] + v[3]) / 2) == 2);
    CHECK(nf4.encode(std::nextafter((v[2] + v[3]) / 2, 1)) == 3);
    CHECK(fp4.round(0.375 + 1e-6) == static_cast<double>(0.33333333F));
    CHECK(fp4.encode(-1e-9) == 8);  // -0, as the shipped kernel does
    CHECK(fp4.encode(-2) == 11);
    CHECK(nf4.encode(std::nan("")) == 0);
}

TEST_CASE("the rounding interval is what rounds to the value, and no more", "[formats]") {
    for (const NumberFormat& f : number_format_list()) {
        for (const double x : {0.3, 1.0, -0.7, 3.0, 0.0}) {
            if (x <= 0 && f.id() == "e8m0") {
                continue;
            }
            const Neighbourhood n = f.neighbourhood(x);
            REQUIRE(n.value == f.round(x));
            if (std::isfinite(n.high)) {
                CHECK(f.round(std::nextafter(n.high, -1e300)) == n.value);
                CHECK(f.round(std::nextafter(n.high, 1e300)) == n.above);
                CHECK(f.count_between(n.value, n.above) == 2);
            }
            if (std::isfinite(n.low)) {
                CHECK(f.round(std::nextafter(n.low, 1e300)) == n.value);
                CHECK(f.round(std::nextafter(n.low, -1e300)) == n.below);
            }
        }
    }
    const Neighbourhood n = find_number_format("fp8_e4m3").neighbourhood(0.3);
    CHECK(n.below == 0.28125);
    CHECK(n.value == 0.3125);
    CHECK(n.above == 0.34375);
    CHECK(n.low == 0.296875);
    CHECK(n.high == 0.328125);
    CHECK(n.ulp == 0.03125);
    const Neighbourhood top = find_number_format("fp8_e4m3").neighbourhood(1e6);
    CHECK(top.value == 448);
    CHECK(std::isnan(top.above));
    CHECK(top.high == std::numeric_limits<double>::infinity());
    CHECK(top.ulp == 32);
}

TEST_CASE("a window of a wide format lists what lies in it", "[formats]") {
    const NumberFormat& fp32 = find_number_format("fp32");
    const auto values = fp32.values_between(1, 1 + 0x1p-20);
    REQUIRE(values.size() == 9);
    CHECK(values[1] == 1 + 0x1p-23);
    CHECK(fp32.count_between(0, std::numeric_limits<double>::infinity()) == 0x7f800000);
    CHECK(fp32.count_between(2, 1) == 0);
    CHECK_THROWS_AS(fp32.values_between(0, 1), Error);
    CHECK_THROWS_AS(find_number_format("fp8_e4m4"), Error);
}

TEST_CASE("bit fields add up to the width", "[formats]") {
    for (const NumberFormat& f : number_format_list()) {
        int sum = 0;
        for (const BitField& field : f.fields()) {
            sum += field.bits;
        }
        CHECK(sum == f.bits());
    }
}
