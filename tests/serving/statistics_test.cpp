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

/// The mean number of requests between arrival and last token, counted from event to event.
double counted(const std::vector<Record>& answered) {
    std::vector<std::pair<double, int>> events;
    for (const Record& r : answered) {
        events.push_back({r.request.arrival, 1});
        events.push_back({r.finish, -1});
    }
    std::sort(events.begin(), events.end());
    double area = 0, before = events.front().first;
    int there = 0;
    for (const auto& [at, change] : events) {
        area += (at - before) * there;
        before = at;
        there += change;
    }
    return area / (events.back().first - events.front().first);
}

TEST_CASE("Little's law holds for every trace and every step time", "[serving]") {
    const Rng rng(17);
    for (std::uint64_t k = 0; k < 60; ++k) {
        const Rng draw = rng.stream("trace " + std::to_string(k));
        Rules r;
        r.policy = static_cast<Policy>(k % 5);
        r.max_seqs = 1 + static_cast<std::int32_t>(draw.below(0, 16));
        r.token_budget = 256;
        r.blocks = 24 + static_cast<std::int64_t>(draw.below(1, 100));  // few enough to preempt
        const StepTime clock = StepTime::constant(std::pow(10.0, -3 + 4 * draw.uniform(2)));
        RandomArrivals arrivals({{200, 50}, {30, 90}, {1, 1}}, 5 + static_cast<int>(k) * 5,
                                std::pow(10.0, -1 + 3 * draw.uniform(3)), k % 3, draw);
        std::vector<Record> answered;
        const Statistics s = simulate(r, arrivals, clock, {}, [&](const Step& step) {
            answered.insert(answered.end(), step.finished.begin(), step.finished.end());
        });
        INFO("trace " << k);
        CHECK(s.mean_in_system() == Approx(counted(answered)).epsilon(1e-9));
        CHECK(s.mean_in_system() ==
              Approx(s.requests_per_second() * s.latency.mean()).epsilon(1e-12));
    }
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
