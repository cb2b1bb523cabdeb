#include "sim/serving/deployment.hpp"

#include "sim/quant/bits_loss.hpp"

#include "tests/catch.hpp"

namespace nibble::deployment_test {

using namespace nibble::serving;

namespace {

Deployment eight_billion() {
    Deployment plan;
    plan.model = "llama-3.1-8b";
    plan.step_time = Clock::ideal;
    plan.requests = 100;
    return plan;
}

}  // namespace

TEST_CASE("what does not fit says what is in the way", "[deployment]") {
    Deployment plan = eight_billion();
    CHECK(deploy(plan, {}).works());
    plan.model = "llama-3.1-70b";
    CHECK(deploy(plan, {}).obstacle == Obstacle::weights);
    plan.tensor_parallel = 2;  // 70.6 GB of weights in 72 GB
    CHECK(deploy(plan, {}).obstacle == Obstacle::cache);
    plan.weight_bits = 4;
    CHECK(deploy(plan, {}).runs());
    plan = eight_billion();
    plan.slo_tpot_ms = 0.5;
    CHECK(deploy(plan, {}).obstacle == Obstacle::objective);
    plan = eight_billion();
    plan.device = "m4-max-40";
    plan.tensor_parallel = 2;
    CHECK(deploy(plan, {}).obstacle == Obstacle::link);
}

TEST_CASE("a plan's memory adds up, and twice the price is twice the price", "[deployment]") {
    Deployment plan = eight_billion();
    const Deployed d = deploy(plan, {});
    CHECK(d.memory.usable == 0.9 * d.memory.capacity);
    CHECK(d.memory.weights == Bytes{2 * 8030261248.0});
    CHECK(static_cast<double>(d.blocks) * 16 * 131072 <= d.memory.free().value);
    CHECK(static_cast<double>(d.blocks + 1) * 16 * 131072 > d.memory.free().value);
    CHECK(d.dollars <= d.dollars_here);  // at full load nothing idles
    plan.hour_price *= 2;
    CHECK(deploy(plan, {}).dollars == Approx(2 * d.dollars));
}

TEST_CASE("speculation quickens tokens, not prompts", "[deployment]") {
    Deployment plan = eight_billion();
    plan.rate = 0.2;
    const Deployed plain = deploy(plan, {});
    plan.speculation = 2;
    const Deployed fast = deploy(plan, {});
    CHECK(fast.at_load.tpot.p50 ==
          Approx(plain.at_load.tpot.p50 / 2).epsilon(0.05));  // prompts in between
    CHECK(fast.at_load.ttft.p50 > 0.8 * plain.at_load.ttft.p50);
}

TEST_CASE("fewer bits lose more, and 16 lose nothing", "[deployment]") {
    const RunContext context;
    CHECK(measured_loss(16, 16, 128, context) == 0);
    CHECK(measured_loss(2, 16, 128, context) > 0.02);
    CHECK(measured_loss(16, 2, 128, context) > 0.02);
}

}  // namespace nibble::deployment_test
