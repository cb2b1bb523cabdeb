// The engine against schedules worked out by hand, against the rules written down once more
// (oracle.hpp) on random traces, and against what must hold of every schedule.
#include "sim/serving/engine.hpp"

#include "sim/core/error.hpp"
#include "sim/core/parallel.hpp"
#include "sim/serving/statistics.hpp"

#include "tests/catch.hpp"
#include "tests/serving/oracle.hpp"

namespace nibble::serving {
namespace {

using oracle::Row;
using oracle::Schedule;

Request request(std::int64_t id, double arrival, std::int32_t prompt, std::int32_t output) {
    return {id, arrival, prompt, output};
}

Rules rules(Policy policy, std::int32_t max_seqs, std::int32_t budget, std::int64_t blocks,
            std::int32_t block_size, std::int64_t watermark = 0) {
    Rules r;
    r.policy = policy;
    r.max_seqs = max_seqs;
    r.token_budget = budget;
    r.blocks = blocks;
    r.block_size = block_size;
    r.watermark = watermark;
    return r;
}

Schedule schedule(const std::vector<Request>& requests, const Rules& r) {
    Replay arrivals(requests);
    const StepTime clock = StepTime::constant(1);
    Engine engine(r, arrivals, clock);
    Schedule s;
    while (engine.step()) {
        const Step& step = engine.last();
        std::map<std::int64_t, std::int64_t> tokens;
        for (const Share& share : step.shares) {
            tokens[share.request] = share.tokens;
        }
        for (const auto& [id, n] : tokens) {
            s.rows.push_back({step.number, id, n, 0, step.free_blocks});
        }
        for (const std::int64_t id : step.preempted) {
            s.rows.push_back({step.number, id, 0, 1, step.free_blocks});
        }
        for (const Record& f : step.finished) {
            s.lives[f.request.id] = {f.first_token_step, f.finish_step, f.preemptions};
        }
        ++s.steps;
    }
    return s;
}

/// Times, lengths and limits at random, such that every request can be served and blocks are short.
struct Case {
    std::vector<Request> requests;
    Rules rules;
};
Case random_case(std::uint64_t i, Policy policy) {
    const Rng rng = Rng(i).stream("case");
    Case c;
    auto below = [&, k = std::uint64_t{0}](std::uint64_t n) mutable {
        return static_cast<std::int32_t>(rng.below(k++, n));
    };
    const std::int32_t count = 1 + below(12), block_size = 1 + below(5);
    double at = 0;
    std::int64_t largest = 1;
    std::int32_t longest = 1;
    for (std::int32_t k = 0; k < count; ++k) {
        at += below(4);
        c.requests.push_back(request(k, at, 1 + below(20), 1 + below(12)));
        const Request& r = c.requests.back();
        largest = std::max(largest, (r.most_stored() + block_size - 1) / block_size);
        longest = std::max(longest, static_cast<std::int32_t>(r.most_stored()));
    }
    const std::int32_t budget = policy == Policy::chunked ? 1 + below(24) : longest + below(24);
    c.rules = rules(policy, 1 + below(6), budget, largest + below(12), block_size);
    // The oracle knows no way out when the watermark keeps the only request out.
    c.rules.watermark = std::min<std::int64_t>(below(3), c.rules.blocks - largest);
    return c;
}

constexpr Policy oracle_policies[] = {Policy::static_batch, Policy::continuous, Policy::chunked};

}  // namespace

TEST_CASE("continuous batching, step by step", "[serving]") {
    // Two places; the third request enters as soon as one of the first two leaves.
    const std::vector<Request> requests = {request(0, 0, 4, 3), request(1, 0, 6, 2),
                                           request(2, 0, 3, 2)};
    const Schedule s = schedule(requests, rules(Policy::continuous, 2, 16, 100, 4));
    CHECK(s.rows == std::vector<Row>{{0, 0, 4, 0, 97},
                                     {0, 1, 6, 0, 97},
                                     {1, 0, 1, 0, 96},
                                     {1, 1, 1, 0, 96},
                                     {2, 0, 1, 0, 97},
                                     {2, 2, 3, 0, 97},
                                     {3, 2, 1, 0, 99}});
    CHECK(s.lives.at(0) == oracle::Life{0, 2, 0});
    CHECK(s.lives.at(1) == oracle::Life{0, 1, 0});
    CHECK(s.lives.at(2) == oracle::Life{2, 3, 0});
}

TEST_CASE("static batching leaves the place empty until the batch is done", "[serving]") {
    const std::vector<Request> requests = {request(0, 0, 4, 3), request(1, 0, 6, 2),
                                           request(2, 0, 3, 2)};
    const Schedule s = schedule(requests, rules(Policy::static_batch, 2, 16, 100, 4));
    CHECK(s.rows == std::vector<Row>{{0, 0, 4, 0, 97},
                                     {0, 1, 6, 0, 97},
                                     {1, 0, 1, 0, 96},
                                     {1, 1, 1, 0, 96},
                                     {2, 0, 1, 0, 98},
                                     {3, 2, 3, 0, 99},
                                     {4, 2, 1, 0, 99}});
}

TEST_CASE("dynamic batching waits for a full batch or for patience to end", "[serving]") {
    Rules r = rules(Policy::dynamic_batch, 2, 16, 100, 4);
    r.max_wait = 3;
    // Full at t = 2; the third is alone and waits from 1 to 4, when the machine has long been free.
    const std::vector<Request> requests = {request(0, 0, 4, 1), request(1, 2, 4, 1),
                                           request(2, 2, 4, 1)};
    const Schedule s = schedule(requests, r);
    CHECK(s.rows == std::vector<Row>{{2, 0, 4, 0, 98}, {2, 1, 4, 0, 98}, {5, 2, 4, 0, 99}});
}

TEST_CASE("chunked prefill shares the budget, running requests first", "[serving]") {
    const std::vector<Request> requests = {request(0, 0, 6, 2), request(1, 0, 3, 2)};
    const Schedule s = schedule(requests, rules(Policy::chunked, 4, 4, 100, 4));
    CHECK(s.rows == std::vector<Row>{{0, 0, 4, 0, 99},
                                     {1, 0, 2, 0, 97},
                                     {1, 1, 2, 0, 97},
                                     {2, 0, 1, 0, 97},
                                     {2, 1, 1, 0, 97},
                                     {3, 1, 1, 0, 99}});
    CHECK(s.lives.at(0) == oracle::Life{1, 2, 0});
    CHECK(s.lives.at(1) == oracle::Life{2, 3, 0});
}

TEST_CASE("a request that finds no block is preempted and keeps its tokens", "[serving]") {
    const std::vector<Request> requests = {request(0, 0, 4, 4), request(1, 0, 4, 4)};
    const Schedule s = schedule(requests, rules(Policy::continuous, 4, 16, 3, 4));
    CHECK(s.rows == std::vector<Row>{{0, 0, 4, 0, 1},
                                     {0, 1, 4, 0, 1},
                                     {1, 0, 1, 0, 1},
                                     {1, 1, 0, 1, 1},  // asked for a block, lost its own
                                     {2, 0, 1, 0, 1},
                                     {3, 0, 1, 0, 1},
                                     {4, 1, 5, 0, 1},  // the prompt and the one token it had
                                     {5, 1, 1, 0, 1},
                                     {6, 1, 1, 0, 1}});
    CHECK(s.lives.at(0) == oracle::Life{0, 3, 0});
    CHECK(s.lives.at(1) == oracle::Life{0, 6, 1});
}

TEST_CASE("swapped blocks come back with their tokens", "[serving]") {
    Rules r = rules(Policy::continuous, 4, 16, 3, 4);
    r.preemption = Preemption::swap;
    const std::vector<Request> requests = {request(0, 0, 4, 4), request(1, 0, 4, 4)};
    const Schedule s = schedule(requests, r);
    // As above, but nothing is computed again: one token in step 4 instead of five.
    CHECK(s.rows[6] == Row{4, 1, 1, 0, 1});
    CHECK(s.lives.at(1) == oracle::Life{0, 6, 1});
}

TEST_CASE("admission leaves the watermark free, growth may use it", "[serving]") {
    const std::vector<Request> requests = {request(0, 0, 4, 3), request(1, 0, 4, 1)};
    const Schedule s = schedule(requests, rules(Policy::continuous, 4, 16, 3, 4, 2));
    // One block for the first; of the two free ones both are kept; the first then grows by one.
    CHECK(s.rows ==
          std::vector<Row>{{0, 0, 4, 0, 2}, {1, 0, 1, 0, 1}, {2, 0, 1, 0, 1}, {3, 1, 4, 0, 2}});
}

TEST_CASE("steps keep counting while nothing runs", "[serving]") {
    const std::vector<Request> requests = {request(0, 0, 1, 1), request(1, 4.5, 1, 1)};
    const Schedule s = schedule(requests, rules(Policy::continuous, 4, 16, 3, 4));
    CHECK(s.rows == std::vector<Row>{{0, 0, 1, 0, 2}, {5, 1, 1, 0, 2}});
}

TEST_CASE("times of a request follow from its steps", "[serving]") {
    const std::vector<Request> requests = {request(0, 0, 4, 1), request(1, 0.5, 4, 3)};
    Replay arrivals(requests);
    const StepTime clock = StepTime::constant(0.25);
    std::vector<Record> records;
    simulate(rules(Policy::continuous, 4, 16, 9, 4), arrivals, clock, {}, [&](const Step& step) {
        records.insert(records.end(), step.finished.begin(), step.finished.end());
    });
    REQUIRE(records.size() == 2);
    CHECK(records[0].ttft() == 0.25);
    CHECK(records[0].latency() == 0.25);
    CHECK(records[1].admitted_step == 2);
    CHECK(records[1].queue() == 0);
    CHECK(records[1].ttft() == 0.25);
    CHECK(records[1].tpot() == 0.25);
    CHECK(records[1].latency() == 0.75);
}

TEST_CASE("the engine and the rules agree on every number", "[serving]") {
    for (const Policy policy : oracle_policies) {
        for (std::uint64_t i = 0; i < 400; ++i) {
            const Case c = random_case(i, policy);
            INFO(name(policy) << ", case " << i);
            const Schedule expected = oracle::schedule(c.requests, c.rules);
            const Schedule got = schedule(c.requests, c.rules);
            REQUIRE(got.rows == expected.rows);
            REQUIRE(got.lives == expected.lives);
            REQUIRE(got.steps == expected.steps);
        }
    }
}

TEST_CASE("what holds of every schedule", "[serving]") {
    std::int64_t preemptions = 0;
    for (const Policy policy : {Policy::static_batch, Policy::dynamic_batch, Policy::continuous,
                                Policy::chunked, Policy::prefix_aware}) {
        for (const Preemption preemption : {Preemption::recompute, Preemption::swap}) {
            for (std::uint64_t i = 0; i < 200; ++i) {
                Case c = random_case(1000 + i, policy);
                c.rules.preemption = preemption;
                c.rules.max_wait = double(i % 5);
                INFO(name(policy) << ", case " << i);
                Replay arrivals(c.requests);
                const StepTime clock = StepTime::constant(1);
                std::int64_t lost = 0;
                std::map<std::int64_t, std::int64_t> computed;
                const Statistics s = simulate(c.rules, arrivals, clock, {}, [&](const Step& step) {
                    REQUIRE(step.free_blocks >= 0);
                    REQUIRE(step.running <= c.rules.max_seqs);
                    REQUIRE(step.load.tokens <= c.rules.token_budget);
                    REQUIRE(step.load.tokens > 0);
                    REQUIRE(step.stored_tokens <=
                            (c.rules.blocks - step.free_blocks) * c.rules.block_size);
                    for (const std::int64_t id : step.preempted) {
                        lost += preemption == Preemption::swap ? 0 : computed[id];
                        computed[id] = 0;
                    }
                    for (const Share& share : step.shares) {
                        computed[share.request] += share.tokens;
                    }
                });
                // Everyone is answered, and every token is one that was asked for or lost; with a
                // cache of prefixes, what was lost may be found again.
                REQUIRE(s.requests == static_cast<std::int64_t>(c.requests.size()));
                if (policy == Policy::prefix_aware) {
                    REQUIRE(s.recomputed_tokens() <= lost);
                    REQUIRE(s.recomputed_tokens() >= 0);
                } else {
                    REQUIRE(s.recomputed_tokens() == lost);
                }
                preemptions += s.preemptions;
            }
        }
    }
    CHECK(preemptions > 1000);  // the cases are short of memory, as they should be
}

TEST_CASE("continuous batching never takes more steps than static", "[serving]") {
    std::int64_t fewer = 0;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        Case c = random_case(i, Policy::continuous);
        c.rules.blocks = 1000;  // with memory for all: preemption may undo what was gained
        const std::int64_t continuous = schedule(c.requests, c.rules).steps;
        c.rules.policy = Policy::static_batch;
        const std::int64_t in_batches = schedule(c.requests, c.rules).steps;
        INFO("case " << i);
        REQUIRE(continuous <= in_batches);
        fewer += continuous < in_batches;
    }
    CHECK(fewer > 500);
}

TEST_CASE("a prefix that is in the cache is not computed again", "[serving]") {
    // Blocks of 4; both prompts begin with the same 8 tokens.
    std::vector<Request> requests = {request(0, 0, 10, 2), request(1, 1, 9, 2),
                                     request(2, 1, 8, 1)};
    for (Request& r : requests) {
        r.prefix_id = 7;
        r.prefix_len = 8;
    }
    requests[2].prefix_len = 0;
    requests[2].prefix_id = -1;
    const Schedule s = schedule(requests, rules(Policy::prefix_aware, 4, 16, 20, 4));
    CHECK(s.rows == std::vector<Row>{{0, 0, 10, 0, 17},
                                     {1, 0, 1, 0, 14},  // 3 blocks, the second takes 1 more
                                     {1, 1, 1, 0, 14},  // 8 of 9 found
                                     {1, 2, 8, 0, 14},  // and 2 blocks of the third
                                     {2, 1, 1, 0, 17}});
    // Behind the first, the one that finds its prefix goes before the one that was there earlier.
    std::swap(requests[1], requests[2]);
    Rules one_more = rules(Policy::prefix_aware, 2, 16, 20, 4);
    CHECK(schedule(requests, one_more).lives.at(1).first_token_step == 1);
}

TEST_CASE("a request that can never be served is refused", "[serving]") {
    const std::vector<Request> requests = {request(0, 0, 4, 1), request(1, 0, 40, 30)};
    Replay arrivals(requests);
    const StepTime clock = StepTime::constant(1);
    Engine engine(rules(Policy::chunked, 4, 16, 17, 4), arrivals, clock);
    // 69 stored tokens are 18 blocks of 4.
    CHECK_THROWS_WITH(engine.step(), Catch::Contains("request 1") && Catch::Contains("18 blocks"));
    CHECK(refusal(requests[1], rules(Policy::chunked, 4, 16, 18, 4)).why.empty());
    CHECK(refusal(requests[1], rules(Policy::continuous, 4, 39, 18, 4)).column == "prompt");
    CHECK(refusal(requests[1], rules(Policy::continuous, 4, 40, 18, 4)).why.empty());
}

TEST_CASE("a recomputation longer than the budget is cut", "[serving]") {
    // Without chunking: both grow beyond the budget of 4, the second loses its blocks.
    const std::vector<Request> requests = {request(0, 0, 2, 6), request(1, 0, 2, 6)};
    const Schedule s = schedule(requests, rules(Policy::continuous, 2, 4, 5, 2));
    CHECK(s.lives.size() == 2);
    CHECK(s.lives.at(1).preemptions > 0);
    for (const Row& row : s.rows) {
        CHECK(row.tokens <= 4);
    }
}

}  // namespace nibble::serving
