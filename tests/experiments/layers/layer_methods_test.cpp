#include "sim/quant/layer_methods.hpp"

#include <set>

#include "sim/quant/lab_layer.hpp"

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::layer_methods_test {

using namespace nibble::test;

namespace {

Outcome run(const Settings& settings, const RunContext& context = {}) {
    Settings all = {{"source", "synthetic"}, {"rows", "64"}, {"cols", "64"}, {"tokens", "256"}};
    all.insert(all.end(), settings.begin(), settings.end());
    return run_lab("layer-methods", all, context);
}

const Table& methods(const Outcome& o) {
    return o.tables.at(0);
}

double cell(const Outcome& o, Method method, std::size_t column) {
    return std::get<double>(methods(o).rows.at(static_cast<std::size_t>(method)).at(column));
}

LayerChoice synthetic(int rows, int cols, int tokens) {
    LayerChoice c;
    c.source = LayerSource::synthetic;
    c.rows = rows;
    c.cols = cols;
    c.tokens = tokens;
    return c;
}

}  // namespace

TEST_CASE("the layer of the labs has the spectrum and the outliers asked for", "[layer-methods]") {
    LayerChoice c = synthetic(16, 32, 2048);
    c.decay = 0;
    const auto plain = lab_layer(c, {});
    CHECK(plain->weights.rows() == 16);
    CHECK(plain->calibration.rows() == 2048);
    CHECK(plain->unseen.cols() == 32);
    double squares = 0, product = 0;
    for (Index t = 0; t < 2048; ++t) {
        for (Index j = 0; j < 32; ++j) {
            squares += static_cast<double>(plain->calibration(t, j) * plain->calibration(t, j));
        }
        product += static_cast<double>(plain->calibration(t, 0) * plain->calibration(t, 1));
    }
    // Means of 65536 squares and of 2048 products of unit normals: five standard errors.
    CHECK(squares / (2048 * 32) == Approx(1).margin(5 * std::sqrt(2.0 / (2048 * 32))));
    CHECK(product / 2048 == Approx(0).margin(5 / std::sqrt(2048.0)));
    c.outlier_channels = 2;
    c.outlier_factor = 8;
    const auto outlying = lab_layer(c, {});
    CHECK(outlying->weights.values() == plain->weights.values());
    for (Index j = 0; j < 32; ++j) {
        const float factor = j == 8 || j == 24 ? 8.0F : 1.0F;
        CHECK(outlying->calibration(3, j) == factor * plain->calibration(3, j));
        CHECK(outlying->unseen(3, j) == factor * plain->unseen(3, j));
    }
}

TEST_CASE("every method stands at its bits, and the front is of those that none beats",
          "[layer-methods]") {
    const Outcome o = run({{"bits", "4"}, {"group_size", "32"}});
    REQUIRE(methods(o).rows.size() == 8);
    CHECK(cell(o, Method::rtn, 1) == 4 + (16 + 4) / 32.0);  // an FP16 scale, a 4-bit zero point
    CHECK(cell(o, Method::nf4, 1) == 4 + 32 / 32.0);        // an FP32 scale
    CHECK(cell(o, Method::fp8, 1) == 8 + 32 / 64.0);
    // GPTQ makes up for its errors: less in the output, more in the weights.
    CHECK(cell(o, Method::gptq, 2) < cell(o, Method::rtn, 2));
    CHECK(cell(o, Method::gptq, 4) > cell(o, Method::rtn, 4));
    for (const auto& row : methods(o).rows) {
        bool is_beaten = false;
        for (const auto& other : methods(o).rows) {
            const double bits = std::get<double>(row[1]) - std::get<double>(other[1]);
            const double error = std::get<double>(row[3]) - std::get<double>(other[3]);
            is_beaten = is_beaten || (bits >= 0 && error >= 0 && bits + error > 0);
        }
        CHECK(std::get<std::string>(row[5]) == (is_beaten ? "no" : "yes"));
    }
}

TEST_CASE("a click on a point chooses the error map", "[layer-methods]") {
    const Outcome o = run({{"method", "awq"}, {"map", "weights"}});
    const Figure& map = o.rows.at(1).figures.at(0);
    CHECK(map.title == "Where AWQ errs");
    double squares = 0;
    for (const float change : std::get<Heatmap>(map.marks.at(0)).cells) {
        squares += static_cast<double>(change) * static_cast<double>(change);
    }
    // Floats of 24 bits are added up in another order.
    CHECK(squares / (64 * 64) == Approx(o.metric("weight_mse").value).epsilon(1e-5));
    std::set<std::string> picked;
    for (const Mark& m : o.rows.at(0).figures.at(0).marks) {
        if (const auto* points = std::get_if<Points>(&m); points && !points->pick.param.empty()) {
            CHECK(points->pick.param == "method");
            for (const Value& v : points->pick.values) {
                picked.insert(std::get<std::string>(v));
            }
        }
    }
    CHECK(picked.size() == 8);
}

TEST_CASE("previews look at fewer rows and say so; no model is refused by name",
          "[layer-methods]") {
    RunContext context;
    context.preview = true;
    CHECK(run({}, context).sampling == "32 of the layer's 64 output channels");
    CHECK(run({}).sampling.empty());
    CHECK_THROWS_WITH(run({{"source", "file"}}), "no model of yours is named");
}

}  // namespace nibble::layer_methods_test
