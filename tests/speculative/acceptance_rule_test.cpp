// The acceptance rule by hand, as an identity over all outcomes, and its mistakes.
#include "sim/speculative/acceptance_rule.hpp"

#include <limits>

#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

namespace nibble::acceptance_rule_test {

using Catch::Matchers::Contains;

namespace {

using Distributions = std::vector<Distribution>;

Distribution random_distribution(std::size_t size, std::uint64_t seed, std::uint64_t zeros = 0) {
    const Rng rng(seed);
    Distribution p(size);
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) {
        p[i] = i < zeros ? 0 : rng.uniform(i);
        sum += p[i];
    }
    for (double& x : p) {
        x /= sum;
    }
    return p;
}

/// How likely each token comes out of one position, summed over every way it can: the proposal x
/// from q, then accepted or corrected.
Distribution output_of(const Distribution& p, const Distribution& q) {
    Distribution out(p.size());
    const Distribution left = residual(p, q);
    for (std::size_t x = 0; x < p.size(); ++x) {
        const double accepted = q[x] > 0 ? std::min(1.0, p[x] / q[x]) : 0;
        out[x] += q[x] * accepted;
        for (std::size_t y = 0; y < p.size(); ++y) {
            out[y] += q[x] * (1 - accepted) * left[y];
        }
    }
    return out;
}

}  // namespace

TEST_CASE("overlap and residual of two distributions by hand", "[speculative]") {
    const Distribution p{0.5, 0.3, 0.2}, q{0.2, 0.6, 0.2};
    CHECK(acceptance_probability(p, q) == Approx(0.7));
    const Distribution left = residual(p, q);
    CHECK(left == Distribution{1, 0, 0});
    CHECK(residual(p, p) == p);  // no rejection is possible, so nothing is drawn from it
    CHECK(acceptance_probability(p, p) == Approx(1));
    CHECK(acceptance_probability(Distribution{1, 0}, Distribution{0, 1}) == 0);
}

TEST_CASE("accepting and correcting give the target's distribution exactly", "[speculative]") {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const Distribution p = random_distribution(7, 2 * seed, seed % 3);
        const Distribution q = random_distribution(7, 2 * seed + 1, seed % 4);
        const Distribution out = output_of(p, q);
        for (std::size_t i = 0; i < p.size(); ++i) {
            CHECK(out[i] == Approx(p[i]).margin(1e-14));  // a dozen roundings of numbers below 1
        }
    }
}

TEST_CASE("a draw takes the token at which the running sum passes u", "[speculative]") {
    const Distribution p{0, 0.25, 0, 0.75, 0};
    CHECK(draw(p, 1e-9) == 1);
    CHECK(draw(p, 0.2499) == 1);
    CHECK(draw(p, 0.2501) == 3);
    CHECK(draw(p, 1 - 1e-16) == 3);
    // A sum that rounding keeps below u still ends at a possible token.
    CHECK(draw(Distribution{0.5, 0.4999999, 0}, 0.99999999) == 1);
}

TEST_CASE("a chain is judged from its first token on", "[speculative]") {
    const std::vector<Distribution> q{{0.2, 0.8}, {0.5, 0.5}};
    const std::vector<Distribution> p{{0.6, 0.4}, {0.5, 0.5}, {0.9, 0.1}};
    const std::vector<std::int32_t> drafts{1, 0};
    // p/q of the first draft is 0.5, of the second 1.
    const ChainVerdict all = verify_chain(drafts, q, p, std::vector{0.49, 0.99, 0.95, 0.5});
    CHECK(all.accepted == 2);
    CHECK_FALSE(all.corrected);
    CHECK(all.tokens == std::vector<std::int32_t>{1, 0, 1});  // the bonus: 0.95 is beyond 0.9
    const ChainVerdict first = verify_chain(drafts, q, p, std::vector{0.51, 0.0, 0.95, 0.5});
    CHECK(first.accepted == 0);
    CHECK(first.corrected);
    CHECK(first.tokens == std::vector<std::int32_t>{0});  // (p - q)+ has token 0 only
    const ChainVerdict none =
        verify_chain({}, {}, std::vector<Distribution>{{0.1, 0.9}}, std::vector{0.5, 0.5});
    CHECK(none.tokens == std::vector<std::int32_t>{1});  // no drafts: plain sampling
}

TEST_CASE("identical models accept everything, disjoint ones nothing", "[speculative]") {
    const Distribution p = random_distribution(5, 1);
    const Rng rng(9);
    for (std::uint64_t i = 0; i < 200; ++i) {
        const std::int32_t token = draw(p, rng.uniform(2 * i));
        const std::vector<double> u{rng.uniform(2 * i + 1), 0.3, 0.7};
        CHECK(verify_chain(std::vector{token}, Distributions{p}, Distributions{p, p}, u).accepted ==
              1);
    }
    const std::vector<Distribution> q{{0, 1}}, other{{1, 0}, {1, 0}};
    CHECK(
        verify_chain(std::vector<std::int32_t>{1}, q, other, std::vector{1e-9, 0.5, 0.5}).tokens ==
        std::vector<std::int32_t>{0});
}

TEST_CASE("each broken rule breaks where its name says", "[speculative]") {
    const std::vector<Distribution> q{{0.2, 0.8}}, p{{0.6, 0.4}, {0.9, 0.1}};
    const std::vector<std::int32_t> drafts{1};
    const std::vector<double> accepted{0.1, 0.95, 0.5}, rejected{0.9, 0.95, 0.95};
    const auto tokens = [&](const std::vector<double>& u, SpeculationRule rule) {
        return verify_chain(drafts, q, p, u, rule).tokens;
    };
    using Ids = std::vector<std::int32_t>;
    CHECK(tokens(accepted, SpeculationRule::exact) == Ids{1, 1});
    CHECK(tokens(accepted, SpeculationRule::argmax_bonus) == Ids{1, 0});
    CHECK(tokens(rejected, SpeculationRule::exact) == Ids{0});
    CHECK(tokens(rejected, SpeculationRule::no_residual) == Ids{1});  // 0.95 is beyond p(0) = 0.6
    CHECK(tokens(rejected, SpeculationRule::bonus_after_rejection) == Ids{0, 1});
    CHECK(tokens(accepted, SpeculationRule::bonus_after_rejection) == Ids{1, 1});
}

TEST_CASE("several candidates for a position share out the target's probability", "[speculative]") {
    // Looked up, so each has all of its own q: accepted with what p has left for it.
    const Distribution p{0.5, 0.3, 0.2}, one{0, 1, 0}, two{0, 0, 1};
    const std::vector<Proposal> candidates{{1, one}, {2, two}};
    CHECK(settle(p, candidates, std::vector{0.29, 0.5}, 0.5).accepted == 0);
    // After the first is rejected, p is (0.5, 0, 0.2) / 0.7.
    CHECK(settle(p, candidates, std::vector{0.31, 0.28}, 0.5).accepted == 1);
    const Settled corrected = settle(p, candidates, std::vector{0.31, 0.29}, 0.99);
    CHECK(corrected.accepted == -1);
    CHECK(corrected.token == 0);
}

TEST_CASE("what cannot be a speculation is refused by name", "[speculative][error]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Distribution good{0.5, 0.5};
    const auto judge = [&](std::int32_t draft, const Distribution& q, const Distribution& p) {
        verify_chain(std::vector{draft}, Distributions{q}, Distributions{p, good},
                     std::vector{0.5, 0.5, 0.5});
    };
    CHECK_NOTHROW(judge(0, good, good));
    CHECK_THROWS_WITH(judge(0, good, {nan, 1}), Contains("target") && Contains("nan"));
    CHECK_THROWS_WITH(judge(0, {0.5, nan}, good), Contains("draft") && Contains("nan"));
    CHECK_THROWS_WITH(judge(0, good, {-0.1, 1.1}), Contains("-0.1"));
    CHECK_THROWS_WITH(judge(0, good, {0.5, 0.4}), Contains("sum to 0.9"));
    CHECK_THROWS_WITH(judge(0, {0, 1}, good),
                      Contains("token 0 was drafted") && Contains("probability 0"));
    CHECK_THROWS_WITH(judge(2, good, good), Contains("drafted token 2"));
    CHECK_THROWS_WITH(judge(0, {0.5, 0.3, 0.2}, good), Contains("knows 3 tokens, the target 2"));
    CHECK_THROWS_WITH(judge(0, good, {}), Contains("no probabilities"));
    CHECK_THROWS_AS(verify_chain(std::vector<std::int32_t>{0}, Distributions{good},
                                 Distributions{good}, std::vector{0.5, 0.5, 0.5}),
                    Error);
}

}  // namespace nibble::acceptance_rule_test
