#include "kernels/formats/float_format.hpp"

#include <bit>

#include "sim/core/rng.hpp"
#include "sim/formats/number_format.hpp"

#include "tests/catch.hpp"

using namespace nibble;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Numbers of both signs whose magnitudes cover the format and some way beyond.
double wild(const Rng& rng, std::uint64_t i, double smallest, double largest) {
    const double low = std::log2(smallest) - 3, high = std::log2(largest) + 2;
    const double size = std::exp2(low + (high - low) * rng.uniform(2 * i));
    return rng.bits(2 * i + 1) % 2 == 0 ? size : -size;
}

/// The nearest of `values` by exhaustive search; on a tie the one with the even code.
std::uint32_t nearest_by_search(const FloatFormat& f, double x) {
    std::uint32_t best = 0;
    double best_distance = infinity;
    for (std::uint32_t code = 0; code < (1U << f.bits()); ++code) {
        const double value = decode(f, code);
        if (!std::isfinite(value) || std::signbit(value) != std::signbit(x)) {
            continue;
        }
        // Exact while x and value are within a factor of two; farther away nothing can tie.
        const double distance = std::abs(value - x);
        if (distance < best_distance || (distance == best_distance && code % 2 == 0)) {
            best = code;
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace

TEST_CASE("formats have the extremes that their standards publish", "[formats]") {
    struct Row {
        FloatFormat format;
        int bits;
        double largest, smallest_normal, smallest;
    };
    // IEEE 754 table 3.5; OCP OFP8 1.0 table 1; OCP MX 1.0 tables 2 to 5.
    for (const Row& row : {
             Row{formats::fp32, 32, 0x1.fffffep127, 0x1p-126, 0x1p-149},
             Row{formats::tf32, 19, 0x1.ffcp127, 0x1p-126, 0x1p-136},
             Row{formats::bf16, 16, 0x1.fep127, 0x1p-126, 0x1p-133},
             Row{formats::fp16, 16, 65504, 0x1p-14, 0x1p-24},
             Row{formats::fp8_e4m3, 8, 448, 0x1p-6, 0x1p-9},
             Row{formats::fp8_e5m2, 8, 57344, 0x1p-14, 0x1p-16},
             Row{formats::fp6_e2m3, 6, 7.5, 1, 0.125},
             Row{formats::fp6_e3m2, 6, 28, 0.25, 0.0625},
             Row{formats::fp4_e2m1, 4, 6, 1, 0.5},
             Row{formats::e8m0, 8, 0x1p127, 0x1p-127, 0x1p-127},
         }) {
        CHECK(row.format.bits() == row.bits);
        CHECK(row.format.largest() == row.largest);
        CHECK(row.format.smallest_normal() == row.smallest_normal);
        CHECK(row.format.smallest() == row.smallest);
    }
}

TEST_CASE("published codes", "[formats]") {
    CHECK(decode(formats::fp8_e4m3, 0x7e) == 448);
    CHECK(std::isnan(decode(formats::fp8_e4m3, 0x7f)));
    CHECK(std::isnan(decode(formats::fp8_e4m3, 0xff)));
    CHECK(decode(formats::fp8_e5m2, 0x7b) == 57344);
    CHECK(decode(formats::fp8_e5m2, 0x7c) == infinity);
    CHECK(decode(formats::fp8_e5m2, 0xfc) == -infinity);
    for (const std::uint32_t code : {0x7dU, 0x7eU, 0x7fU}) {
        CHECK(std::isnan(decode(formats::fp8_e5m2, code)));
    }
    CHECK(decode(formats::bf16, 0x3f80) == 1);
    CHECK(decode(formats::fp16, 0x3c00) == 1);
    CHECK(decode(formats::e8m0, 127) == 1);
    CHECK(std::isnan(decode(formats::e8m0, 255)));
    const std::array<double, 8> e2m1 = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    for (std::uint32_t code = 0; code < 8; ++code) {
        CHECK(decode(formats::fp4_e2m1, code) == e2m1[code]);
        CHECK(decode(formats::fp4_e2m1, code + 8) == -e2m1[code]);
    }
}

TEST_CASE("every code of up to 16 bits survives decode and encode", "[formats]") {
    for (const FloatFormat& f :
         {formats::bf16, formats::fp16, formats::fp8_e4m3, formats::fp8_e5m2, formats::fp6_e2m3,
          formats::fp6_e3m2, formats::fp4_e2m1, formats::e8m0}) {
        for (std::uint32_t code = 0; code < (1U << f.bits()); ++code) {
            const double value = decode(f, code);
            const std::uint32_t back = encode(f, value, Overflow::standard);
            if (std::isnan(value)) {
                REQUIRE(back == f.nan_code());
            } else {
                REQUIRE(back == code);
            }
        }
    }
}

TEST_CASE("encode finds the nearest value, ties to the even code", "[formats]") {
    const Rng rng = Rng(1).stream("encode");
    for (const FloatFormat& f : {formats::fp8_e4m3, formats::fp8_e5m2, formats::fp6_e2m3,
                                 formats::fp6_e3m2, formats::fp4_e2m1, formats::e8m0}) {
        for (std::uint64_t i = 0; i < 3000; ++i) {
            double x = wild(rng, i, f.smallest(), f.largest());
            x = f.is_signed ? x : std::abs(x);
            REQUIRE(encode(f, x, Overflow::saturate) == nearest_by_search(f, x));
        }
        for (std::uint32_t code = 0; code < f.largest_code(); ++code) {
            const double low = decode(f, code), high = decode(f, code + 1);
            const double middle = low + (high - low) / 2;
            REQUIRE(encode(f, middle, Overflow::saturate) == code + code % 2);
            REQUIRE(encode(f, std::nextafter(middle, 0), Overflow::saturate) == code);
            REQUIRE(encode(f, std::nextafter(middle, infinity), Overflow::saturate) == code + 1);
        }
    }
}

TEST_CASE("FP32 and FP16 agree with the compiler's own", "[formats]") {
    const Rng rng = Rng(2).stream("native");
    for (std::uint64_t i = 0; i < 200000; ++i) {
        const double x = wild(rng, i, 0x1p-149, 0x1p128);
        REQUIRE(encode(formats::fp32, x, Overflow::standard) ==
                std::bit_cast<std::uint32_t>(static_cast<float>(x)));
    }
    for (std::uint64_t i = 0; i < 200000; ++i) {  // every float, whatever it is
        const auto bits = static_cast<std::uint32_t>(rng.bits(i + 1000000));
        const auto value = std::bit_cast<float>(bits);
        if (!std::isnan(value)) {
            REQUIRE(decode(formats::fp32, bits) == static_cast<double>(value));
        }
    }
#ifdef __FLT16_MANT_DIG__
    for (std::uint64_t i = 0; i < 200000; ++i) {
        const double x = wild(rng, i, 0x1p-24, 65536);
        REQUIRE(encode(formats::fp16, x, Overflow::standard) ==
                std::bit_cast<std::uint16_t>(static_cast<_Float16>(x)));
    }
#endif
}

TEST_CASE("a double is rounded once, not by way of FP32", "[formats]") {
    // Just above the tie between 1 and 1 + 2^-10 in FP16, by less than FP32 can see.
    const double x = 1 + 0x1p-11 + 0x1p-40;
    CHECK(decode(formats::fp16, encode(formats::fp16, x, Overflow::standard)) == 1 + 0x1p-10);
    CHECK(decode(formats::fp16, encode(formats::fp16, static_cast<double>(static_cast<float>(x)),
                                       Overflow::standard)) == 1);
}

TEST_CASE("beyond the largest number: saturation, infinity or NaN as the standards say",
          "[formats]") {
    const auto becomes = [](const FloatFormat& f, double x, Overflow o) {
        return decode(f, encode(f, x, o));
    };
    // 464 is halfway to 480, the number that E4M3 spends on NaN; 448 has the even code.
    CHECK(becomes(formats::fp8_e4m3, 464, Overflow::standard) == 448);
    CHECK(std::isnan(becomes(formats::fp8_e4m3, 464.001, Overflow::standard)));
    CHECK(becomes(formats::fp8_e4m3, 1e9, Overflow::saturate) == 448);
    CHECK(becomes(formats::fp8_e4m3, -infinity, Overflow::saturate) == -448);
    CHECK(std::isnan(becomes(formats::fp8_e4m3, infinity, Overflow::standard)));
    // 61440 is halfway to 65536; there the even code is infinity's.
    CHECK(becomes(formats::fp8_e5m2, 61439, Overflow::standard) == 57344);
    CHECK(becomes(formats::fp8_e5m2, 61440, Overflow::standard) == infinity);
    CHECK(becomes(formats::fp8_e5m2, -infinity, Overflow::saturate) == -57344);
    CHECK(becomes(formats::fp16, 65519, Overflow::standard) == 65504);
    CHECK(becomes(formats::fp16, 65520, Overflow::standard) == infinity);
    // FP6 and FP4 have neither infinity nor NaN.
    CHECK(becomes(formats::fp6_e2m3, 1e300, Overflow::standard) == 7.5);
    CHECK(becomes(formats::fp6_e3m2, -1e300, Overflow::standard) == -28);
    CHECK(becomes(formats::fp4_e2m1, infinity, Overflow::standard) == 6);
    CHECK(becomes(formats::fp4_e2m1, not_a_number, Overflow::standard) == 6);
    CHECK(becomes(formats::fp32, 1e308, Overflow::standard) == infinity);
    CHECK(becomes(formats::fp32, 5e-324, Overflow::standard) == 0);
    CHECK(std::isnan(becomes(formats::fp16, not_a_number, Overflow::saturate)));
}

TEST_CASE("zero keeps its sign where there is one", "[formats]") {
    for (const NumberFormat& format : number_format_list()) {
        const FloatFormat* f = format.as_float();
        if (f && f->is_signed) {
            CHECK(encode(*f, -0.0, Overflow::standard) == f->sign_bit());
            CHECK(std::signbit(decode(*f, f->sign_bit())));
            // A negative number too small to hold is -0, not +0.
            CHECK(encode(*f, -f->smallest() / 4, Overflow::standard) == f->sign_bit());
        }
    }
    CHECK(decode(formats::e8m0, encode(formats::e8m0, 0, Overflow::saturate)) == 0x1p-127);
    CHECK(encode(formats::e8m0, -1, Overflow::saturate) == 255);
}
