// The training lab, on runs of a second.
#include <cmath>
#include <fstream>

#include "sim/experiments/all.hpp"
#include "sim/model/loss_curve.hpp"
#include "sim/model/model_files.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::training_test {

using namespace nibble::testing;

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

const Experiment& lab() {
    return find_experiment(all_experiments(), "training");
}

ParamValues values_of(const Settings& settings) {
    ParamValues values = lab().defaults();
    for (const auto& [name, text] : settings) {
        const std::size_t i = lab().index_of(name);
        values[i] = lab().params[i].parsed(text);
    }
    return values;
}

/// Small enough for a test.
Settings quick(Settings more) {
    Settings all = {
        {"steps", "40"}, {"hidden", "32"}, {"layers", "1"}, {"batch", "2"}, {"text", "arithmetic"}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

Outcome run(const Settings& settings, const RunContext& context = {}) {
    return evaluate(lab(), values_of(settings), context);
}

const Figure* figure(const Outcome& o, const std::string& id) {
    for (const FigureRow& row : o.rows) {
        for (const Figure& f : row.figures) {
            if (f.id == id) {
                return &f;
            }
        }
    }
    return nullptr;
}

}  // namespace

TEST_CASE("a model learns, towards a floor that it stays above", "[training]") {
    int published = 0;
    std::vector<double> steps_seen;
    RunContext context;
    context.publish_data = [&](const RunData& data) {
        ++published;
        const Outcome partial = lab().show(values_of(quick({})), data);
        steps_seen.push_back(partial.metric("steps_done").value);
        CHECK(partial.sampling.empty() == (steps_seen.back() == 40));
    };
    const Outcome o = run(quick({}), context);
    CHECK(published > 20);
    CHECK(std::is_sorted(steps_seen.begin(), steps_seen.end()));
    CHECK(o.metric("steps_done").value == 40);
    const double loss = o.metric("validation_loss").value, floor = o.metric("floor").value;
    CHECK(loss > floor);
    CHECK(loss < 0.9 * o.metric("counting_loss").value);  // it knows what follows what
    CHECK(o.metric("counting_loss").value < std::log(384));
    CHECK(o.metric("perplexity").value == Approx(std::exp(loss)));
    // "3.01 = e^{1.102}": half a unit of the result's third digit, and half of the fourth of the
    // loss, which is below 10.
    const std::string& shown = o.equations.front().values;
    const double power = std::stod(shown.substr(shown.find('{') + 1));
    const double result = std::stod(shown), unit = std::pow(10, std::floor(std::log10(result)) - 2);
    CHECK(std::abs(result - std::exp(power)) < unit / 2 + 0.00051 * result);
    REQUIRE(figure(o, "loss"));
    REQUIRE(figure(o, "sample-2"));
    CHECK(figure(o, "sample-8"));
    REQUIRE(figure(o, "sample-40"));
    CHECK_FALSE(std::get<Tokens>(figure(o, "sample-40")->marks[0]).items.empty());
    CHECK(o.sampling.empty());
}

TEST_CASE("a rate that is too high is found out, and said", "[training]") {
    const Outcome o = run(quick({{"rate", "0.5"}, {"warm_up", "0"}}));
    INFO(o.finding);
    const bool broke = o.finding.find("breaks the model at step") != std::string::npos;
    const bool turned = o.finding.find("turns back at step") != std::string::npos;
    const bool counts = o.finding.find("how often pieces occur") != std::string::npos;
    CHECK((broke || turned || counts));
    CHECK(o.finding.find("rate of 0.5") != std::string::npos);
    CHECK(run(quick({})).metric("validation_loss").value < o.metric("validation_loss").value);
}

TEST_CASE("training in the lab stops where it is told to", "[training]") {
    std::stop_source stop;
    int published = 0;
    RunContext context;
    context.stop = stop.get_token();
    context.publish_data = [&](const RunData&) {
        if (++published == 2) {
            stop.request_stop();
        }
    };
    try {
        run(quick({{"steps", "2000"}}), context);
        FAIL("it was not stopped");
    } catch (const Error& e) { CHECK(e.code() == Error::Code::cancelled); }
    CHECK(published == 2);
}

TEST_CASE("the floor of all texts counts which of them it is", "[training]") {
    const Settings few = {{"steps", "10"}, {"hidden", "16"}, {"layers", "1"}, {"batch", "1"}};
    for (const char* text : {"stories", "arithmetic", "code", "records", "all"}) {
        Settings settings = few;
        settings.push_back({"text", text});
        const Outcome o = run(settings);
        INFO(text);
        CHECK(o.metric("floor").value > 0);
        CHECK(o.metric("floor").value < o.metric("validation_loss").value);
    }
}

TEST_CASE("the losses of an earlier run are shown with the floor of its tokenizer", "[training]") {
    const ScratchFolder folder;
    std::vector<LossPoint> losses;
    for (Index i = 1; i <= 100; ++i) {
        losses.push_back({i, 1000 * i, 1 + 5.0 / static_cast<double>(i)});
    }
    const auto path = folder.path / "losses.csv";
    std::ofstream(path) << losses_csv(losses);
    const Outcome bare = run({{"losses", path.string()}});
    CHECK(bare.metric("steps_done").value == 100);
    CHECK(bare.metric("tokens").value == 100000);
    CHECK(bare.metric("train_loss").value == Approx(1.051).epsilon(1e-3));  // of steps 96 to 100
    CHECK(bare.finding.find("100 steps") == 0);
    CHECK_FALSE(figure(bare, "rate"));
    CHECK(std::none_of(bare.metrics.begin(), bare.metrics.end(),
                       [](const Metric& m) { return m.name == "floor"; }));

    std::ofstream(folder.path / "tokenizer.json") << to_json(corpus_tokenizer(1, 600, 50));
    const Outcome whole = run({{"losses", folder.path.string()}});
    CHECK(whole.metric("floor").value > 0.2);
    CHECK(whole.metric("floor").value < 1);
    CHECK(contains(error_of([&] { run({{"losses", "/nowhere"}}); }), "there are no losses"));
}

}  // namespace nibble::training_test
