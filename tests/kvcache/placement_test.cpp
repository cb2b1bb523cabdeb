#include "sim/kvcache/placement.hpp"

#include <sstream>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

using namespace nibble;
using Catch::Matchers::Contains;

TEST_CASE("a request that no cache of this size can hold is named", "[kvcache]") {
    std::istringstream in("output,prompt\n10,6\n100,60\n");
    const auto t = read_trace(in, "t.csv");
    const auto message = [&](Placement placement, const CacheSize& size) -> std::string {
        try {
            check_requests(placement, t, size);
        } catch (const Error& e) { return e.what(); }
        return "";
    };
    CHECK(message(Placement::paged, {160, 2048, 16, 0}).empty());
    CHECK_THAT(message(Placement::paged, {159, 2048, 16, 0}),
               Contains("t.csv, line 3, column output: 60 + 100 = 160 tokens"));
    CHECK_THAT(message(Placement::paged, {160, 2048, 16, 1}), Contains("line 3"));
    CHECK(message(Placement::oracle, {160, 20, 16, 0}).empty());
    CHECK_THAT(message(Placement::max, {4096, 159, 16, 0}), Contains("max_len = 159"));
    CHECK_THAT(message(Placement::max, {160, 2048, 16, 0}), Contains("line 2"));
    // 160 becomes 256 in a buddy pool, and 511 = 256 + ... has a piece of 256, 255 has not.
    CHECK(message(Placement::oracle_buddy, {511, 2048, 16, 0}).empty());
    CHECK_THAT(message(Placement::oracle_buddy, {255, 2048, 16, 0}), Contains("line 3"));
}
