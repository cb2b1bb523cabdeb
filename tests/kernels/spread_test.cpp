#include "kernels/measure/spread.hpp"

#include "kernels/measure/processor_speed.hpp"

#include "tests/catch.hpp"

using namespace nibble::kernels;

TEST_CASE("the median and the quartiles of repetitions", "[measure]") {
    const Spread odd = spread_of({5, 1, 4, 2, 3});
    CHECK(odd.median == 3);
    CHECK(odd.low == 2);
    CHECK(odd.high == 4);
    CHECK(odd.repetitions == 5);
    const Spread even = spread_of({4, 1, 3, 2});  // between neighbours, exact in binary
    CHECK(even.median == 2.5);
    CHECK(even.low == 1.75);
    CHECK(even.high == 3.25);
    const Spread one = spread_of({7});
    CHECK(one.low == 7);
    CHECK(one.median == 7);
    CHECK(one.high == 7);
    CHECK(spread_of({}).repetitions == 0);
}

TEST_CASE("one disturbed repetition does not move the median", "[measure]") {
    CHECK(spread_of({3, 3, 3, 3, 1000}).median == 3);
}

TEST_CASE("a speed is an amount over each time", "[measure]") {
    const Spread s = speed_of(12, {1, 2, 4});
    CHECK(s.median == 6);
    CHECK(s.low == 4.5);  // between 3 and 6
    CHECK(s.high == 9);
    CHECK(timed(2, 3, [](unsigned) {}).size() == 3);
}
