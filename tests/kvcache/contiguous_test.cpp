#include "sim/kvcache/contiguous.hpp"

#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"
#include "sim/kvcache/placement.hpp"

#include "tests/catch.hpp"

namespace nibble::contiguous_test {

namespace {

/// Chunks in use and gaps cover the pool once.
void check_tiling(const std::map<std::int64_t, Chunk>& used, const SlotPool& pool,
                  std::int64_t capacity) {
    std::map<std::int64_t, std::int64_t> all = pool.gaps();
    for (const auto& [start, chunk] : used) {
        REQUIRE(all.emplace(start, chunk.slots).second);
    }
    std::int64_t at = 0;
    for (const auto& [start, slots] : all) {
        REQUIRE(start == at);
        REQUIRE(slots > 0);
        at += slots;
    }
    REQUIRE(at == capacity);
}

}  // namespace

TEST_CASE("first fit takes the lowest gap that is long enough", "[kvcache]") {
    FirstFit pool(100);
    const Chunk a = *pool.take(30), b = *pool.take(10), c = *pool.take(40);
    CHECK(a == Chunk{0, 30});
    CHECK(b == Chunk{30, 10});
    CHECK(c == Chunk{40, 40});
    pool.give(a);
    CHECK(*pool.take(25) == Chunk{0, 25});
    CHECK(*pool.take(6) == Chunk{80, 6});    // the gap of 5 at 25 is too short
    CHECK_FALSE(pool.take(15).has_value());  // 5 + 14 are free, and nowhere 15 in a row
    pool.give(b);                            // joins 25..29 and 30..39
    CHECK(*pool.take(15) == Chunk{25, 15});
    CHECK_THROWS_AS(pool.give(Chunk{86, 1}), BrokenInvariant);
}

TEST_CASE("gaps that touch on both sides become one", "[kvcache]") {
    FirstFit pool(30);
    const Chunk a = *pool.take(10), b = *pool.take(10), c = *pool.take(10);
    pool.give(a);
    pool.give(c);
    CHECK(pool.gaps().size() == 2);
    pool.give(b);
    CHECK(pool.gaps() == std::map<std::int64_t, std::int64_t>{{0, 30}});
}

TEST_CASE("a buddy pool is the binary pieces of its capacity", "[kvcache]") {
    // 15696 = 8192 + 4096 + 2048 + 1024 + 256 + 64 + 16
    Buddy pool(15696);
    CHECK(pool.gaps() == std::map<std::int64_t, std::int64_t>{{0, 8192},
                                                              {8192, 4096},
                                                              {12288, 2048},
                                                              {14336, 1024},
                                                              {15360, 256},
                                                              {15616, 64},
                                                              {15680, 16}});
    CHECK(*pool.take(200) == Chunk{15360, 256});  // the smallest that fits, not the lowest
    CHECK(*pool.take(200) == Chunk{14336, 256});  // 1024 -> 512 + 256 + 256
    CHECK(*pool.take(200) == Chunk{14592, 256});
    CHECK(*pool.take(200) == Chunk{14848, 256});
    CHECK(*pool.take(2048) == Chunk{12288, 2048});
    CHECK_FALSE(pool.take(8193).has_value());
    pool.give({14592, 256});
    pool.give({14336, 256});  // twins: 512 again, and not 1024, whose upper half is in use
    CHECK(pool.gaps().at(14336) == 512);
    pool.give({14848, 256});
    CHECK(pool.gaps().at(14336) == 1024);
}

TEST_CASE("random takes and gives tile the pool and leave it whole", "[kvcache]") {
    const auto buddy = GENERATE(false, true);
    const std::int64_t capacity = GENERATE(1, 37, 512, 15696);
    const auto placement = buddy ? Placement::oracle_buddy : Placement::oracle;
    const auto pool = slot_pool(placement, capacity);
    const auto whole = pool->gaps();
    const Rng rng = Rng(3).stream("chunks");
    std::map<std::int64_t, Chunk> used;
    for (std::uint64_t k = 0; k < 4000; ++k) {
        if (rng.below(3 * k, 2) == 0 || used.empty()) {
            const auto most = static_cast<std::uint64_t>(capacity / 4 + 1);
            const auto slots = 1 + static_cast<std::int64_t>(rng.below(3 * k + 1, most));
            if (const auto chunk = pool->take(slots)) {
                REQUIRE(chunk->slots >= slots);
                used.emplace(chunk->start, *chunk);
            }
        } else {
            auto victim = used.begin();
            std::advance(victim, static_cast<std::ptrdiff_t>(rng.below(3 * k + 2, used.size())));
            pool->give(victim->second);
            used.erase(victim);
        }
        check_tiling(used, *pool, capacity);
    }
    for (const auto& [start, chunk] : used) {
        pool->give(chunk);
    }
    CHECK(pool->gaps() == whole);
}

TEST_CASE("a contiguous sequence fills the slots reserved for it", "[kvcache]") {
    ContiguousCache cache(std::make_unique<FirstFit>(20), 20);
    CHECK(cache.admit(1, 12, 10)->front() == CacheEvent{CacheEvent::Kind::taken, 1, 0, -1, 12});
    CHECK_FALSE(cache.admit(2, 9, 1).has_value());
    CHECK(cache.free_slots() == 8);
    cache.append(1);
    CHECK(cache.append(1).front().kind == CacheEvent::Kind::stored);
    CHECK(cache.sequence(1).tokens == 12);
    CHECK_THROWS_AS(cache.append(1), BrokenInvariant);
    CHECK(cache.release(1).front().kind == CacheEvent::Kind::freed);
    CHECK(cache.free_slots() == 20);
    CHECK_THROWS_AS(cache.release(1), BrokenInvariant);
}

}  // namespace nibble::contiguous_test
