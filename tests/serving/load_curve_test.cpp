#include "sim/serving/load_curve.hpp"

#include <cmath>

#include "tests/catch.hpp"

namespace nibble::load_curve_test {

using namespace nibble::serving;

namespace {

ServingSetting small() {
    ServingSetting s;
    s.step_time = Clock::constant;
    s.step_seconds = 0.01;
    s.requests = 300;
    s.max_seqs = 8;
    s.slo_ttft_ms = 2000;
    s.slo_tpot_ms = 50;
    return s;
}

LoadPoint at(double load, double kept) {
    LoadPoint p;
    p.load = load;
    p.kept = kept;
    return p;
}

}  // namespace

TEST_CASE("the knee lies where the share is passed", "[load-curve]") {
    CHECK_FALSE(knee({}, 0.9));
    CHECK_FALSE(knee({at(1, 0.5)}, 0.9));
    CHECK(*knee({at(1, 1), at(2, 0.95)}, 0.9) == 2);
    CHECK(*knee({at(1, 1), at(3, 0.8)}, 0.9) == Approx(2));  // half way down
}

TEST_CASE("waiting grows with the load, and no more comes out than goes in", "[load-curve]") {
    const ServingSetting s = small();
    const StepTime clock = s.clock();
    const double most = capacity(s, clock, {});
    double waited = 0;
    for (const double share : {0.2, 0.6, 0.9, 1.5}) {
        const LoadPoint p = run_load(s, share * most, clock, {});
        CHECK(p.ttft.p99 >= p.ttft.p50);
        CHECK(p.ttft.p99 >= waited);
        CHECK(p.goodput <= p.throughput);
        CHECK(p.throughput <= 1.001 * most);  // the tail of the run is all that differs
        waited = p.ttft.p99;
    }
    CHECK(run_load(s, 0.2 * most, clock, {}).kept > run_load(s, 1.5 * most, clock, {}).kept);
}

TEST_CASE("Little's law holds for every scheduler", "[load-curve]") {
    for (const Scheduler scheduler : all_schedulers) {
        ServingSetting s = small();
        s.scheduler = scheduler;
        const LoadPoint p = run_load(s, 2, s.clock(), {});
        CHECK(p.mean_in_system == Approx(p.little()).epsilon(1e-12));
    }
}

TEST_CASE("a closed loop never holds more than its users", "[load-curve]") {
    ServingSetting s = small();
    s.pattern = Pattern::closed_loop;
    s.think = 0;
    const LoadPoint p = run_load(s, 4, s.clock(), {});
    CHECK(p.mean_in_system <= 4);
    CHECK(p.mean_in_system > 3);  // they do nothing but wait
}

}  // namespace nibble::load_curve_test
