// The GPTQ lab on a synthetic layer, and its first frame on the shipped model.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

#include "sim/core/text.hpp"
#include "sim/experiments/all.hpp"
#include "sim/experiments/layers/gptq/figures.hpp"

#include "tests/catch.hpp"

namespace nibble::gptq_test {

using namespace nibble::gptq_lab;

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

const Experiment& lab() {
    return find_experiment(all_experiments(), "gptq");
}

Outcome run(const Settings& settings, const RunContext& context = {}, Cache* results = nullptr) {
    ParamValues values = lab().defaults();
    for (const auto& [name, text] : settings) {
        const std::size_t i = lab().index_of(name);
        values[i] = lab().params[i].parsed(text);
    }
    return evaluate(lab(), values, context, results);
}

Outcome run_synthetic(Settings settings) {
    settings.emplace_back("model", "synthetic");
    return run(settings);
}

const Figure* find(const Outcome& o, const std::string& id) {
    for (const FigureRow& row : o.rows) {
        for (const Figure& f : row.figures) {
            if (f.id == id) {
                return &f;
            }
        }
    }
    return nullptr;
}

template <class M>
const M& mark(const Outcome& o, const std::string& id) {
    const Figure* f = find(o, id);
    REQUIRE(f != nullptr);
    return std::get<M>(f->marks.at(0));
}

Data synthetic_data(bool act_order) {
    Source source;
    source.from = From::synthetic;
    GptqOptions options;
    options.format.bits = 3;
    options.format.group_size = 0;
    options.act_order = act_order;
    return quantize(load_layer(source, {}), options, {});
}

}  // namespace

TEST_CASE("the first frame of the GPTQ lab: outputs nearer, weights farther", "[gptq-lab]") {
    const Outcome o = run({});
    CHECK(o.metric("output_error_ratio").value < 0.5);
    CHECK(o.metric("unseen_error_ratio").value > o.metric("output_error_ratio").value);
    CHECK(o.metric("unseen_error_ratio").value < 1);
    CHECK(o.metric("weight_error_ratio").value > 1);
    CHECK(o.finding.find("though") != std::string::npos);
    CHECK(o.equations.size() == 3);
}

TEST_CASE("output errors are the objective that the steps add up to", "[gptq-lab]") {
    for (const bool act_order : {false, true}) {
        const Data d = synthetic_data(act_order);
        double sum = 0;
        std::size_t moment = 0;
        for (std::size_t step = 0; step < d.trace.loss.size(); ++step) {
            if (static_cast<Index>(step) == d.moments[moment]) {
                // tr(dW (2 X^T X + d I) dW^T), the trace's floats against the Gram matrix's.
                CHECK(2 * d.gptq.outputs[moment] + d.damping * d.gptq.weights[moment] ==
                      Approx(sum).epsilon(1e-3).margin(1e-9));
                ++moment;
            }
            sum += d.trace.loss[step];
        }
        CHECK(moment == d.moments.size() - 1);  // the last one has scales in FP16
        CHECK(d.gptq.weights.front() == 0);
        CHECK(d.nearest.weights.back() ==
              Approx(squared_distance(d.layer->weights.view(), d.rtn.view())));
        for (std::size_t k = 1; k < d.moments.size(); ++k) {
            CHECK(d.nearest.weights[k] >= d.nearest.weights[k - 1]);
        }
    }
}

TEST_CASE("the map shows rounded columns on the left and corrections on the right", "[gptq-lab]") {
    const Outcome start = run_synthetic({{"step", "0"}});
    for (const float cell : mark<Heatmap>(start, "layer").cells) {
        CHECK(cell == 0);
    }
    const Outcome middle =
        run_synthetic({{"step", "64"}, {"shown", "weights"}, {"group_size", "0"}});
    const Heatmap& map = mark<Heatmap>(middle, "layer");
    CHECK(map.cols == 192);
    std::set<float> rounded, free;
    for (int c = 0; c < map.cols; ++c) {
        (c < 64 ? rounded : free).insert(std::round(1e5F * map.cells[static_cast<std::size_t>(c)]));
    }
    CHECK(rounded.size() <= 8);  // levels of 3 bits
    CHECK(free.size() > 64);
    CHECK(map.pick_col_param == "step");
}

TEST_CASE("act-order takes the largest inputs first and shows the permutation", "[gptq-lab]") {
    const Data d = synthetic_data(true);
    const Matrix<float>& gram = d.layer->calibration->gram;
    for (std::size_t i = 1; i < d.trace.order.size(); ++i) {
        const Index a = d.trace.order[i - 1], b = d.trace.order[i];
        CHECK(gram(a, a) >= gram(b, b));
    }
    const Outcome o = run_synthetic({{"act_order", "true"}});
    const Points& order = mark<Points>(o, "order");
    CHECK(std::set<double>(order.y.begin(), order.y.end()).size() == 192);
    CHECK(find(run_synthetic({}), "order") == nullptr);
}

TEST_CASE("the spectrum sums to the trace of the Hessian", "[gptq-lab]") {
    const Data d = synthetic_data(false);
    double trace = 0, sum = 0;
    for (Index i = 0; i < d.cols(); ++i) {
        trace += 2 * static_cast<double>(d.layer->calibration->gram(i, i));
    }
    for (const double v : d.layer->calibration->spectrum) {
        sum += v;
    }
    CHECK(sum == Approx(trace).epsilon(1e-9));  // both in double, of the same floats
    CHECK(std::is_sorted(d.layer->calibration->spectrum.rbegin(),
                         d.layer->calibration->spectrum.rend()));
}

TEST_CASE("independent inputs leave GPTQ little to gain, few tokens much to overfit",
          "[gptq-lab]") {
    const Outcome flat = run_synthetic({{"decay", "0"}, {"outlier", "1"}, {"documents", "64"}});
    const Outcome steep = run_synthetic({{"decay", "2"}, {"outlier", "1"}, {"documents", "64"}});
    CHECK(flat.metric("output_error_ratio").value > 0.9);
    CHECK(steep.metric("output_error_ratio").value < 0.8);
    const Outcome few = run_synthetic({{"documents", "1"}});
    CHECK(few.metric("unseen_error_ratio").value > 2 * few.metric("output_error_ratio").value);
}

TEST_CASE("the equations hold the numbers of the trace", "[gptq-lab]") {
    const Data d = synthetic_data(false);
    const Look look = look_at(d, 51, 3, Shown::change, Third::fitting);
    CHECK(look.current == 50);
    Outcome o;
    describe(d, look, o);
    const auto told = [](float v) { return format_number(static_cast<double>(v), 4); };
    const float w = d.trace.after(50)(3, 50), e = d.trace.errors(3, 50);
    const std::string& values = o.equations.at(0).values;
    CHECK(values.starts_with(fmt::format("({} − ", told(w))));
    CHECK(values.ends_with(fmt::format("/ {} = {}", told(d.trace.factor(50, 50)), told(e))));
    // Beyond the ends the nearest moment is shown.
    CHECK(look_at(d, 1024, 255, Shown::change, Third::fitting).steps == 192);
    CHECK(look_at(d, 1024, 255, Shown::change, Third::fitting).row == 127);
}

TEST_CASE("scrubbing rounds nothing again", "[gptq-lab]") {
    Cache results(std::size_t{64} << 20);
    run({{"model", "synthetic"}, {"step", "3"}}, {}, &results);
    run({{"model", "synthetic"}, {"step", "150"}, {"row", "7"}}, {}, &results);
    CHECK(results.size() == 1);
    run({{"model", "synthetic"}, {"bits", "4"}}, {}, &results);
    CHECK(results.size() == 2);
}

TEST_CASE("a preview rounds some rows and says so; the whole layer says nothing", "[gptq-lab]") {
    RunContext context;
    context.preview = true;
    CHECK(run({{"model", "synthetic"}}, context).sampling.find("48 of 128 rows") == 0);
    CHECK(run_synthetic({}).sampling.empty());
}

TEST_CASE("a model that is not named is refused", "[gptq-lab]") {
    CHECK_THROWS_WITH(run({{"model", "file"}}), Catch::Contains("no model of yours is named"));
}

TEST_CASE("the timeline ends with the columns and marks those that cost most", "[gptq-lab]") {
    const Outcome o = run_synthetic({});
    REQUIRE(o.timeline);
    CHECK(o.timeline->param == "step");
    CHECK(o.timeline->first == 0);
    CHECK(o.timeline->last == 192);
    REQUIRE(o.timeline->marks.size() == 5);
    const auto loss_at = [](std::int64_t step) {
        return run_synthetic({{"step", std::to_string(step)}}).metric("step_loss").value;
    };
    double least = INFINITY;
    for (const Timeline::Mark& mark : o.timeline->marks) {
        least = std::min(least, loss_at(mark.at));
    }
    const auto is_marked = [&](std::int64_t step) {
        return std::any_of(o.timeline->marks.begin(), o.timeline->marks.end(),
                           [&](const auto& m) { return m.at == step; });
    };
    for (const std::int64_t step : {1, 60, 130}) {
        CHECK((is_marked(step) || loss_at(step) <= least));
    }
}

}  // namespace nibble::gptq_test
