#include "viz/app/panels/equation.hpp"

#include "tests/catch.hpp"

namespace nibble::equation_test {

TEST_CASE("variables lean, names and numbers stand, scripts move up and down") {
    CHECK(math_runs("s = max|w| / (2^{b-1} - 1)") ==
          std::vector<MathRun>{{"s", 0, true},
                               {" = max|", 0, false},
                               {"w", 0, true},
                               {"| / (2", 0, false},
                               {"b", 1, true},
                               {"\u22121", 1, false},
                               {" \u2212 1)", 0, false}});
    CHECK(math_runs("x_{i}σ") ==
          std::vector<MathRun>{{"x", 0, true}, {"i", -1, true}, {"σ", 0, true}});
}

TEST_CASE("powers of ten are set as such") {
    CHECK(math_runs("8.83e-07 = e^{x}") == std::vector<MathRun>{{"8.83×10", 0, false},
                                                                {"\u22127", 1, false},
                                                                {" = ", 0, false},
                                                                {"e", 0, true},
                                                                {"x", 1, true}});
    CHECK(math_runs("1e+20") == std::vector<MathRun>{{"1×10", 0, false}, {"20", 1, false}});
    CHECK(math_runs("2e") == std::vector<MathRun>{{"2", 0, false}, {"e", 0, true}});
}

TEST_CASE("odd equations are set as far as they go") {
    CHECK(math_runs("").empty());
    CHECK(math_runs("2^{n") == std::vector<MathRun>{{"2", 0, false}, {"n", 1, true}});
    CHECK(math_runs("a_b") ==
          std::vector<MathRun>{{"a", 0, true}, {"_", 0, false}, {"b", 0, true}});
    CHECK_NOTHROW(math_runs("\xE2"));  // a character cut off in the middle
}

}  // namespace nibble::equation_test
