#include "sim/serving/disaggregated.hpp"

#include "tests/catch.hpp"

namespace nibble::serving {
namespace {

Rules small() {
    Rules r;
    r.max_seqs = 4;
    r.token_budget = 8;
    r.blocks = 100;
    r.block_size = 4;
    return r;
}

}  // namespace

TEST_CASE("a prompt travels to the machine that answers", "[serving]") {
    // Steps of 1 s, a quarter of a second for each token of the cache.
    //
    //   first machine:  step 0 [0, 1]  8 tokens of the first prompt
    //                   step 1 [1, 2]  4 tokens of the second, which is answered by one token
    //   transfer:       8 / 4 = 2 s    the first is at the second machine at 3
    //   second machine: step 3 [3, 4], step 4 [4, 5]: tokens 2 and 3
    const std::vector<Request> requests = {{0, 0, 8, 3}, {1, 0, 4, 1}};
    Replay arrivals(requests);
    const StepTime clock = StepTime::constant(1);
    const Pair pair = simulate_disaggregated(small(), arrivals, clock, 0.25);
    CHECK(pair.prompts.steps == 2);
    CHECK(pair.prompts.computed_tokens == 12);
    CHECK(pair.answers.steps == 2);
    CHECK(pair.answers.computed_tokens == 2);
    CHECK(pair.answers.requests == 2);
    CHECK(pair.answers.ttft.quantile(0) == 1);
    CHECK(pair.answers.ttft.quantile(1) == 2);
    CHECK(pair.answers.latency.quantile(1) == 5);
    CHECK(pair.answers.tpot.quantile(1) == 2);  // the transfer is felt between tokens 1 and 2
}

TEST_CASE("two machines answer every request with as many tokens as one", "[serving]") {
    const StepTime clock = StepTime::constant(0.01);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const std::vector<Lengths> mix = {{40, 8}, {5, 30}, {1, 1}};
        RandomArrivals first(mix, 200, 20, 2, Rng(seed)), second(mix, 200, 20, 2, Rng(seed));
        Rules r = small();
        r.blocks = 20;
        const Statistics one = simulate(r, first, clock);
        const Pair two = simulate_disaggregated(r, second, clock, 0.001);
        INFO("seed " << seed);
        REQUIRE(two.answers.requests == 200);
        REQUIRE(two.answers.output_tokens == one.output_tokens);
        // Computed once somewhere: all but what the second machine had to preempt.
        REQUIRE(two.prompts.computed_tokens >= one.prompt_tokens);
        REQUIRE(two.prompts.computed_tokens + two.answers.computed_tokens >=
                one.prompt_tokens + one.output_tokens - one.requests);
    }
}

}  // namespace nibble::serving
