#include <algorithm>
#include <cmath>
#include <set>

#include "sim/speculative/published_speculation.hpp"

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::when_it_pays_test {

using namespace nibble::test;

namespace {

Outcome run(const Settings& settings) {
    return run_lab("when-it-pays", settings);
}

}  // namespace

TEST_CASE("speculation pays for one request and loses for many", "[when-it-pays]") {
    const Outcome one = run({{"batch", "1"}}), many = run({});
    CHECK(one.metric("speed_up").value > 2);
    CHECK(many.metric("speed_up").value < 1);
    CHECK(many.finding.find("as slow") != std::string::npos);
    const double losing = many.metric("losing_batch").value;
    CHECK(run({{"batch", std::to_string(int(losing))}}).metric("speed_up").value < 1);
    CHECK(run({{"batch", std::to_string(int(losing) - 1)}}).metric("speed_up").value >= 1);
    // The target turns to arithmetic before speculation loses.
    CHECK(many.metric("compute_bound_batch").value < losing);
    // A round over its parts is what the equation says.
    CHECK(one.metric("speed_up").value ==
          Approx(one.metric("expected_tokens").value * one.metric("plain_seconds").value /
                 one.metric("round_seconds").value));
}

TEST_CASE("where many requests lose, a long context lets them gain again", "[when-it-pays]") {
    const double context = run({}).metric("pays_again_context").value;
    CHECK(context > 1024);
    const Outcome longer = run({{"context", std::to_string(int(context))}});
    CHECK(longer.metric("speed_up").value >= 1);
    CHECK(std::none_of(longer.metrics.begin(), longer.metrics.end(),
                       [](const Metric& m) { return m.name == "pays_again_context"; }));
}

TEST_CASE("the map has gains and losses, and every draft of the family", "[when-it-pays]") {
    const Outcome o = run({});
    std::set<bool> loses;
    for (const auto& row : table(o, "speed_up").rows) {
        loses.insert(std::get<double>(row.at(2)) < 1);
    }
    CHECK(loses.size() == 2);
    const Table& models = table(o, "draft_models");
    CHECK(models.rows.size() >= 3);
    for (std::size_t i = 1; i < models.rows.size(); ++i) {
        // Larger drafts cost more and must be accepted more often.
        CHECK(std::get<double>(models.rows[i].at(1)) >= std::get<double>(models.rows[i - 1].at(1)));
        CHECK(std::get<double>(models.rows[i].at(3)) >= std::get<double>(models.rows[i - 1].at(3)));
    }
}

TEST_CASE("break-even is where the needed acceptance says", "[when-it-pays]") {
    const Outcome o = run({{"batch", "100"}});
    double needed = 0;
    for (const auto& row : table(o, "draft_models").rows) {
        if (std::get<std::string>(row.at(0)) == "llama-3.2-1b") {
            needed = std::get<double>(row.at(3));
        }
    }
    REQUIRE(needed > 0);
    const Outcome at = run({{"batch", "100"}, {"alpha", std::to_string(needed)}});
    // to_string keeps six decimals of alpha.
    CHECK(at.metric("speed_up").value == Approx(1).epsilon(1e-5));
}

TEST_CASE("printed rows stand beside computed ones", "[when-it-pays]") {
    const Outcome o = run({});
    const Table& rows = table(o, "published");
    std::size_t printed = 0;
    for (const PublishedSpeculation& p : published_speculation()) {
        printed += p.rows.size();
    }
    CHECK(rows.rows.size() == printed);
    CHECK(printed > 0);
    for (const auto& row : rows.rows) {
        CHECK_FALSE(std::get<std::string>(row.back()).empty());
    }
}

TEST_CASE("pairs that cannot work are refused by name", "[when-it-pays]") {
    CHECK_THROWS_WITH(run({{"draft", "gpt2"}}), Catch::Contains("does not share its tokens"));
    CHECK_THROWS_WITH(run({{"target", "gpt2"}}), Catch::Contains("no smaller model"));
    CHECK_THROWS_WITH(run({{"draft", "llama-3.1-405b"}}), Catch::Contains("no smaller"));
}

}  // namespace nibble::when_it_pays_test
