#include "sim/serving/seats.hpp"

#include <map>

#include "tests/catch.hpp"

namespace nibble::serving {

TEST_CASE("a request keeps its seat, and the lowest free one is taken", "[serving]") {
    // Two seats, a budget of 8 tokens a step:
    //   step 0  request 0 prompt 4, request 1 prompt 4 (of 6)
    //   step 1  request 0 answers, request 1 prompt 2        -> request 0 is slowed
    //   step 2  request 1 answers beside request 2's prompt  -> request 2 in seat 0
    const std::vector<Request> requests = {{0, 0, 4, 2}, {1, 0, 6, 2}, {2, 1, 3, 1}};
    Replay arrivals(requests);
    const StepTime clock = StepTime::constant(1);
    Rules rules;
    rules.max_seqs = 2;
    rules.token_budget = 8;
    Engine engine(rules, arrivals, clock);
    Seats seats;
    while (engine.step()) {
        seats.add(engine.last());
    }
    CHECK(seats.count() == 2);
    const std::vector<Slice>& s = seats.slices();
    REQUIRE(s.size() == 6);
    CHECK((s[0].seat == 0 && s[0].request == 0 && s[0].doing == Doing::prompt));
    CHECK((s[1].seat == 1 && s[1].request == 1 && s[1].tokens == 4));
    CHECK((s[2].request == 0 && s[2].doing == Doing::answer && s[2].slowed));
    CHECK((s[3].seat == 1 && s[3].doing == Doing::prompt && s[3].tokens == 2));
    CHECK((s[4].request == 1 && s[4].doing == Doing::answer && s[4].slowed));
    CHECK((s[5].seat == 0 && s[5].request == 2 && s[5].start == 2 && s[5].end == 3));
}

TEST_CASE("slices do not overlap and hold every token", "[serving]") {
    RandomArrivals arrivals({{30, 20}, {5, 40}}, 100, 2, 2, Rng(2));
    const StepTime clock = StepTime::constant(0.1);
    Rules rules;
    rules.max_seqs = 8;
    rules.token_budget = 16;
    rules.blocks = 20;  // short
    Engine engine(rules, arrivals, clock);
    Seats seats;
    std::int64_t tokens = 0;
    bool again = false;
    while (engine.step()) {
        seats.add(engine.last());
        tokens += engine.last().load.tokens;
    }
    std::map<int, double> until;
    for (const Slice& s : seats.slices()) {
        REQUIRE(s.seat < seats.count());
        REQUIRE(s.start >= until[s.seat] - 1e-9);  // times are multiples of 0.1
        REQUIRE(s.end > s.start);
        until[s.seat] = s.end;
        tokens -= s.tokens;
        again = again || s.doing == Doing::again;
    }
    CHECK(tokens == 0);
    CHECK(again);
    CHECK(seats.count() <= rules.max_seqs);
}

}  // namespace nibble::serving
