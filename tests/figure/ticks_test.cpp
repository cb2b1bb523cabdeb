// Ticks are read at a glance: increasing, inside the limits, told apart, never touching.
#include "viz/figure/ticks.hpp"

#include <cmath>
#include <set>

#include "sim/core/rng.hpp"
#include "viz/figure/recording_canvas.hpp"

#include "tests/catch.hpp"

namespace nibble::ticks_test {

namespace {

std::vector<std::string> labels(const AxisTicks& ticks) {
    std::vector<std::string> list;
    for (const auto& tick : ticks.major) {
        list.push_back(tick.label);
    }
    return list;
}

float room(const std::string& label) {
    return FixedMeasure().width(label, {Face::text, 11}) + 16;
}

AxisTicks ticks_of(std::pair<double, double> limits, Scale scale = Scale::linear,
                   NumberStyle style = NumberStyle::plain, float length = 600) {
    Axis axis;
    axis.scale = scale;
    axis.style = style;
    return make_ticks(axis, limits, length, room);
}

using Labels = std::vector<std::string>;

}  // namespace

TEST_CASE("linear ticks share their decimals and use a real minus sign", "[figure][ticks]") {
    CHECK(labels(ticks_of({-1, 1}, Scale::linear, NumberStyle::plain, 300)) ==
          Labels{"−1.0", "−0.5", "0", "0.5", "1.0"});
    CHECK(labels(ticks_of({0, 0.3}, Scale::linear, NumberStyle::plain, 170)) ==
          Labels{"0", "0.1", "0.2", "0.3"});
    CHECK(labels(ticks_of({0, 20000}, Scale::linear, NumberStyle::plain, 400)) ==
          Labels{"0", "5\u2009000", "10\u2009000", "15\u2009000", "20\u2009000"});
}

TEST_CASE("large and small values share one factor", "[figure][ticks]") {
    const AxisTicks large = ticks_of({0, 4e8}, Scale::linear, NumberStyle::plain, 220);
    CHECK(large.factor == "10⁸");
    CHECK(labels(large) == Labels{"0", "1", "2", "3", "4"});
    CHECK(ticks_of({0, 3e-7}).factor == "10⁻⁷");
}

TEST_CASE("styles write prefixes, bytes and percent", "[figure][ticks]") {
    CHECK(labels(ticks_of({0, 4e12}, Scale::linear, NumberStyle::si, 300)) ==
          Labels{"0", "1 T", "2 T", "3 T", "4 T"});
    CHECK(labels(ticks_of({0, 16.0 * (1 << 30)}, Scale::linear, NumberStyle::bytes, 300)) ==
          Labels{"0", "4 GiB", "8 GiB", "12 GiB", "16 GiB"});
    CHECK(labels(ticks_of({0, 1}, Scale::linear, NumberStyle::percent, 150)) ==
          Labels{"0 %", "50 %", "100 %"});
}

TEST_CASE("log axes count decades, doublings or parts of a decade", "[figure][ticks]") {
    CHECK(labels(ticks_of({1e-4, 1}, Scale::log10)) == Labels{"10⁻⁴", "10⁻³", "10⁻²", "0.1", "1"});
    CHECK(labels(ticks_of({0.01, 100}, Scale::log10)) == Labels{"0.01", "0.1", "1", "10", "100"});
    CHECK(labels(ticks_of({1, 20}, Scale::log10)) == Labels{"1", "2", "5", "10", "20"});
    CHECK(labels(ticks_of({2, 64}, Scale::log2)) == Labels{"2", "4", "8", "16", "32", "64"});
    CHECK(labels(ticks_of({1024, 4096}, Scale::log2, NumberStyle::bytes)) ==
          Labels{"1 KiB", "2 KiB", "4 KiB"});
    CHECK(ticks_of({1, 1000}, Scale::log10).minor.size() == 24);
}

TEST_CASE("named ticks replace computed ones, in order and inside", "[figure][ticks]") {
    Axis axis;
    axis.named_ticks = {{3, "c"}, {1, "a"}, {9, "outside"}};
    CHECK(labels(make_ticks(axis, {0, 5}, 300, room)) == Labels{"a", "c"});
}

TEST_CASE("ten thousand random ranges have readable ticks", "[figure][ticks]") {
    const Rng rng = Rng(7).stream("ticks");
    for (std::uint64_t i = 0; i < 10000; ++i) {
        const double size = std::pow(10.0, -12 + 24 * rng.uniform(4 * i));
        const double low = size * (2 * rng.uniform(4 * i + 1) - 1);
        const double span = size * std::pow(10.0, -4 * rng.uniform(4 * i + 2));
        const auto scale = static_cast<Scale>(i % 3);
        const auto style = static_cast<NumberStyle>(i / 3 % 4);
        std::pair<double, double> limits = {low, low + span};
        if (scale != Scale::linear) {
            limits = {size, size * (1 + std::pow(10.0, 6 * rng.uniform(4 * i + 3) - 1))};
        }
        if (style == NumberStyle::bytes) {  // a byte is not divided: there are no ticks between
            limits.first = std::max(limits.first, 1.0);
            limits.second = std::max(limits.second, limits.first + 64);
        }
        const float length = 400 + 600 * static_cast<float>(rng.uniform(4 * i + 3));
        const AxisTicks ticks = ticks_of(limits, scale, style, length);
        CAPTURE(i, limits.first, limits.second, int(scale), int(style), length);
        REQUIRE(ticks.major.size() >= 2);
        REQUIRE(ticks.major.size() <= 10);
        std::set<std::string> distinct;
        double before = -INFINITY;
        // A tick on a limit may miss it by rounding.
        const double slack = 1e-8 * (limits.second - limits.first);
        for (const auto& tick : ticks.major) {
            REQUIRE(tick.value > before);
            REQUIRE(tick.value >= limits.first - slack);
            REQUIRE(tick.value <= limits.second + slack);
            REQUIRE(tick.label.find('-') == std::string::npos);
            distinct.insert(tick.label);
            before = tick.value;
        }
        REQUIRE(distinct.size() == ticks.major.size());
    }
}

TEST_CASE("a range of a few units in the last place still has ticks", "[figure][ticks]") {
    const AxisTicks ticks = ticks_of({1e9, 1e9 + 5});
    CHECK(ticks.major.size() >= 2);
    const Labels list = labels(ticks);
    CHECK(std::set<std::string>(list.begin(), list.end()).size() == list.size());
}

}  // namespace nibble::ticks_test
