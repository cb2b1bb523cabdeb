#include "sim/serving/rules.hpp"

#include <sstream>

#include "tests/catch.hpp"

namespace nibble::serving {

TEST_CASE("a request that can never fit names its line", "[serving][trace]") {
    std::istringstream in("arrival,prompt,output\n0,5,5\n0,500,5\n");
    const RequestTrace t = read_trace(in, "t.csv");
    Rules r;
    r.blocks = 10;
    CHECK_THROWS_WITH(check_fits(t, r), Catch::Contains("t.csv, line 3, column prompt") &&
                                            Catch::Contains("32 blocks of 16, and there are 10"));
    r.blocks = 32;
    check_fits(t, r);
    r.policy = Policy::continuous;
    r.token_budget = 499;
    CHECK_THROWS_WITH(check_fits(t, r), Catch::Contains("never fits a budget of 499"));
}

}  // namespace nibble::serving
