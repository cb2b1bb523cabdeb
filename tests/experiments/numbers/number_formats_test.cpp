#include <filesystem>

#include "sim/core/text.hpp"
#include "sim/tensor/tensor_file.hpp"

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::number_formats_test {

using namespace nibble::test;

namespace {

Outcome outcome(const Settings& settings) {
    return run_lab("number-formats", settings);
}

double metric(const Outcome& o, std::string_view name) {
    return o.metric(name).value;
}

template <class M>
std::vector<M> marks(const Figure& f) {
    std::vector<M> found;
    for (const Mark& mark : f.marks) {
        if (const M* m = std::get_if<M>(&mark)) {
            found.push_back(*m);
        }
    }
    return found;
}

std::string bits(const Outcome& o) {
    std::string text;
    const Cells cells = marks<Cells>(figure(o, "bits")).at(0);
    for (const Cells::Item& item : cells.items) {
        text += item.text;
        CHECK(item.outlined == (item.text == "0"));
    }
    return text;
}

}  // namespace

TEST_CASE("0.3 in FP8 E4M3 is 0.3125", "[formats][number-formats]") {
    const Outcome o = outcome({{"scaling", "none"}});
    CHECK(metric(o, "stored_value") == 0.3125);
    CHECK(metric(o, "absolute_error") == Approx(0.0125));
    CHECK(metric(o, "relative_error") == Approx(100.0 / 24));
    CHECK(metric(o, "ulp") == 0.03125);
    CHECK(metric(o, "code") == 42);
    CHECK(metric(o, "distinct_values") == 253);
    CHECK(metric(o, "largest") == 448);
    CHECK(metric(o, "smallest_normal") == 0x1p-6);
    CHECK(metric(o, "smallest_subnormal") == 0x1p-9);
    CHECK(metric(o, "dynamic_range") == Approx(20 * std::log10(448 * 512.0)));
    CHECK(bits(o) == "00101010");
    CHECK(o.finding ==
          "0.3 becomes 0.3125 in FP8 E4M3, 4.2\u00a0% off; half of its 253 numbers lie within "
          "0.42\u00a0% of "
          "its range");
    CHECK(o.equations.at(0).values == "0.3125 = (-1)^{0} · 2^{5 - 7} · (1 + 2 / 8)");
    CHECK(table(o, "codes").rows.size() == 256);
}

TEST_CASE("the bits flip with the value", "[formats][number-formats]") {
    CHECK(bits(outcome({{"format", "int8"}, {"scaling", "none"}, {"value", "-1"}})) == "10000001");
    CHECK(bits(outcome({{"format", "fp16"}, {"value", "1"}})) == "0011110000000000");
    CHECK(bits(outcome({{"format", "bf16"}, {"value", "-2"}})) == "1100000000000000");
    CHECK(bits(outcome({{"format", "fp32"}, {"value", "4e38"}})).substr(0, 12) == "011111111000");
    CHECK(bits(outcome({{"format", "fp4_e2m1"}, {"scaling", "none"}, {"value", "-6"}})) == "1111");
}

TEST_CASE("a block format shows its scale's bits before the element's",
          "[formats][number-formats]") {
    const Outcome o = outcome({{"format", "mxfp4"}});
    CHECK(bits(o).size() == 12);
    CHECK(metric(o, "bits_per_value") == 4.25);
    const double exponent = std::log2(metric(o, "scale"));
    CHECK(exponent == std::round(exponent));
    CHECK(o.equations.size() == 2);
    CHECK(metric(outcome({{"format", "nvfp4"}}), "bits_per_value") == 4.5);
}

TEST_CASE("each row has one tick a number, and the value is a handle",
          "[formats][number-formats]") {
    const Outcome o = outcome({});
    const Figure& f = figure(o, "ticks");
    const auto rows = marks<Ticks>(f);
    REQUIRE(rows.size() == 5);
    CHECK(f.y.named_ticks[0].second == "FP8 E4M3: 253");
    CHECK(rows[0].at.size() == 253);  // E4M3, the chosen one, first
    CHECK(rows[1].at.size() == 247);
    CHECK(rows[2].at.size() == 256);
    CHECK(rows[3].at.size() == 16);
    CHECK(rows[4].at.size() == 15);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(std::is_sorted(rows[i].at.begin(), rows[i].at.end()));
        CHECK(rows[i].start >= 0);
        CHECK(rows[i].start + rows[i].length <= 1);
        CHECK((i == 0 || rows[i].start + rows[i].length < rows[i - 1].start));
    }
    const auto handles = marks<Handle>(f);
    REQUIRE(handles.size() == 1);
    CHECK(handles[0].x_param == "value");
    CHECK(handles[0].x == 0.3);
    CHECK_FALSE(handles[0].y);
    CHECK(marks<Ticks>(figure(outcome({{"compare", "false"}}), "ticks")).size() == 1);
}

TEST_CASE("a wide format is an area until the reader zooms in", "[formats][number-formats]") {
    const Settings wide = {{"format", "fp32"}};
    CHECK(marks<Ticks>(figure(outcome(wide), "ticks")).size() == 4);  // the others
    const Outcome near = outcome({{"format", "fp32"}, {"zoom", "1048576"}});
    CHECK(marks<Ticks>(figure(near, "ticks")).size() == 5);
    const auto limits = figure(near, "ticks").x.limits.value();
    CHECK(limits.first < 0.3);
    CHECK(limits.second > 0.3);
    CHECK(limits.second - limits.first < 1e-5);
}

TEST_CASE("on a log axis a negative value keeps its sign while it is dragged",
          "[formats][number-formats]") {
    const Outcome o = outcome({{"axis", "log"}, {"value", "-0.3"}});
    const auto handle = marks<Handle>(figure(o, "ticks")).at(0);
    CHECK(handle.x == 0.3);
    CHECK(handle.x_scale == -1);
    const auto zero = marks<Handle>(figure(outcome({{"axis", "log"}, {"value", "0"}}), "ticks"));
    CHECK(zero.at(0).x.value() > 0);
}

TEST_CASE("the close-up shows the interval that rounds to the stored value",
          "[formats][number-formats]") {
    const Outcome o = outcome({{"scaling", "none"}});
    const auto band = marks<Band>(figure(o, "close-up")).at(0);
    CHECK(band.x == std::vector<double>{0.296875, 0.328125});
    const auto points = marks<Points>(figure(o, "close-up")).at(0);
    CHECK(points.names == std::vector<std::string>{"0.28125", "0.3125", "0.34375"});
}

TEST_CASE("values at and beyond the ends of the line", "[formats][number-formats]") {
    const auto says = [](const Settings& s, std::string_view text) {
        const Outcome o = outcome(s);
        INFO(o.finding);
        CHECK(o.finding.find(text) != std::string::npos);
        for (const FigureRow& row : o.rows) {
            for (const Figure& f : row.figures) {
                if (f.x.limits) {
                    CHECK(std::isfinite(f.x.limits->first));
                    CHECK(f.x.limits->first < f.x.limits->second);
                }
            }
        }
    };
    says({{"scaling", "none"}, {"value", "449"}}, "it becomes 448");
    says({{"scaling", "none"}, {"value", "4e38"}, {"overflow", "standard"}}, "it becomes NaN");
    says({{"format", "fp16"}, {"value", "65520"}}, "becomes infinity");
    says({{"format", "fp16"}, {"value", "65520"}, {"overflow", "saturate"}}, "becomes 65504");
    says({{"format", "int4"}, {"value", "-4e38"}}, "is beyond INT4");
    says({{"format", "fp8_e5m2"}, {"scaling", "none"}, {"value", "1e-9"}}, "vanishes");
    says({{"format", "e8m0"}, {"value", "-1"}}, "becomes NaN");
    // Weights so small that E4M3 has no block scale for them.
    for (const char* axis : {"linear", "log"}) {
        says({{"format", "nvfp4"},
              {"scaling", "none"},
              {"spread", "1e-4"},
              {"compare", "false"},
              {"axis", axis}},
             "beyond NVFP4, which ends at 0");
    }
    says({{"value", "0"}}, "0 is a number of FP8 E4M3");
    says({{"scaling", "none"}, {"value", "448"}}, "448 is a number of");
    says({{"axis", "log"}, {"value", "1e-40"}, {"format", "bf16"}}, "becomes");
}

TEST_CASE("the slider covers what a drag can use, the flag every magnitude",
          "[formats][number-formats]") {
    const Experiment& e = find_experiment(all_experiments(), "number-formats");
    const ParamInfo& value = e.params[e.index_of("value")];
    CHECK(value.range.travel().max == 1);
    CHECK(value.range.max > 3.4028235e38);
    CHECK(e.params[e.index_of("spread")].range.travel().max == 1e4);
}

TEST_CASE("NF4 brings its derivation", "[formats][number-formats]") {
    const Outcome o = outcome({{"format", "nf4"}});
    const Table& levels = table(o, "nf4_levels");
    REQUIRE(levels.rows.size() == 16);
    for (const auto& row : levels.rows) {
        CHECK(std::abs(std::get<double>(row[3])) < 2e-7);  // the table is in single precision
    }
    // Equal steps of probability on each side.
    const auto points = marks<Points>(figure(o, "nf4")).at(0);
    for (std::size_t k = 9; k < 16; ++k) {
        CHECK(points.y[k] - points.y[k - 1] == Approx((0.9677083 - 0.5) / 8).epsilon(1e-9));
    }
    CHECK_THROWS(figure(outcome({}), "nf4"));
}

TEST_CASE("the tensor of a file is stored in the formats", "[formats][number-formats]") {
    const auto path = std::filesystem::temp_directory_path() / "nibble-number-formats.npy";
    std::vector<float> values;
    for (int i = 0; i < 128; ++i) {
        values.push_back(static_cast<float>(i - 64) / 16);
    }
    write_npy(path, {2, 64}, values);
    const Outcome o = outcome({{"file", path.string()}, {"format", "int8"}});
    CHECK(metric(o, "scale") == Approx(4.0 / 127));
    // -4 .. 3.9375 in steps of 1/16: half of the magnitudes lie below 2.
    const auto histogram = marks<Histogram>(figure(o, "tensor")).at(0);
    double sum = 0;
    for (const double share : histogram.counts) {
        sum += share;
    }
    CHECK(sum == Approx(1));
    CHECK(o.sampling.empty());
    CHECK_THROWS_AS(outcome({{"file", path.string()}, {"tensor", "no such"}}), Error);
    std::filesystem::remove(path);
    CHECK_THROWS_AS(outcome({{"file", path.string()}}), Error);
}

TEST_CASE("on normal weights precision beats range: E4M3 over E5M2, INT8 over both",
          "[formats][number-formats]") {
    const auto sqnr = [](const char* id) { return metric(outcome({{"format", id}}), "sqnr"); };
    CHECK(sqnr("fp8_e4m3") > sqnr("fp8_e5m2") + 5);
    CHECK(sqnr("int8") > sqnr("fp8_e4m3") + 5);
    // Heavy tails turn it round.
    const auto heavy = [](const char* id) {
        return metric(outcome({{"format", id}, {"distribution", "student_t"}}), "sqnr");
    };
    CHECK(heavy("fp8_e4m3") > heavy("int8"));
}

TEST_CASE("NaN and infinite weights are left out in words, and only they are refused",
          "[formats][number-formats]") {
    const auto path = std::filesystem::temp_directory_path() / "nibble-number-formats-nan.npy";
    std::vector<float> values(256, 0.3F);
    std::fill_n(values.begin(), 64, std::numeric_limits<float>::quiet_NaN());
    std::fill_n(values.begin() + 64, 32, std::numeric_limits<float>::infinity());
    write_npy(path, {2, 128}, values);
    const Outcome o = outcome({{"file", path.string()}});
    CHECK(o.explanation.find("Left out: 64 NaN and 32 infinite of 256") != std::string::npos);
    values.assign(256, std::numeric_limits<float>::quiet_NaN());
    write_npy(path, {2, 128}, values);
    CHECK_THROWS_WITH(
        outcome({{"file", path.string()}}),
        "tensor \"nibble-number-formats-nan\" holds no finite value, only NaN or infinities");
    std::filesystem::remove(path);
}

TEST_CASE("an exact format says so, and a scale format is not measured on weights",
          "[formats][number-formats]") {
    const auto measured = [](const Outcome& o) {
        return std::any_of(o.metrics.begin(), o.metrics.end(),
                           [](const Metric& m) { return m.name == "sqnr"; });
    };
    const Outcome exact = outcome({{"format", "fp32"}});
    CHECK_FALSE(measured(exact));
    CHECK(exact.explanation.find("FP32 exact (no error)") != std::string::npos);
    CHECK(exact.equations.at(0).values.rfind("0.300000012 =", 0) == 0);
    const Outcome scale = outcome({{"format", "e8m0"}, {"value", "0"}});
    CHECK_FALSE(measured(scale));
    CHECK(scale.finding.find("has no zero: the nearest number is 2^-127") != std::string::npos);
}

}  // namespace nibble::number_formats_test
