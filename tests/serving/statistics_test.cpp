#include "sim/serving/statistics.hpp"

#include <algorithm>

#include "sim/core/parallel.hpp"

#include "tests/catch.hpp"

namespace nibble::serving {

TEST_CASE("quantiles lie on the line between neighbours", "[serving]") {
    Distribution d;
    CHECK(d.quantile(0.5) == 0);
    for (const double v : {4.0, 1.0, 3.0, 2.0}) {
        d.add(v);
    }
    CHECK(d.quantile(0) == 1);
    CHECK(d.quantile(0.5) == 2.5);
    CHECK(d.quantile(0.9) == Approx(3.7));  // rank 0.9 * 3 = 2.7
    CHECK(d.quantile(1) == 4);
    CHECK(d.mean() == 2.5);
}

TEST_CASE("many values are counted in bins", "[serving]") {
    const Rng rng(5);
    Distribution d;
    std::vector<double> all;
    for (std::uint64_t i = 0; i < 300'000; ++i) {
        all.push_back(i % 100 == 0 ? 0 : 1e-3 * std::exp(3 * rng.normal(i)));
        d.add(all.back());
    }
    CHECK_FALSE(d.is_exact());
    std::sort(all.begin(), all.end());
    for (const double share : {0.001, 0.05, 0.5, 0.9, 0.99, 0.999}) {
        const double exact = all[static_cast<std::size_t>(share * double(all.size() - 1))];
        // A bin is half a per cent wide, and its middle stands for it.
        CHECK(d.quantile(share) == Approx(exact).epsilon(0.003));
    }
    CHECK(d.quantile(1) == Approx(all.back()).epsilon(0.003));
}

TEST_CASE("gaps have the mean and the variation that were asked for", "[serving]") {
    for (const double cv : {0.0, 0.5, 1.0, 3.0}) {
        const Rng rng(11);
        double sum = 0, squares = 0;
        constexpr int n = 200'000;
        for (std::uint64_t i = 0; i < n; ++i) {
            const double g = gamma_gap(rng, i, cv);
            REQUIRE(g >= 0);
            sum += g;
            squares += g * g;
        }
        const double mean = sum / n, deviation = std::sqrt(squares / n - mean * mean);
        INFO("cv " << cv);
        // Five standard errors of the mean, cv / sqrt(n) each; a gamma's fourth moment makes that
        // of the deviation wider, by about sqrt(1 + 1.5 cv^2).
        CHECK(mean == Approx(1).margin(1e-12 + 5 * cv / std::sqrt(double(n))));
        CHECK(deviation == Approx(cv).margin(1e-6 + 5 * cv * std::sqrt((1 + 1.5 * cv * cv) / n)));
    }
}

TEST_CASE("Little's law", "[serving]") {
    // What waits and runs, seen at the steps, against rate times latency, seen by the requests. A
    // request that arrives during a step is seen only by the next one: the difference is less than
    // rate times step, 20 * 0.01.
    const StepTime clock = StepTime::constant(0.01);
    Rules r;
    r.max_seqs = 16;
    r.token_budget = 256;
    RandomArrivals arrivals({{200, 50}, {30, 90}}, 20'000, 20, 1, Rng(3));
    const Statistics s = simulate(r, arrivals, clock);
    const double by_law = s.requests_per_second() * s.latency.mean();
    CHECK(s.mean_in_system() <= by_law);
    CHECK(s.mean_in_system() >= by_law - 20.5 * 0.01);  // 2.5 % more for the rate that was drawn
    CHECK(by_law > 10);
}

TEST_CASE("the same seed gives the same run on any number of threads", "[serving]") {
    const auto run = [](std::uint64_t seed) {
        const StepTime clock = StepTime::constant(0.01);
        Rules r;
        r.blocks = 60;
        RandomArrivals arrivals({{200, 50}, {30, 90}}, 300, 20, 2, Rng(seed));
        std::vector<double> finishes;
        simulate(r, arrivals, clock, {}, [&](const Step& step) {
            for (const Record& record : step.finished) {
                finishes.push_back(record.finish);
            }
        });
        return finishes;
    };
    std::vector<std::vector<double>> serial, parallel(6);
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        serial.push_back(run(seed));
    }
    set_threads(3);
    parallel_for(6, 1, [&](std::size_t begin, std::size_t) { parallel[begin] = run(begin); });
    set_threads(0);
    CHECK(serial == parallel);
    CHECK(serial[0] != serial[1]);
}

TEST_CASE("users of a closed loop ask again when they are answered", "[serving]") {
    // Two users, answers of two steps of 1 s, 3 s to think: each asks at 0, 5, 10, ...
    ClosedLoop arrivals({{4, 2}}, 6, 2, 3, Rng(1));
    const StepTime clock = StepTime::constant(1);
    std::vector<double> asked;
    simulate(Rules{}, arrivals, clock, {}, [&](const Step& step) {
        for (const Record& record : step.finished) {
            asked.push_back(record.request.arrival);
        }
    });
    CHECK(asked == std::vector<double>{0, 0, 5, 5, 10, 10});
}

}  // namespace nibble::serving
