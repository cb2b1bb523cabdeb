// The chi-square test against tables and by hand.
#include "sim/speculative/chi_square.hpp"

#include <cmath>
#include <limits>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

namespace nibble::chi_square_tests {

TEST_CASE("tails of the chi-square distribution", "[speculative][chi_square]") {
    // Quantiles at 0.05 and 0.001 as tabulated, to the digits of the tables.
    CHECK(chi_square_tail(3.841459, 1) == Approx(0.05).epsilon(1e-6));
    CHECK(chi_square_tail(18.307038, 10) == Approx(0.05).epsilon(1e-6));
    CHECK(chi_square_tail(124.342113, 100) == Approx(0.05).epsilon(1e-6));
    CHECK(chi_square_tail(29.588298, 10) == Approx(0.001).epsilon(1e-6));
    // Two degrees: exp(-x / 2) exactly, on both sides of where the expansion changes.
    for (const double x : {0.01, 1.0, 3.9, 4.1, 50.0, 600.0}) {
        CHECK(chi_square_tail(x, 2) == Approx(std::exp(-x / 2)).epsilon(1e-12));
    }
    CHECK(chi_square_tail(0, 5) == 1);
    CHECK(chi_square_tail(std::numeric_limits<double>::infinity(), 5) == 0);
    // At its mean, a wide distribution is nearly symmetric: 0.5 less 1/(3 sqrt(pi degrees)).
    CHECK(chi_square_tail(1e6, 1000000) == Approx(0.5 - 0.000188).margin(1e-6));
}

TEST_CASE("a chi-square test by hand", "[speculative][chi_square]") {
    using Counts = std::vector<std::int64_t>;
    const std::vector<double> half{0.5, 0.5};
    const ChiSquare fair = chi_square_test(Counts{60, 40}, half);
    CHECK(fair.value == Approx(4));  // (10^2 + 10^2) / 50
    CHECK(fair.degrees == 1);
    CHECK(fair.p_value == Approx(0.0455).margin(5e-5));  // of a table with four digits
    // 3 and 1 expected go together: (96 - 96)^2 / 96 + (4 - 4)^2 / 4.
    const ChiSquare pooled =
        chi_square_test(Counts{96, 0, 4}, std::vector<double>{0.96, 0.03, 0.01});
    CHECK(pooled.value == 0);
    CHECK(pooled.degrees == 1);
    // What cannot happen did.
    const ChiSquare impossible = chi_square_test(Counts{9, 1}, std::vector<double>{1, 0});
    CHECK(std::isinf(impossible.value));
    CHECK(impossible.p_value == 0);
    CHECK(chi_square_test(Counts{10, 0}, std::vector<double>{1, 0}).p_value == 1);
    CHECK_THROWS_AS(chi_square_test(Counts{1}, half), Error);
    CHECK_THROWS_AS(chi_square_test(Counts{0, 0}, half), Error);
}

}  // namespace nibble::chi_square_tests
