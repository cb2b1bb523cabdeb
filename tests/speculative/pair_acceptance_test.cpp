#include "sim/speculative/pair_acceptance.hpp"

#include "sim/core/parallel.hpp"

#include "tests/catch.hpp"

namespace nibble::pair_acceptance_test {

namespace {

constexpr ChainSample small{2, 16, 24};

}  // namespace

TEST_CASE("chains of the shipped pair, counted", "[speculative]") {
    const RunContext context;
    const ModelPair pair = load_pair("target", "draft", context);
    const MeasuredChain chain = measure_chain(pair, Domain::code, 3, 1, small, context);
    REQUIRE(chain.counts.steps.size() == 4);
    std::int64_t stood = 0, judged = 0;
    for (std::size_t n = 0; n < 4; ++n) {
        stood += chain.counts.steps[n] * static_cast<std::int64_t>(n);
        judged +=
            chain.counts.steps[n] * std::min<std::int64_t>(static_cast<std::int64_t>(n) + 1, 3);
    }
    CHECK(chain.accepted == stood);
    CHECK(chain.judged == judged);
    // Two texts of 24 tokens in steps of 1 to 4, the last of which may be cut short.
    CHECK(chain.counts.total() >= 8);
    CHECK(chain.counts.total() <= 48);
    set_threads(3);
    const MeasuredChain again = measure_chain(pair, Domain::code, 3, 1, small, context);
    set_threads(0);
    CHECK(again.counts.steps == chain.counts.steps);
}

TEST_CASE("a model that drafts for itself is always accepted", "[speculative]") {
    const RunContext context;
    const ModelPair pair = load_pair("draft", "draft", context);
    for (const double temperature : {0.0, 1.0}) {
        const MeasuredChain chain =
            measure_chain(pair, Domain::stories, 4, temperature, small, context);
        CHECK(chain.alpha() == 1);
        CHECK(chain.counts.steps[4] == chain.counts.total());
    }
}

TEST_CASE("a measurement can be stopped", "[speculative]") {
    std::stop_source stop;
    RunContext context;
    context.stop = stop.get_token();
    const ModelPair pair = load_pair("draft", "draft", context);
    stop.request_stop();
    CHECK_THROWS_AS(measure_chain(pair, Domain::stories, 4, 1, small, context), Error);
}

}  // namespace nibble::pair_acceptance_test
