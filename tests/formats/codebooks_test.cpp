#include "sim/formats/codebooks.hpp"

#include "kernels/formats/number_formats.hpp"

#include <algorithm>
#include <set>

#include "tests/catch.hpp"

using namespace nibble;

TEST_CASE("NF4 derived from normal quantiles lands on the published table", "[formats]") {
    const auto derived = derive_nf4();
    const auto& published = formats::nf4_levels;
    double worst = 0;
    for (std::size_t code = 0; code < 16; ++code) {
        worst = std::max(worst, std::abs(derived[code] - static_cast<double>(published[code])));
    }
    // The published table was computed in single precision: its probabilities (ulp 6e-8, and the
    // slope of the quantile over the largest one is 1.3 at the middle and 5.5 at 0.9) limit it.
    CHECK(worst < 2e-7);
    CHECK(worst > 0);  // the derivation is not the table read back
    CHECK(derived.front() == -1);
    CHECK(derived[7] == 0);
    CHECK(derived.back() == 1);
}

TEST_CASE("NF4 needs its offset: another one misses the table", "[formats]") {
    const auto other = derive_nf4(0.95);
    CHECK(std::abs(other[14] - static_cast<double>(formats::nf4_levels[14])) > 1e-2);
}

TEST_CASE("NF4 as printed in the paper, to four digits", "[formats]") {
    const std::array<double, 16> paper = {-1,      -0.6962, -0.5251, -0.3949, -0.2844, -0.1848,
                                          -0.0911, 0,       0.0796,  0.1609,  0.2461,  0.3379,
                                          0.4407,  0.5626,  0.7230,  1};
    for (std::size_t code = 0; code < 16; ++code) {
        CHECK(static_cast<double>(formats::nf4_levels[code]) == Approx(paper[code]).margin(5.1e-5));
    }
}

TEST_CASE("bitsandbytes FP4 is a three-bit float over its largest value, with a sign bit",
          "[formats]") {
    // Before the division by 12: 0, 0.0625, 8, 12, 4, 6, 2, 3 (comment of dQuantizeFP4).
    const std::array<double, 8> twelfths = {0, 0.0625, 8, 12, 4, 6, 2, 3};
    std::set<float> distinct;
    for (std::size_t code = 0; code < 8; ++code) {
        const float plus = formats::fp4_levels[code], minus = formats::fp4_levels[code + 8];
        CHECK(static_cast<double>(plus) == Approx(twelfths[code] / 12).margin(1e-8));  // 8 digits
        CHECK(minus == -plus);
        CHECK(std::signbit(minus));
        distinct.insert({plus, minus});
    }
    CHECK(distinct.size() == 15);
    const std::array<std::size_t, 8> rising = {0, 1, 6, 7, 4, 5, 2, 3};
    CHECK(std::is_sorted(rising.begin(), rising.end(), [](std::size_t a, std::size_t b) {
        return formats::fp4_levels[a] < formats::fp4_levels[b];
    }));
}
