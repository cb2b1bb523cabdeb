#include "sim/kvcache/replay.hpp"

#include <set>

#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"
#include "sim/kvcache/paged_cache.hpp"
#include "sim/requests/lengths.hpp"

#include "tests/catch.hpp"

namespace nibble::replay_test {

namespace {

RequestTrace trace(std::vector<std::pair<int, int>> lengths) {
    RequestTrace t{"test", {}, {}};
    for (const auto& [prompt, output] : lengths) {
        t.requests.push_back({0, 0, prompt, output});
    }
    return t;
}

std::vector<std::int64_t> batches(const Replay& r) {
    std::vector<std::int64_t> list;
    for (const StepRecord& s : r.steps) {
        list.push_back(s.batch);
    }
    return list;
}

using Numbers = std::vector<std::int64_t>;

/// At each step: no slot or block has two owners, and the records follow from the stints.
void check_history(const Replay& r, const RequestTrace& t) {
    for (std::int64_t step = 1; step <= r.step_count(); ++step) {
        std::set<int> blocks;
        std::map<std::int64_t, std::int64_t> chunks;
        std::int64_t used = 0, allocated = 0, batch = 0;
        for (const Stint& s : r.stints) {
            if (!s.runs_at(step)) {
                continue;
            }
            ++batch;
            used += s.tokens_at(step);
            if (r.placement == Placement::paged) {
                const auto held = blocks_for(s.tokens_at(step), r.size.block_size);
                allocated += held * r.size.block_size;
                REQUIRE(held <= static_cast<std::int64_t>(s.block_table.size()));
                for (std::int64_t k = 0; k < held; ++k) {
                    REQUIRE(blocks.insert(s.block_table[static_cast<std::size_t>(k)]).second);
                }
            } else {
                allocated += s.chunk.slots;
                REQUIRE(s.tokens_at(step) <= s.chunk.slots);
                chunks.emplace(s.chunk.start, s.chunk.slots);
            }
        }
        std::int64_t end = 0;
        for (const auto& [start, slots] : chunks) {
            REQUIRE(start >= end);
            end = start + slots;
        }
        REQUIRE(end <= r.size.capacity_slots);
        const StepRecord& record = r.step(step);
        REQUIRE(record.batch == batch);
        REQUIRE(record.used == used);
        REQUIRE(record.allocated == allocated);
        REQUIRE(record.used + record.reservation + record.internal == record.allocated);
    }
    for (std::size_t k = 0; k < t.requests.size(); ++k) {
        REQUIRE(r.finished[k] >= t.requests[k].output);
        REQUIRE(r.finished[k] <= r.step_count());
    }
}

}  // namespace

TEST_CASE("maximum length: as many as fit whole, then the head of the line waits", "[kvcache]") {
    // Two chunks of 10 in 25 slots. (2,2) and (3,3) run; (1,1) waits for the first to leave.
    const auto r = replay(Placement::max, trace({{2, 2}, {3, 3}, {1, 1}}), {25, 10, 4, 0});
    CHECK(batches(r) == Numbers{2, 2, 2});
    CHECK(r.finished == Numbers{2, 3, 3});
    CHECK(r.finish_steps_sum() == 8);
    // Step 1: 3 + 4 used, 1 + 2 to come, 6 + 4 never. Step 2: 4 + 5; 0 + 1; 6 + 4. Step 3, with the
    // third in the first's chunk: 6 + 2; 0; 4 + 8.
    CHECK(r.step(1).used == 7);
    CHECK(r.step(1).reservation == 3);
    CHECK(r.step(1).internal == 10);
    CHECK(r.step(3).used == 8);
    CHECK(r.step(3).internal == 12);
    CHECK(r.mean_allocated_slots() == 20);
    CHECK(r.mean_used_slots() == 8);
    CHECK(r.used_over_allocated() == Approx(0.4));  // the mean of whole numbers, divided once
    CHECK(r.used_over_capacity() == Approx(8 / 25.0));
    CHECK(r.stints[2].chunk == Chunk{0, 10});
}

TEST_CASE("a power of two above the output, and the longest allowed above that", "[kvcache]") {
    // 3 + 4 = 7 slots for an output of 3; 6 + 8 = 14 becomes max_len = 12.
    const auto r = replay(Placement::pow2, trace({{3, 3}, {6, 5}}), {20, 12, 4, 0});
    CHECK(r.stints[0].chunk == Chunk{0, 7});
    CHECK(r.stints[1].chunk == Chunk{7, 12});
    CHECK(r.step(1).internal == 1 + 1);
    CHECK(batches(r) == Numbers{2, 2, 2, 1, 1});
    // Rounded up to 8 and 16 in a pool of 16 + 4, one at a time.
    const auto b = replay(Placement::pow2_buddy, trace({{3, 3}, {6, 5}}), {20, 12, 4, 0});
    CHECK(b.stints[0].chunk == Chunk{0, 8});
    CHECK(b.stints[1].chunk == Chunk{0, 16});
    CHECK(batches(b) == Numbers{1, 1, 1, 1, 1, 1, 1, 1});
    CHECK(b.finished == Numbers{3, 8});
}

TEST_CASE("known lengths leave holes that no request fits", "[kvcache]") {
    // 4 + 6 + 6 fill 16; when the 4 leave, the next one of 5 finds only 4 in a row.
    const auto t = trace({{3, 1}, {4, 2}, {3, 3}, {4, 1}});
    const auto r = replay(Placement::oracle, t, {16, 16, 4, 0});
    CHECK(batches(r) == Numbers{3, 2, 2});
    CHECK(r.finished == Numbers{1, 2, 3, 3});
    CHECK(r.stints[3].chunk == Chunk{0, 5});
    CHECK(r.step(1).internal == 0);
    // Buddy: 4 and 8 fill the pool but for 4 slots; the third gets the 8 that the first leaves
    // whole after step 1, the fourth those of the second after step 2.
    const auto b = replay(Placement::oracle_buddy, t, {16, 16, 4, 0});
    CHECK(batches(b) == Numbers{2, 2, 2, 1});
    CHECK(b.finished == Numbers{1, 2, 4, 3});
    CHECK(b.finish_steps_sum() == 10);
}

TEST_CASE("paged: the request admitted last gives its blocks to those before it", "[kvcache]") {
    // Three blocks of 2. Step 1: each holds a block and fills it. Step 2: the first takes the third
    // block, the second asks for one and preempts itself. Step 3: a block is free, enough for its 2
    // tokens: admitted, and none for the third token: preempted at once. Step 4: admitted again,
    // and preempted by the first, which stores its last token and leaves. Steps 5 and 6: alone.
    const auto r = replay(Placement::paged, trace({{1, 4}, {1, 3}}), {6, 100, 2, 0});
    CHECK(batches(r) == Numbers{2, 1, 1, 1, 1, 1});
    CHECK(r.preemptions() == 3);
    CHECK(r.step(2).preemptions == 1);
    CHECK(r.step(3).preemptions == 1);
    CHECK(r.step(4).preemptions == 1);
    CHECK(r.finished == Numbers{4, 6});
    CHECK(r.recomputed_tokens == 6);  // 2 tokens each time
    CHECK(r.swapped_blocks == 6);     // 1 block out and in each time
    // 2 + 2 used in 2 blocks, then 3 in 2, 4 in 2, 5 in 3; then 3 in 2 and 4 in 2.
    CHECK(r.mean_used_slots() == Approx((4 + 3 + 4 + 5 + 3 + 4) / 6.0));
    CHECK(r.mean_allocated_slots() == Approx((4 + 4 + 4 + 6 + 4 + 4) / 6.0));
    CHECK(r.mean_internal() == Approx((0 + 1 + 0 + 1 + 1 + 0) / 6.0));
    CHECK(r.mean_reservation() == 0);
}

TEST_CASE("blocks that a capacity does not fill are not there", "[kvcache]") {
    const auto t = trace({{1, 1}, {1, 1}, {1, 1}});
    CHECK(batches(replay(Placement::paged, t, {11, 8, 4, 0})) == Numbers{2, 1});
    CHECK(batches(replay(Placement::paged, t, {12, 8, 4, 0})) == Numbers{3});
    CHECK(batches(replay(Placement::paged, t, {12, 8, 4, 1})) == Numbers{2, 1});  // watermark
}

TEST_CASE("the saturated replay of chat lengths stays near what was printed", "[kvcache]") {
    // Kwon et al. 2023, figure 13: 7.00, 9.81, 13.62 and 30.42 requests in a batch, with buddy
    // allocation, on the same 15.7K slots. Theirs arrive at 2 a second and are other samples of
    // ShareGPT, so only the neighbourhood can agree.
    const auto chat = trace_of(LengthMix::chat);
    CHECK(replay(Placement::max, chat, {}).mean_batch() == Approx(7.00).epsilon(0.05));
    CHECK(replay(Placement::pow2_buddy, chat, {}).mean_batch() == Approx(9.81).epsilon(0.05));
    CHECK(replay(Placement::oracle_buddy, chat, {}).mean_batch() == Approx(13.62).epsilon(0.05));
    CHECK(replay(Placement::paged, chat, {}).mean_batch() == Approx(30.42).epsilon(0.05));
}

TEST_CASE("the replay of chat lengths, to the last integer", "[kvcache]") {
    // From a second program, written in another language after the same rules.
    const auto chat = trace_of(LengthMix::chat);
    const auto is = [&](Placement p, std::int64_t steps, std::int64_t preemptions,
                        std::int64_t finish_steps_sum) {
        const auto r = replay(p, chat, {});
        CHECK(r.step_count() == steps);
        CHECK(r.preemptions() == preemptions);
        CHECK(r.finish_steps_sum() == finish_steps_sum);
    };
    is(Placement::max, 9220, 0, 927193);
    is(Placement::pow2, 4246, 0, 406197);
    is(Placement::oracle, 3607, 0, 316256);
    is(Placement::pow2_buddy, 6593, 0, 639001);
    is(Placement::oracle_buddy, 4638, 0, 433101);
    is(Placement::paged, 2088, 246, 170034);
}

TEST_CASE("random traces keep every allocator consistent", "[kvcache]") {
    const auto placement = static_cast<Placement>(GENERATE(range(0, placements)));
    const auto seed = GENERATE(range(1, 9));
    const Rng rng = Rng(static_cast<std::uint64_t>(seed)).stream("trace");
    std::vector<std::pair<int, int>> lengths;
    for (std::uint64_t k = 0; k < 40; ++k) {
        lengths.emplace_back(1 + rng.below(2 * k, 30), 1 + rng.below(2 * k + 1, 30));
    }
    const CacheSize size{100 + 37 * seed, 64, 1 + seed % 5, seed % 3};
    const RequestTrace t = trace(lengths);
    const Replay r = replay(placement, t, size);
    check_history(r, t);
    // A step stores a token for each of the batch; preempted ones store none twice.
    std::int64_t tokens = 0, outputs = 0;
    for (const StepRecord& s : r.steps) {
        tokens += s.batch;
    }
    for (const Request& request : t.requests) {
        outputs += request.output;
    }
    // A request that is preempted in the pass after it stored its token left the batch before it
    // was recorded; so at most one token a preemption is missing.
    CHECK(tokens <= outputs);
    CHECK(tokens >= outputs - r.preemptions());
}

TEST_CASE("a replay that is not wanted any more ends", "[kvcache]") {
    const auto chat = trace_of(LengthMix::chat);
    CHECK_THROWS_AS(
        replay(Placement::paged, chat, {}, [] { throw Error(Error::Code::cancelled, "stopped"); }),
        Error);
}

}  // namespace nibble::replay_test
