#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::calibration_test {

using namespace nibble::test;

namespace {

Outcome run(const Settings& settings) {
    Settings all = {{"source", "synthetic"}, {"rows", "32"}, {"cols", "64"}, {"tokens", "64"}};
    all.insert(all.end(), settings.begin(), settings.end());
    return run_lab("calibration", all);
}

}  // namespace

TEST_CASE("clipping and rounding trade places while the threshold falls", "[calibration-lab]") {
    const Outcome whole = run({{"threshold", "1"}}), low = run({{"threshold", "0.05"}});
    CHECK(value(whole, "clipping_mse") == 0);
    CHECK(value(whole, "share_cut") == 0);
    CHECK(value(low, "clipping_mse") > value(whole, "rounding_mse"));
    CHECK(value(low, "rounding_mse") < value(whole, "rounding_mse") / 10);
}

TEST_CASE("the MSE rule has the least error of all rules", "[calibration-lab]") {
    const Outcome o = run({{"bits", "3"}});
    double least = 1e300, mse = 0;
    for (const auto& row : o.tables.at(0).rows) {
        const double error = std::get<double>(row.at(2));
        least = std::min(least, error);
        mse = std::get<std::string>(row.at(0)) == "MSE" ? error : mse;
    }
    CHECK(mse == least);
    CHECK(o.tables.at(0).rows.size() == 5);
    CHECK(value(o, "min_max_threshold") > value(o, "mse_threshold"));
}

TEST_CASE("one outlier widens min-max and leaves the percentile where it was",
          "[calibration-lab]") {
    const Outcome plain = run({{"percentile", "97"}});
    const Outcome with =
        run({{"percentile", "97"}, {"outlier_channels", "1"}, {"outlier_factor", "100"}});
    CHECK(value(with, "min_max_threshold") > 20 * value(plain, "min_max_threshold"));
    // One channel of 64 is 1.6 % of the values: the 97th percentile stays among the others.
    CHECK(value(with, "percentile_threshold") < 2 * value(plain, "percentile_threshold"));
}

}  // namespace nibble::calibration_test
