// The reductions against plain loops, on every instruction set of this machine.
#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/quantize/ops.hpp"
#include "kernels/reduce/ops.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"
#include "tests/kernels/packed_oracle.hpp"

using namespace nibble;
using namespace nibble::kernels;

namespace {

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

/// Runs body on each instruction set, and goes back to the best.
template <class Body>
void on_each_target(const Body& body) {
    struct Restore {
        ~Restore() { use_simd_target(""); }
    } restore;
    for (const std::string& target : simd_targets()) {
        INFO(target);
        use_simd_target(target);
        body();
    }
}

std::vector<float> normal_values(std::size_t count, std::uint64_t seed) {
    const Rng rng = Rng(seed).stream("reduce-test");
    std::vector<float> x(count);
    for (std::size_t i = 0; i < count; ++i) {
        x[i] = static_cast<float>(rng.normal(i));
    }
    return x;
}

}  // namespace

TEST_CASE("absmax finds the largest magnitude wherever it is, and any NaN", "[reduce]") {
    on_each_target([] {
        CHECK(absmax(InputType::f32, nullptr, 0) == 0.0F);
        for (std::size_t size = 1; size <= 150; size += size < 70 ? 1 : 13) {
            for (std::size_t at = 0; at < size; ++at) {
                std::vector<float> x(size, 0.5F);
                x[at] = -2.0F;
                REQUIRE(absmax(InputType::f32, x.data(), size) == 2.0F);
                x[at] = -INFINITY;
                REQUIRE(absmax(InputType::f32, x.data(), size) == INFINITY);
                x[(at + 1) % size] = -nan_value;
                REQUIRE(std::isnan(absmax(InputType::f32, x.data(), size)));
                // -2 and NaN, in binary16 and in bfloat16.
                std::vector<std::uint16_t> h(size, 0x3800), b(size, 0x3f00);
                h[at] = b[at] = 0xc000;
                REQUIRE(absmax(InputType::f16, h.data(), size) == 2.0F);
                REQUIRE(absmax(InputType::bf16, b.data(), size) == 2.0F);
                h[at] = 0xfe00;
                b[at] = 0xffc0;
                REQUIRE(std::isnan(absmax(InputType::f16, h.data(), size)));
                REQUIRE(std::isnan(absmax(InputType::bf16, b.data(), size)));
            }
        }
        // Each binary16 number by itself.
        for (unsigned code = 0; code < 0x10000; ++code) {
            const auto half = static_cast<std::uint16_t>(code);
            const auto value = static_cast<float>(packed_oracle::binary16_value(half));
            const float got = absmax(InputType::f16, &half, 1);
            REQUIRE((got == std::abs(value) || (std::isnan(got) && std::isnan(value))));
        }
    });
}

TEST_CASE("a histogram counts each value once", "[reduce]") {
    std::vector<float> x = normal_values(1003, 1);
    x[3] = x[500] = nan_value;
    x[4] = -INFINITY;
    x[700] = INFINITY;
    x[5] = -1.0F;  // both ends are inside
    x[6] = 1.5F;
    const float low = -1.0F, high = 1.5F;
    for (const std::size_t bins : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
        std::vector<std::uint32_t> expected(bins);
        HistogramOutside outside;
        const float per_unit = static_cast<float>(bins) / (high - low);
        for (const float v : x) {
            if (std::isnan(v)) {
                ++outside.nan;
            } else if (v < low) {
                ++outside.below;
            } else if (v > high) {
                ++outside.above;
            } else {
                const auto bin = static_cast<std::size_t>(std::floor((v - low) * per_unit));
                ++expected[std::min(bin, bins - 1)];
            }
        }
        on_each_target([&] {
            std::vector<std::uint32_t> counts(bins);
            CHECK(histogram(x, low, high, counts) == outside);
            CHECK(counts == expected);
            // A second run adds.
            histogram(x, low, high, counts);
            CHECK(counts[0] == 2 * expected[0]);
        });
    }
    // By hand: the middle belongs to the bin above it.
    std::vector<std::uint32_t> counts(2);
    const std::vector<float> few = {0.0F, 0.49F, 0.5F, 1.0F, 1.01F, -0.01F};
    CHECK(histogram(few, 0, 1, counts) == HistogramOutside{1, 1, 0});
    CHECK(counts == std::vector<std::uint32_t>{2, 2});
    CHECK(histogram({}, 0, 1, counts) == HistogramOutside{});
}

TEST_CASE("a histogram without bins or without a range is refused", "[reduce]") {
    std::vector<std::uint32_t> counts(4), none;
    const std::vector<float> x = {1.0F};
    CHECK_THROWS_AS(histogram(x, 0, 1, none), std::invalid_argument);
    CHECK_THROWS_AS(histogram(x, 1, 1, counts), std::invalid_argument);
    CHECK_THROWS_AS(histogram(x, 2, 1, counts), std::invalid_argument);
    CHECK_THROWS_AS(histogram(x, 0, nan_value, counts), std::invalid_argument);
    CHECK_THROWS_AS(histogram(x, 0, INFINITY, counts), std::invalid_argument);
    CHECK_THROWS_AS(histogram(x, -3e38F, 3e38F, counts), std::invalid_argument);
    CHECK_THROWS_AS(histogram(x, 0, 1e-44F, counts), std::invalid_argument);
}

TEST_CASE("squared error sums in one order on every instruction set", "[reduce]") {
    for (const std::size_t size : {0, 1, 7, 8, 9, 31, 1000, 100003}) {
        const std::vector<float> a = normal_values(size, 2), b = normal_values(size, 3);
        std::array<double, 8> s = {};
        long double exact = 0;
        for (std::size_t i = 0; i < size; ++i) {
            const double error = static_cast<double>(a[i]) - static_cast<double>(b[i]);
            s[i % 8] += error * error;
            exact += static_cast<long double>(error) * error;
        }
        const double expected = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
        on_each_target([&] { CHECK(squared_error(a.data(), b.data(), size) == expected); });
        // Rounded once an addend, at worst all in one direction: size * 2^-53, and the square's
        // own.
        CHECK(std::abs(expected - static_cast<double>(exact)) <=
              (static_cast<double>(size) + 2) * 0x1p-53 * expected);
    }
    const std::vector<float> a(20, 1.0F), b(20, nan_value);
    CHECK(std::isnan(squared_error(a.data(), b.data(), 20)));
}
