#include "viz/app/ui/slider_scale.hpp"

#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"

namespace nibble::slider_scale_test {

namespace {

ParamInfo number(ParamType type, Range range, const std::string& unit = "") {
    ParamInfo p;
    p.name = std::string("x");  // as a literal, g++ 12 warns of a copy that is not there
    p.type = type;
    p.range = range;
    p.unit_name = unit;
    return p;
}

}  // namespace

TEST_CASE("a log2 slider over whole numbers stops at powers of two and at the range's ends") {
    const ParamInfo p = number(ParamType::integer, {8, 1000, Scale::log2});
    std::vector<double> stops;
    for (int i = 0; i <= 100; ++i) {
        const double value = number_of(value_at(p, i / 100.0));
        if (stops.empty() || stops.back() != value) {
            stops.push_back(value);
        }
    }
    CHECK(stops == std::vector<double>{8, 16, 32, 64, 128, 256, 512, 1000});
    CHECK(number_of(stepped(p, 48, 1)) == 64);
    CHECK(number_of(stepped(p, 48, -1)) == 32);
    CHECK(number_of(stepped(p, 64, 1)) == 128);
    CHECK(number_of(stepped(p, 8, -1)) == 8);
}

TEST_CASE("a log slider spends equal travel on equal ratios") {
    const ParamInfo p = number(ParamType::real, {0.01, 100, Scale::log10});
    CHECK(number_of(value_at(p, 0.5)) == Approx(1).epsilon(0.05));  // rounded to what a pixel shows
    CHECK(share_of(p, 1) == Approx(0.5));
    CHECK(share_of(p, 0.01) == 0);
    CHECK(share_of(p, 1e9) == 1);
}

TEST_CASE("dragged reals stay short") {
    const ParamInfo p = number(ParamType::real, {0, 64});
    // 64 over 280 pixels is 0.23 a pixel: one decimal.
    CHECK(to_text(value_at(p, 0.4373)) == "28");
    CHECK(to_text(value_at(p, 0.4699)) == "30.1");
}

TEST_CASE("every step leads inside the range and moves until its end") {
    for (const Experiment& e : all_experiments()) {
        for (const ParamInfo& p : e.params) {
            if (p.type != ParamType::integer && p.type != ParamType::real) {
                continue;
            }
            INFO(e.id << " " << p.name);
            for (const int steps : {-10, -1, 1, 10}) {
                double value = number_of(p.default_value);
                for (int i = 0; i < 50; ++i) {
                    const double next = number_of(p.checked(stepped(p, value, steps)));
                    CHECK((steps > 0 ? next >= value : next <= value));
                    const double end = steps > 0 ? p.range.max : p.range.min;
                    CHECK((next != value || value == end ||
                           (p.range.scale != Scale::linear && steps < 0)));
                    value = next;
                }
            }
        }
    }
}

TEST_CASE("a share and its value agree for every number parameter") {
    for (const Experiment& e : all_experiments()) {
        for (const ParamInfo& p : e.params) {
            if (p.type != ParamType::integer && p.type != ParamType::real) {
                continue;
            }
            INFO(e.id << " " << p.name);
            double last = -1;
            for (int i = 0; i <= 64; ++i) {
                const double share = share_of(p, number_of(p.checked(value_at(p, i / 64.0))));
                CHECK(share >= last);
                last = share;
            }
            CHECK(number_of(value_at(p, 0)) == p.range.travel().min);
            CHECK(number_of(value_at(p, 1)) == p.range.travel().max);
        }
    }
}

}  // namespace nibble::slider_scale_test
