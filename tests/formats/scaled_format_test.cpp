#include "sim/formats/scaled_format.hpp"

#include <set>

#include "sim/core/error.hpp"
#include "sim/core/parallel.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

using namespace nibble;

namespace {

ScaledFormat plain(std::string_view id) {
    return scaled_format(id, Scaling::none, Overflow::saturate, 1);
}

std::vector<float> normals(std::size_t n) {
    const Rng rng = Rng(9).stream("fit");
    std::vector<float> values(n);
    for (std::size_t i = 0; i < n; ++i) {
        values[i] = static_cast<float>(rng.normal(i));
    }
    return values;
}

}  // namespace

TEST_CASE("a scale puts the largest magnitude on the format's largest number", "[formats]") {
    for (const char* id : {"fp8_e4m3", "fp6_e2m3", "int8", "int2", "nf4", "fp4_bnb"}) {
        const ScaledFormat f = scaled_format(id, Scaling::absmax, Overflow::saturate, 0.8);
        CHECK(f.largest() == Approx(0.8).epsilon(1e-15));  // one division, one product
    }
    CHECK(scaled_format("int8", Scaling::absmax, Overflow::saturate, 0.8).scale ==
          Approx(0.0062992).margin(5e-8));  // published to seven digits
    CHECK(plain("fp8_e4m3").scale == 1);
    CHECK(plain("int8").largest() == 1);
    // Wide floats and E8M0 need no scale.
    CHECK(scaled_format("bf16", Scaling::absmax, Overflow::saturate, 0.8).scale == 1);
    CHECK(scaled_format("e8m0", Scaling::absmax, Overflow::saturate, 0.8).scale == 1);
    CHECK(scaled_format("int4", Scaling::absmax, Overflow::saturate, 0).scale > 0);
    CHECK_THROWS_AS(scaled_format("int9", Scaling::none, Overflow::saturate, 1), Error);
}

TEST_CASE("half of a float's numbers crowd around zero; an integer's do not", "[formats]") {
    // Of E4M3's 253 numbers, 127 are within code 63: 1.875.
    CHECK(plain("fp8_e4m3").half_range() == 1.875);
    CHECK(plain("fp8_e4m3").count_between(-1.875, 1.875) == 127);
    CHECK(plain("fp4_e2m1").half_range() == 2);     // 0, .5, 1, 1.5, 2 and their negatives: 9 of 15
    CHECK(plain("int8").half_range() * 127 == 64);  // 129 of 256
}

TEST_CASE("the last number's interval ends where infinity or NaN begins", "[formats]") {
    const ScaledFormat saturating = plain("fp8_e4m3");
    CHECK(std::isinf(saturating.neighbourhood(1000).high));
    const ScaledFormat standard = scaled_format("fp8_e4m3", Scaling::none, Overflow::standard, 1);
    CHECK(standard.neighbourhood(1000).value == 448);
    CHECK(standard.neighbourhood(1000).high == 464);
    CHECK(standard.neighbourhood(-448).low == -464);
    CHECK(std::isfinite(standard.stored(464)));
    CHECK(std::isnan(standard.stored(465)));
}

TEST_CASE("noise of a uniform quantizer is a twelfth of the squared step", "[formats]") {
    const auto values = normals(1 << 16);
    double absmax = 0;
    for (const float v : values) {
        absmax = std::max(absmax, std::abs(static_cast<double>(v)));
    }
    const ScaledFormat int8 = scaled_format("int8", Scaling::absmax, Overflow::saturate, absmax);
    const TensorFit f = fit(int8, values);
    // 65 536 squared errors scatter by 0.9 / 256 of their mean; four of that.
    CHECK(f.noise / 65536 == Approx(int8.scale * int8.scale / 12).epsilon(0.015));
    CHECK(f.clipped == 0);
    CHECK(f.sqnr_db() > 38);
}

TEST_CASE("fit leaves out what is not finite and counts what is lost", "[formats]") {
    const std::vector<float> values = {1, 500, -1000, 0.0001F,
                                       std::numeric_limits<float>::quiet_NaN()};
    const TensorFit f = fit(plain("fp8_e4m3"), values);
    CHECK(f.clipped == 0.5);
    CHECK(f.zeros == 0.25);
    CHECK(f.noise == Approx(52 * 52 + 552 * 552 + 1e-8));
    const std::vector<float> exact = {1, 0.5F, -448};
    CHECK(std::isinf(fit(plain("fp8_e4m3"), exact).sqnr_db()));
}

TEST_CASE("fit does not depend on the number of threads", "[formats]") {
    const auto values = normals(100000);
    for (const char* id : {"fp8_e5m2", "nvfp4"}) {
        std::set<double> noises;
        for (const int count : {1, 2, 3}) {
            set_threads(count);
            noises.insert(
                fit(scaled_format(id, Scaling::absmax, Overflow::saturate, 4), values).noise);
        }
        set_threads(0);
        CHECK(noises.size() == 1);
    }
}

TEST_CASE("NF4 beats FP4 on normal weights in blocks, and FP6 beats both", "[formats]") {
    const auto values = normals(1 << 14);
    const auto sqnr = [&](const char* id) {
        return fit(scaled_format(id, Scaling::absmax, Overflow::saturate, 4), values).sqnr_db();
    };
    CHECK(sqnr("nf4") > sqnr("fp4_bnb"));
    CHECK(sqnr("fp6_e2m3") > sqnr("nf4") + 5);
    CHECK(sqnr("fp8_e4m3") > sqnr("fp8_e5m2") + 5);
}
