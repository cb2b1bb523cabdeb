#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::load_test {

using namespace nibble::test;

namespace {

Outcome run(const Settings& settings) {
    return run_lab("load", settings);
}

}  // namespace

TEST_CASE("chunked prefill serves more within the objective than static batches", "[load-lab]") {
    const Outcome o = run({{"requests", "400"}});
    const Outcome other = run({{"requests", "400"}, {"scheduler", "static"}, {"against", "none"}});
    CHECK(value(o, "knee") > 1);
    CHECK(value(other, "kept") < 0.5);
    CHECK(value(o, "kept") > 0.9);
    CHECK(value(o, "little") == Approx(value(o, "mean_in_system")).epsilon(1e-9));
}

TEST_CASE("a tighter objective brings the knee nearer", "[load-lab]") {
    const double loose = value(run({{"requests", "400"}}), "knee");
    const double tight =
        value(run({{"requests", "400"}, {"slo_tpot_ms", "9"}, {"slo_ttft_ms", "80"}}), "knee");
    CHECK(tight < loose);
}

TEST_CASE("users of a closed loop are swept instead of rates", "[load-lab]") {
    const Outcome o = run({{"requests", "200"}, {"pattern", "closed_loop"}, {"users", "8"}});
    CHECK(value(o, "mean_in_system") <= 8);
    CHECK(std::get<double>(o.tables.at(0).rows.at(0).at(0)) == 1);
}

}  // namespace nibble::load_test
