#include "sim/kvcache/paged_cache.hpp"

#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

namespace nibble::paged_cache_test {

using Kind = CacheEvent::Kind;

namespace {

using Table = std::vector<int>;

std::vector<Kind> kinds(const CacheEvents& events) {
    std::vector<Kind> list;
    for (const CacheEvent& e : events) {
        list.push_back(e.kind);
    }
    return list;
}

/// Every block is used as often as tables point to it; free and used ones make the pool.
void check_invariants(const PagedCache& cache) {
    std::vector<int> device(static_cast<std::size_t>(cache.pool().blocks()), 0);
    std::vector<int> host(static_cast<std::size_t>(cache.host_pool().blocks()), 0);
    for (const auto& [id, s] : cache.sequences()) {
        REQUIRE(static_cast<std::int64_t>(s.block_table.size()) ==
                blocks_for(s.tokens, cache.settings().block_size));
        for (const int block : s.block_table) {
            ++(s.on_host ? host : device).at(static_cast<std::size_t>(block));
        }
    }
    const auto same = [](const std::vector<int>& users, const BlockPool& pool) {
        int used = 0;
        for (int b = 0; b < pool.blocks(); ++b) {
            if (users[static_cast<std::size_t>(b)] != pool.ref_count(b)) {
                return false;
            }
            used += pool.ref_count(b) > 0 ? 1 : 0;
        }
        return used == pool.used_blocks() && pool.free_blocks() + used == pool.blocks();
    };
    REQUIRE(same(device, cache.pool()));
    REQUIRE(same(host, cache.host_pool()));
}

}  // namespace

TEST_CASE("the free block that waits longest is taken first", "[kvcache]") {
    BlockPool pool(3);
    CHECK(pool.take() == 0);
    CHECK(pool.take() == 1);
    CHECK(pool.release(0));
    CHECK(pool.take() == 2);  // block 0 came back after block 2 began to wait
    CHECK(pool.take() == 0);
    CHECK(pool.free_blocks() == 0);
    CHECK_THROWS_AS(pool.take(), BrokenInvariant);
    pool.share(1);
    CHECK_FALSE(pool.release(1));
    CHECK(pool.release(1));
    CHECK_THROWS_AS(pool.release(1), BrokenInvariant);
    pool.share(1);  // out of the line, with what it holds
    CHECK(pool.ref_count(1) == 1);
    CHECK(pool.free_blocks() == 0);
}

TEST_CASE("a sequence grows in place until its last block is full", "[kvcache]") {
    PagedCache cache({.blocks = 4, .block_size = 4});
    CHECK(kinds(*cache.admit(7, 5)) == std::vector{Kind::taken, Kind::taken});
    CHECK(cache.block_table(7) == Table{0, 1});
    for (int k = 0; k < 3; ++k) {
        CHECK(cache.blocks_to_append(7) == 0);
        CHECK(kinds(*cache.append(7)) == std::vector{Kind::stored});
    }
    CHECK(cache.blocks_to_append(7) == 1);
    const auto events = *cache.append(7);
    CHECK(kinds(events) == std::vector{Kind::taken, Kind::stored});
    CHECK(describe(events[0], "request 7") == "request 7 takes block 2");
    CHECK(cache.sequence(7).tokens == 9);
    CHECK(cache.free_blocks() == 1);
    const auto freed = cache.release(7);
    CHECK(kinds(freed) == std::vector{Kind::freed, Kind::freed, Kind::freed});
    CHECK(freed[0].block == 2);  // the last block first
    CHECK(cache.free_blocks() == 4);
}

TEST_CASE("the first to write into a shared block copies it, the last writes in place",
          "[kvcache]") {
    // Kwon et al. 2023, figure 8: two samples of one prompt.
    PagedCache cache({.blocks = 8, .block_size = 4});
    cache.admit(1, 7);
    CHECK(kinds(cache.fork(1, 2)) == std::vector{Kind::shared, Kind::shared});
    CHECK(cache.ref_count(0) == 2);
    CHECK(cache.ref_count(1) == 2);

    const auto copied = *cache.append(1);
    CHECK(kinds(copied) == std::vector{Kind::copied, Kind::dropped, Kind::stored});
    CHECK(copied[0].source == 1);
    CHECK(copied[0].block == 2);
    CHECK(cache.block_table(1) == Table{0, 2});
    CHECK(cache.block_table(2) == Table{0, 1});
    CHECK(cache.ref_count(1) == 1);
    CHECK(cache.copies() == 1);

    CHECK(kinds(*cache.append(2)) == std::vector{Kind::stored});
    CHECK(cache.copies() == 1);
    CHECK(kinds(*cache.append(1)) == std::vector{Kind::taken, Kind::stored});  // full: no copy
    check_invariants(cache);

    CHECK(kinds(cache.release(1)) == std::vector{Kind::freed, Kind::freed, Kind::dropped});
    CHECK(kinds(cache.release(2)) == std::vector{Kind::freed, Kind::freed});
    CHECK(cache.free_blocks() == 8);
}

TEST_CASE("a full block is shared without a copy", "[kvcache]") {
    PagedCache cache({.blocks = 4, .block_size = 4});
    cache.admit(1, 4);
    cache.fork(1, 2);
    CHECK(kinds(*cache.append(1)) == std::vector{Kind::taken, Kind::stored});
    CHECK(kinds(*cache.append(2)) == std::vector{Kind::taken, Kind::stored});
    CHECK(cache.copies() == 0);
    CHECK(cache.ref_count(0) == 2);
}

TEST_CASE("without a free block nothing changes", "[kvcache]") {
    PagedCache cache({.blocks = 2, .block_size = 2, .watermark_blocks = 1});
    CHECK_FALSE(cache.admit(1, 3).has_value());  // two blocks, and one must stay free
    CHECK(cache.can_admit(2));
    REQUIRE(cache.admit(1, 2).has_value());
    REQUIRE(cache.append(1).has_value());  // growing may use the watermark
    cache.fork(1, 2);
    CHECK_FALSE(cache.append(2).has_value());  // a copy needs a block
    CHECK(cache.sequence(2).tokens == 3);
    CHECK(cache.block_table(2) == Table{0, 1});
    check_invariants(cache);
}

TEST_CASE("a prefix in free blocks is used again where it lies", "[kvcache]") {
    PagedCache cache({.blocks = 3, .block_size = 2});
    cache.admit(1, 4);
    cache.release(1);
    CHECK(kinds(*cache.admit(2, 5, Table{0, 1})) ==
          std::vector{Kind::shared, Kind::shared, Kind::taken});
    CHECK(cache.block_table(2) == Table{0, 1, 2});
    CHECK_FALSE(cache.admit(3, 5, Table{0, 1}).has_value());
    check_invariants(cache);
}

TEST_CASE("sequences that share blocks keep sharing them on the host", "[kvcache]") {
    PagedCache cache({.blocks = 4, .block_size = 2, .host_blocks = 3});
    cache.admit(1, 3);
    cache.fork(1, 2);
    cache.append(2);  // copies the second block: three blocks in use
    const std::vector<std::int64_t> group = {1, 2};
    const auto out = *cache.swap_out(group);
    CHECK(kinds(out) == std::vector{Kind::swapped_out, Kind::swapped_out, Kind::swapped_out});
    CHECK(cache.free_blocks() == 4);
    CHECK(cache.host_pool().free_blocks() == 0);
    CHECK(cache.sequence(1).on_host);
    check_invariants(cache);

    REQUIRE(cache.admit(3, 4).has_value());
    CHECK_FALSE(cache.swap_in(group).has_value());  // three blocks wanted, two free
    CHECK(cache.sequence(1).on_host);
    cache.release(3);
    CHECK(cache.swap_in(group)->size() == 3);
    CHECK(cache.block_table(1)[0] == cache.block_table(2)[0]);
    CHECK(cache.block_table(1)[1] != cache.block_table(2)[1]);
    CHECK(cache.host_pool().free_blocks() == 3);
    check_invariants(cache);

    PagedCache small({.blocks = 4, .block_size = 2, .host_blocks = 1});
    small.admit(1, 3);
    const std::vector<std::int64_t> alone = {1};
    CHECK_FALSE(small.swap_out(alone).has_value());
    CHECK_FALSE(small.sequence(1).on_host);
}

TEST_CASE("slips of the caller are broken invariants", "[kvcache]") {
    PagedCache cache({.blocks = 4, .block_size = 2});
    cache.admit(1, 1);
    CHECK_THROWS_AS(cache.admit(1, 1), BrokenInvariant);
    CHECK_THROWS_AS(cache.fork(1, 1), BrokenInvariant);
    CHECK_THROWS_AS(cache.append(2), BrokenInvariant);
    CHECK_THROWS_AS(cache.release(2), BrokenInvariant);
}

TEST_CASE("a million random operations leave no block behind", "[kvcache]") {
    constexpr int operations = 1'000'000, most_sequences = 24;
    PagedCache cache({.blocks = 64, .block_size = 4, .watermark_blocks = 2, .host_blocks = 32});
    const Rng rng = Rng(1).stream("operations");
    std::vector<std::int64_t> live;
    std::int64_t next = 0, appends = 0, swaps = 0;
    for (std::uint64_t k = 0; k < operations; ++k) {
        const auto pick = live.empty() ? 0 : rng.below(4 * k, live.size());
        const auto what = rng.below(4 * k + 1, 20);
        if (live.empty() || (what < 2 && live.size() < most_sequences)) {
            if (cache.admit(next, 1 + static_cast<std::int64_t>(rng.below(4 * k + 2, 40)))) {
                live.push_back(next);
            }
            ++next;
        } else if (const std::int64_t id = live[pick]; cache.sequence(id).on_host || what == 2) {
            const std::vector<std::int64_t> group = {id};
            swaps +=
                (cache.sequence(id).on_host ? cache.swap_in(group) : cache.swap_out(group)) ? 1 : 0;
            if (cache.sequence(id).on_host && what > 16) {
                cache.release(id);
                live.erase(live.begin() + static_cast<std::ptrdiff_t>(pick));
            }
        } else if (what < 5 && live.size() < most_sequences) {
            cache.fork(id, next);
            live.push_back(next++);
        } else if (what < 8) {
            cache.release(id);
            live.erase(live.begin() + static_cast<std::ptrdiff_t>(pick));
        } else {
            appends += cache.append(id) ? 1 : 0;
        }
        // All tables each time would take minutes; a prime stride meets every mix of operations.
        if (k % 97 == 0) {
            check_invariants(cache);
        }
    }
    CHECK(appends > operations / 10);  // the mix really does all of it
    CHECK(cache.copies() > 1000);
    CHECK(swaps > 1000);
    for (const std::int64_t id : live) {
        cache.release(id);
    }
    CHECK(cache.free_blocks() == 64);
    CHECK(cache.host_pool().free_blocks() == 32);
}

TEST_CASE("after each of many random operations the counts are right", "[kvcache]") {
    PagedCache cache({.blocks = 12, .block_size = 3, .host_blocks = 6});
    const Rng rng = Rng(2).stream("operations");
    for (std::uint64_t k = 0; k < 20'000; ++k) {
        const auto id = static_cast<std::int64_t>(rng.below(3 * k, 6));
        const auto other = static_cast<std::int64_t>(rng.below(3 * k + 1, 6));
        const std::vector<std::int64_t> group = {id};
        if (!cache.holds(id)) {
            cache.admit(id, static_cast<std::int64_t>(rng.below(3 * k + 2, 12)));
        } else if (cache.sequence(id).on_host) {
            cache.swap_in(group);
        } else if (!cache.holds(other)) {
            cache.fork(id, other);
        } else if (const auto what = rng.below(3 * k + 2, 8); what == 0) {
            cache.release(id);
        } else if (what == 1) {
            cache.swap_out(group);
        } else {
            cache.append(id);
        }
        check_invariants(cache);
    }
}

}  // namespace nibble::paged_cache_test
