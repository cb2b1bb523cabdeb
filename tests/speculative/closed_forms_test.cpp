#include "sim/speculative/closed_forms.hpp"

#include <cmath>
#include <numeric>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

namespace nibble::closed_forms_test {

TEST_CASE("tokens of a target step, by hand", "[speculative]") {
    // 1 + .8 + .64 + .512 + .4096 + .32768; the sum rounds in its last bits.
    CHECK(expected_tokens(0.8, 5) == Approx(3.68928).epsilon(1e-14));
    CHECK(expected_tokens(0, 5) == 1);
    CHECK(expected_tokens(1, 5) == 6);
    CHECK(expected_tokens(0.5, 1) == 1.5);
    CHECK(expected_tokens(0.7, 0) == 1);
}

TEST_CASE("the sum is the quotient of equation 1, also where that cancels", "[speculative]") {
    for (const double alpha : {0.1, 0.5, 0.9, 0.99}) {
        for (const int k : {1, 2, 7, 30}) {
            // The quotient itself loses up to 1e-16 / (1 - alpha) = 1e-14.
            CHECK(expected_tokens(alpha, k) ==
                  Approx((1 - std::pow(alpha, k + 1)) / (1 - alpha)).epsilon(1e-13));
        }
    }
    // (1 - a^6) / (1 - a) = 6 - 15 (1 - a) to first order; the next term is 20 (1 - a)^2 = 2e-23.
    CHECK(expected_tokens(1 - 1e-12, 5) == Approx(6 - 15e-12).epsilon(1e-15));
}

TEST_CASE("the distribution of accepted drafts sums to one and has the mean", "[speculative]") {
    const std::vector<double> share = accepted_distribution(0.8, 2);
    REQUIRE(share.size() == 3);
    CHECK(share[0] == Approx(0.2));
    CHECK(share[1] == Approx(0.16));
    CHECK(share[2] == Approx(0.64));
    for (const double alpha : {0.0, 0.3, 0.8, 1.0}) {
        for (const int k : {0, 1, 5, 40}) {
            const std::vector<double> p = accepted_distribution(alpha, k);
            double sum = 0, mean = 0;
            for (std::size_t n = 0; n < p.size(); ++n) {
                sum += p[n];
                mean += p[n] * static_cast<double>(n + 1);
            }
            CHECK(sum == Approx(1).epsilon(1e-14));  // 41 roundings
            CHECK(mean == Approx(expected_tokens(alpha, k)).epsilon(1e-13));
        }
    }
    // Of 1, 2, 3 tokens with .2, .16, .64: E = 2.44, E of squares = .2 + .64 + 5.76 = 6.6.
    CHECK(tokens_variance(0.8, 2) == Approx(6.6 - 2.44 * 2.44));
    CHECK(tokens_variance(1, 5) == 0);
}

TEST_CASE("the factors that Leviathan et al. print", "[speculative]") {
    // Table 1 (c and chat taken as 0): alpha, K, arithmetic, speed; printed with two decimals.
    struct Row {
        double alpha;
        int k;
        double operations, speed;
    };
    for (const Row& r :
         {Row{0.6, 2, 1.53, 1.96}, Row{0.7, 3, 1.58, 2.53}, Row{0.8, 2, 1.23, 2.44},
          Row{0.8, 5, 1.63, 3.69}, Row{0.9, 2, 1.11, 2.71}, Row{0.9, 10, 1.60, 6.86}}) {
        INFO(r.alpha << " " << r.k);
        CHECK(std::abs(walltime_factor(r.alpha, r.k, 0) - r.speed) <= 0.005);
        CHECK(std::abs(operations_factor(r.alpha, r.k, 0) - r.operations) <= 0.006);
    }
    CHECK(walltime_factor(0.8, 5, 0.05) == Approx(3.68928 / 1.25));
    CHECK(operations_factor(0.8, 5, 0.05) == Approx(6.25 / 3.68928));
}

TEST_CASE("the best number of drafts", "[speculative]") {
    // At c = 0.05: 7 give 4.16114 / 1.35 = 3.0823, 8 give 4.32891 / 1.4 = 3.0921, 9 give 3.0783.
    CHECK(best_drafts(0.8, 0.05, 64) == 8);
    CHECK(best_drafts(0.8, 0.05, 5) == 5);
    CHECK(best_drafts(1, 0.5, 64) == 64);  // (K + 1) / (K / 2 + 1) grows for ever
    CHECK(best_drafts(1, 1, 64) == 0);     // as long as without
    // Corollary 3.9: one draft gives (1 + alpha) / (1 + c), above 1 exactly when alpha > c.
    for (const double cost : {0.1, 0.3, 0.7}) {
        CHECK(best_drafts(cost, cost, 64) == 0);
        CHECK(best_drafts(cost + 0.01, cost, 64) >= 1);
    }
}

TEST_CASE("the acceptance behind a yield is the inverse of the yield", "[speculative]") {
    for (const double alpha : {0.05, 0.5, 0.8, 0.97}) {
        // 60 halvings of [0, 1]: 2^-60, below the rounding of E itself.
        CHECK(acceptance_for(expected_tokens(alpha, 4), 4) == Approx(alpha).epsilon(1e-12));
    }
    CHECK(acceptance_for(1, 4) == 0);
    CHECK(acceptance_for(0.5, 4) == 0);
    CHECK(acceptance_for(5, 4) == 1);
    CHECK(acceptance_for(9, 4) == 1);
}

TEST_CASE("a chance outside 0 to 1 is a bug", "[speculative]") {
    CHECK_THROWS_AS(expected_tokens(1.1, 3), BrokenInvariant);
    CHECK_THROWS_AS(expected_tokens(std::nan(""), 3), BrokenInvariant);
    CHECK_THROWS_AS(accepted_distribution(0.5, -1), BrokenInvariant);
}

}  // namespace nibble::closed_forms_test
