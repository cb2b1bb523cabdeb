#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::awq_smoothquant_test {

using namespace nibble::test;

namespace {

Outcome run(const Settings& settings) {
    Settings all = {{"source", "synthetic"}, {"rows", "64"}, {"cols", "128"}, {"tokens", "256"}};
    all.insert(all.end(), settings.begin(), settings.end());
    return run_lab("awq-smoothquant", all);
}

double unseen_at(const Outcome& o, std::size_t alpha) {
    return std::get<double>(o.tables.at(0).rows.at(alpha).at(2));
}

}  // namespace

TEST_CASE("with outliers, AWQ's valley lies between its ends", "[awq-smoothquant]") {
    const Outcome o = run({{"outlier_factor", "30"}, {"outlier_channels", "2"}});
    CHECK(value(o, "best_alpha") > 0);
    CHECK(value(o, "best_alpha") < 1);
    CHECK(value(o, "best_error") < unseen_at(o, 0));
    CHECK(value(o, "best_error") < unseen_at(o, 20));
}

TEST_CASE("keeping the salient channels exact helps where there are outliers",
          "[awq-smoothquant]") {
    const Outcome o = run({{"outlier_factor", "30"}, {"outlier_channels", "2"}});
    // Two channels hold 2 * 900 of 2 * 900 + 126 parts of the input's energy.
    CHECK(value(o, "salient_protected") < 0.2 * value(o, "none_protected"));
    CHECK(value(o, "salient_protected") < value(o, "random_protected"));
    CHECK(value(o, "salient_protected") < value(o, "largest_weights_protected"));
}

TEST_CASE("SmoothQuant evens out both sides, and a factor of 1 changes no layer",
          "[awq-smoothquant]") {
    const Outcome o =
        run({{"scaling", "smoothquant"}, {"outlier_factor", "100"}, {"outlier_channels", "1"}});
    CHECK(value(o, "best_error") < unseen_at(o, 0));
    const Outcome plain = run({{"outlier_channels", "0"}}), once = run({{"outlier_factor", "1"}});
    CHECK(value(plain, "best_error") == value(once, "best_error"));
}

TEST_CASE("alpha moves ranges from one side to the other", "[awq-smoothquant]") {
    const auto bars = [](const char* alpha) {
        const Outcome o =
            run({{"alpha", alpha}, {"outlier_factor", "30"}, {"outlier_channels", "1"}});
        return std::get<Bars>(o.rows.at(1).figures.at(0).marks.at(0)).series;
    };
    const auto none = bars("0"), half = bars("0.5");
    CHECK(none[0].values[0] == Approx(1));  // the largest activations, not scaled
    CHECK(half[0].values[0] < none[0].values[0]);
    CHECK(half[1].values[0] < none[1].values[0]);  // downwards
}

}  // namespace nibble::awq_smoothquant_test
