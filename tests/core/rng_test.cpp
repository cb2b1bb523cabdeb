#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

namespace nibble::rng_test {

TEST_CASE("a draw depends on seed, stream and index only", "[rng]") {
    const Rng a = Rng(7).stream("weights");
    const Rng b = Rng(7).stream("weights");
    CHECK(a.bits(12345) == b.bits(12345));
    CHECK(a.bits(0) != a.bits(1));
    CHECK(a.bits(0) != Rng(8).stream("weights").bits(0));
    CHECK(a.bits(0) != Rng(7).stream("prompts").bits(0));
}

TEST_CASE("normal draws have the moments of the normal distribution", "[rng]") {
    const Rng rng = Rng(1).stream("moments");
    const int n = 200000;
    double sum = 0, squares = 0, fourth = 0;
    for (int i = 0; i < n; ++i) {
        const double x = rng.normal(static_cast<std::uint64_t>(i));
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
    }
    // Standard errors: 1/sqrt(n), sqrt(2/n), sqrt(96/n); four of each.
    CHECK(sum / n == Approx(0).margin(4 / std::sqrt(n)));
    CHECK(squares / n == Approx(1).margin(4 * std::sqrt(2.0 / n)));
    CHECK(fourth / n == Approx(3).margin(4 * std::sqrt(96.0 / n)));
}

TEST_CASE("normal quantiles agree with tabulated values", "[rng]") {
    // Published two-sided critical values, and AS 241's own check values.
    CHECK(normal_quantile(0.975) == Approx(1.959963984540054).epsilon(1e-14));
    CHECK(normal_quantile(0.25) == Approx(-0.6744897501960817).epsilon(1e-14));
    CHECK(normal_quantile(0.001) == Approx(-3.090232306167814).epsilon(1e-14));
    CHECK(normal_quantile(1e-20) == Approx(-9.262340089798408).epsilon(1e-13));
    CHECK(normal_quantile(0.5) == 0);
    CHECK(std::isnan(normal_quantile(0)));
    CHECK(std::isnan(normal_quantile(1)));
}

}  // namespace nibble::rng_test
