#include "sim/kvcache/occupancy.hpp"

#include "tests/catch.hpp"

namespace nibble::occupancy_test {

namespace {

RequestTrace two_requests() {
    return {"test", {{0, 0, 3, 4}, {1, 0, 2, 2}}, {}};
}

}  // namespace

TEST_CASE("a chunk holds what is used, what is reserved and the rest", "[kvcache]") {
    const auto t = two_requests();
    const auto r = replay(Placement::max, t, {20, 10, 4, 0});
    const auto held = holdings_at(r, t, 1);
    REQUIRE(held.size() == 2);
    CHECK(held[0].start == 0);
    CHECK(held[0].used == 4);  // 3 and the first generated
    CHECK(held[0].reserved == 3);
    CHECK(held[0].slots == 10);
    CHECK(held[1].start == 10);
    CHECK(held[1].used == 3);
    CHECK(held[1].reserved == 1);
    CHECK(holdings_at(r, t, 3).size() == 1);  // the second left after step 2
    CHECK(holdings_at(r, t, 0).empty());
    CHECK(holdings_at(r, t, 5).empty());

    // Squares of 4 slots: the third has 2 slots of each request, and belongs to the first.
    const auto cells = cells_of(held, 20, 4);
    REQUIRE(cells.size() == 5);
    CHECK(cells[0].used == 4);
    CHECK(cells[1].reserved == 3);
    CHECK(cells[1].held == 4);
    CHECK(cells[2].holding == 0);
    CHECK(cells[2].used == 2);
    CHECK(cells[3].used == 1);
    CHECK(cells[3].reserved == 1);
}

TEST_CASE("paged, a request holds the blocks that its tokens need", "[kvcache]") {
    const auto t = two_requests();
    const auto r = replay(Placement::paged, t, {18, 10, 4, 0});
    const auto held = holdings_at(r, t, 2);  // 5 and 4 tokens
    REQUIRE(held.size() == 3);
    CHECK(held[0].block == 0);
    CHECK(held[1].block == 1);
    CHECK(held[1].used == 1);
    CHECK(held[2].request == 1);
    CHECK(held[2].used == 4);
    // The last two of 18 slots make no block; they are a square of their own.
    const auto cells = cells_of(held, 18, 4);
    REQUIRE(cells.size() == 5);
    CHECK(cells[4].slots == 2);
    CHECK(cells[4].holding == -1);
}

TEST_CASE("squares and blocks divide each other", "[kvcache]") {
    CHECK(cell_slots_for(15696, 16, 1000) == 16);
    CHECK(cell_slots_for(15696, 1, 1000) == 16);
    CHECK(cell_slots_for(15696, 3, 1000) == 18);
    CHECK(cell_slots_for(15696, 128, 1000) == 16);
    CHECK(cell_slots_for(15696, 40, 1000) == 20);
    CHECK(cell_slots_for(15696, 37, 1000) == 37);  // a prime is not divided
    CHECK(cell_slots_for(16, 1024, 1000) == 1);
    CHECK(cell_slots_for(4194304, 16, 1000) == 4208);
}

}  // namespace nibble::occupancy_test
