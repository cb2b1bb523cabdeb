#include "sim/speculative/chain_simulation.hpp"

#include <cmath>

#include "sim/core/error.hpp"
#include "sim/core/parallel.hpp"
#include "sim/speculative/closed_forms.hpp"

#include "tests/catch.hpp"

namespace nibble::chain_simulation_test {

TEST_CASE("the dice agree with the closed form", "[speculative]") {
    constexpr std::int64_t steps = 40000;
    for (const double alpha : {0.2, 0.8, 0.95}) {
        for (const int k : {1, 5, 12}) {
            INFO(alpha << " " << k);
            const AcceptedCounts counts = simulate_chain(Rng(11), alpha, k, steps);
            CHECK(counts.total() == steps);
            const double deviation = std::sqrt(tokens_variance(alpha, k) / double(steps));
            // Nine fixed runs; five standard deviations are passed by chance once in 1.7 million.
            CHECK(std::abs(counts.tokens().mean - expected_tokens(alpha, k)) < 5 * deviation);
            // 1.96 of them, but for the variance being that of the run itself: within a few per
            // cent with 40000 steps.
            CHECK(counts.tokens().half_width == Approx(1.96 * deviation).epsilon(0.05));
        }
    }
}

TEST_CASE("the interval holds the truth about 95 times of 100", "[speculative]") {
    int held = 0, share_held = 0;
    constexpr int runs = 400;
    for (int i = 0; i < runs; ++i) {
        const AcceptedCounts counts =
            simulate_chain(Rng(static_cast<std::uint64_t>(i)), 0.8, 5, 500);
        held += counts.tokens().holds(expected_tokens(0.8, 5)) ? 1 : 0;
        share_held += counts.share_interval(5).holds(std::pow(0.8, 5)) ? 1 : 0;
    }
    // 380 +- 4.4 of 400: five standard deviations.
    CHECK(std::abs(held - 380) < 22);
    CHECK(std::abs(share_held - 380) < 22);
}

TEST_CASE("dice that always or never accept leave no doubt", "[speculative]") {
    const AcceptedCounts all = simulate_chain(Rng(1), 1, 3, 1000),
                         none = simulate_chain(Rng(1), 0, 3, 1000);
    CHECK(all.steps == std::vector<std::int64_t>{0, 0, 0, 1000});
    CHECK(none.steps == std::vector<std::int64_t>{1000, 0, 0, 0});
    CHECK(all.tokens().mean == 4);
    CHECK(all.tokens().half_width == 0);
    // Wilson's interval of 1000 out of 1000 ends at 1 and begins at 1000 / (1000 + 1.96^2).
    CHECK(all.share_interval(3).high() == Approx(1));
    CHECK(all.share_interval(3).low() == Approx(1000 / (1000 + 3.8415)).epsilon(1e-6));
}

TEST_CASE("the same seed plays the same steps, on any threads, in runs of any length",
          "[speculative]") {
    set_threads(1);
    const AcceptedCounts one = simulate_chain(Rng(5), 0.7, 4, 30000);
    set_threads(3);
    const AcceptedCounts three = simulate_chain(Rng(5), 0.7, 4, 30000);
    set_threads(0);
    CHECK(one.steps == three.steps);
    std::vector<std::int64_t> counted(5);
    for (int i = 0; i < 30000; ++i) {
        ++counted[static_cast<std::size_t>(accepted_in_step(Rng(5), i, 0.7, 4))];
    }
    CHECK(one.steps == counted);
}

TEST_CASE("a run reports on its way and can be stopped", "[speculative]") {
    std::vector<double> done;
    std::int64_t last = 0;
    simulate_chain(Rng(1), 0.5, 3, 200000, [&](const AcceptedCounts& counts, double share) {
        CHECK(counts.total() > last);
        last = counts.total();
        done.push_back(share);
    });
    CHECK(done.size() == 20);
    CHECK(done.back() == 1);
    CHECK(last == 200000);
    int calls = 0;
    CHECK_THROWS_AS(simulate_chain(Rng(1), 0.5, 3, 200000,
                                   [&](const AcceptedCounts&, double) {
                                       ++calls;
                                       throw Error(Error::Code::cancelled, "enough");
                                   }),
                    Error);
    CHECK(calls == 1);
}

}  // namespace nibble::chain_simulation_test
