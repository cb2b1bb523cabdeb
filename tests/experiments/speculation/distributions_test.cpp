#include <algorithm>
#include <cmath>

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::distributions_test {

using namespace nibble::test;

namespace {

const Experiment& lab() {
    return find_experiment(all_experiments(), "distributions");
}

Outcome run(Settings settings) {
    settings.insert(settings.begin(), {"draws", "20000"});
    return run_lab("distributions", settings);
}

double cell(const Outcome& o, std::size_t row, std::size_t column) {
    return std::get<double>(o.tables.at(0).rows.at(row).at(column));
}

}  // namespace

TEST_CASE("the exact rule passes, three mistakes fail", "[distributions]") {
    // Seed 1 is fixed; by chance alone a right program fails one seed of a thousand.
    CHECK(run({}).metric("p_value").value > 0.001);
    CHECK(run({}).metric("limit").value == 0);
    for (const char* rule : {"argmax_bonus", "no_residual", "bonus_after_rejection"}) {
        const Outcome o = run({{"rule", rule}});
        CHECK(o.metric("p_value").value < 1e-9);
        CHECK(o.metric("limit").value > 0.05);
        // 36 pairs after 20000 texts are off by a few times 1 / sqrt(20000).
        CHECK(std::abs(o.metric("total_variation").value - o.metric("limit").value) < 0.02);
    }
}

TEST_CASE("the overlap is the acceptance, the rest of the words goes to the last",
          "[distributions]") {
    const Outcome o = run({});
    CHECK(o.metric("acceptance").value == Approx(0.15 + 0.12 + 0.16 + 0.10 + 0.04 + 0.08));
    CHECK(cell(o, 5, 1) == Approx(0.08));         // 1 - .4 - .22 - .16 - .1 - .04
    CHECK(cell(o, 0, 4) == Approx(0.25 / 0.35));  // residual of sun
    CHECK(cell(o, 2, 4) == 0);
    // Too much is scaled down: 1 + .22 + .16 + .1 + .04 = 1.52.
    const Outcome more = run({{"p_sun", "1"}});
    CHECK(cell(more, 0, 1) == Approx(1 / 1.52));
    CHECK(cell(more, 5, 1) == 0);
    const auto handle = [](const Outcome& from) {
        for (const Mark& mark : from.rows.at(0).figures.at(0).marks) {
            if (const auto* h = std::get_if<Handle>(&mark); h && h->y_param == "p_sun") {
                return *h;
            }
        }
        return Handle{};
    };
    // Axis value over scale is the parameter.
    CHECK(*handle(more).y / handle(more).y_scale == Approx(1));
    CHECK(*handle(o).y / handle(o).y_scale == Approx(0.4));
}

TEST_CASE("a draft that agrees is never rejected, and one that has nothing in common always",
          "[distributions]") {
    const Settings same = {{"q_sun", "0.4"},
                           {"q_rain", "0.22"},
                           {"q_wind", "0.16"},
                           {"q_fog", "0.1"},
                           {"q_snow", "0.04"}};
    CHECK(run(same).metric("acceptance").value == Approx(1));
    Settings broken = same;
    broken.emplace_back("rule", "no_residual");
    CHECK(run(broken).finding.find("no mistake") != std::string::npos);
    const Settings apart = {{"p_sun", "1"},  {"p_rain", "0"}, {"p_wind", "0"}, {"p_fog", "0"},
                            {"p_snow", "0"}, {"q_sun", "0"},  {"q_rain", "1"}, {"q_wind", "0"},
                            {"q_fog", "0"},  {"q_snow", "0"}};
    const Outcome o = run(apart);
    CHECK(o.metric("acceptance").value == 0);
    CHECK(cell(o, 0, 5) == 1);  // and yet every text begins with the target's only word
}

TEST_CASE("the histogram grows while texts are written", "[distributions]") {
    RunContext context;
    std::vector<double> draws;
    context.publish_data = [&](const RunData& data) {
        draws.push_back(lab().show(lab().defaults(), data).metric("draws").value);
    };
    evaluate(lab(), lab().defaults(), context);
    CHECK(draws == std::vector<double>{100, 316, 1000, 3162, 10000, 31623});
}

}  // namespace nibble::distributions_test
