// Prefix blocks against hand-computed runs, and against a plain model whose keys are the tokens
// themselves: the same blocks, the same queue, the same evictions after every operation.
#include "sim/kvcache/prefix_blocks.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <string>

#include "tests/catch.hpp"

namespace nibble {
namespace {

using Blocks = std::vector<std::int32_t>;

/// Tokens 1, 2, 3, ... of a text named `text`, the first `shared` of them those of text 0.
CachedTokens text(int name, int shared, int count) {
    std::vector<CachedToken> tokens;
    for (int i = 0; i < count; ++i) {
        tokens.push_back(static_cast<CachedToken>(i < shared ? i : 1000 * name + i));
    }
    return CachedTokens(tokens);
}

/// The rules once more, slow and obvious: a block's key is all the tokens up to its end.
struct PlainCache {
    struct Block {
        int users = 0;
        std::vector<CachedToken> key;
        int keyed_at = 0;
    };
    struct Request {
        CachedTokens tokens;
        Blocks table;
        std::size_t keyed = 0;
    };
    std::size_t block_size;
    std::vector<Block> blocks;
    std::deque<std::int32_t> queue;
    int clock = 0;

    PlainCache(std::size_t count, std::size_t size) : block_size(size), blocks(count) {
        for (std::size_t b = 0; b < count; ++b) {
            queue.push_back(static_cast<std::int32_t>(b));
        }
    }
    Block& at(std::int32_t b) { return blocks[static_cast<std::size_t>(b)]; }
    std::int32_t find(const std::vector<CachedToken>& key) {
        std::int32_t oldest = -1;
        for (std::size_t b = 0; b < blocks.size(); ++b) {
            if (blocks[b].key == key && (oldest < 0 || blocks[b].keyed_at < at(oldest).keyed_at)) {
                oldest = static_cast<std::int32_t>(b);
            }
        }
        return oldest;
    }
    void open(Request& r, std::size_t prompt) {
        while ((r.keyed + 1) * block_size <= prompt - 1) {
            const std::int32_t b = find(r.tokens.first((r.keyed + 1) * block_size));
            if (b < 0) {
                return;
            }
            if (at(b).users++ == 0) {
                queue.erase(std::find(queue.begin(), queue.end(), b));
            }
            r.table.push_back(b);
            ++r.keyed;
        }
    }
    bool grow(Request& r, std::size_t stored, Blocks& evicted) {
        const std::size_t wanted = (stored + block_size - 1) / block_size;
        if (wanted > r.table.size() + queue.size()) {
            return false;
        }
        while (r.table.size() < wanted) {
            const std::int32_t b = queue.front();
            queue.pop_front();
            if (!at(b).key.empty()) {
                evicted.push_back(b);
            }
            at(b) = {1, {}, 0};
            r.table.push_back(b);
        }
        for (; (r.keyed + 1) * block_size <= stored; ++r.keyed) {
            Block& b = at(r.table[r.keyed]);
            b.key = r.tokens.first((r.keyed + 1) * block_size);
            b.keyed_at = ++clock;
        }
        return true;
    }
    void release(Request& r) {
        for (std::size_t i = r.table.size(); i-- > 0;) {
            if (--at(r.table[i]).users == 0) {
                queue.push_back(r.table[i]);
            }
        }
    }
};

}  // namespace

TEST_CASE("a second request takes over the full blocks of the first", "[prefix_blocks]") {
    PrefixBlocks cache(8, 4);
    PrefixTable a, b;
    CHECK(cache.open(a, text(1, 9, 14), 12).reused == 0);
    const auto first = cache.grow(a, text(1, 9, 14), 12);
    REQUIRE(first);
    CHECK(first->taken == 3);
    CHECK(first->keyed == 3);
    CHECK(first->evicted.empty());
    CHECK(a.blocks() == Blocks{0, 1, 2});

    // Nine tokens are shared: two full blocks, and the third differs in its second token.
    const CachedTokens other = text(2, 9, 14);
    CHECK(cache.match(other, 12).blocks == 2);
    CHECK(cache.match(other, 12).idle == 0);
    CHECK(cache.open(b, other, 12).reused == 2);
    CHECK(cache.missing(b, 12) == 1);
    REQUIRE(cache.grow(b, other, 12));
    CHECK(b.blocks() == Blocks{0, 1, 3});
    CHECK(cache.users(0) == 2);
    CHECK(cache.users(2) == 1);
    CHECK(cache.free() == 4);
    CHECK(cache.keyed() == 4);
}

TEST_CASE("at least the last token of a prompt is computed", "[prefix_blocks]") {
    PrefixBlocks cache(8, 4);
    PrefixTable a;
    const CachedTokens tokens = text(0, 0, 12);
    cache.open(a, tokens, 8);
    REQUIRE(cache.grow(a, tokens, 8));
    CHECK(cache.match(tokens, 8).blocks == 1);  // eight tokens are there, seven may be reused
    CHECK(cache.match(tokens, 9).blocks == 2);
    CHECK(cache.match(tokens, 12).blocks == 2);  // no more is stored
    CHECK(cache.match(tokens, 1).blocks == 0);
}

TEST_CASE("only full blocks are keyed, those that answers fill too", "[prefix_blocks]") {
    PrefixBlocks cache(8, 4);
    PrefixTable a;
    const CachedTokens tokens = text(0, 0, 13);
    cache.open(a, tokens, 6);
    CHECK(cache.grow(a, tokens, 6)->keyed == 1);
    CHECK(cache.match(tokens, 13).blocks == 1);
    const auto seventh = cache.grow(a, tokens, 7);
    CHECK(seventh->taken == 0);
    CHECK(seventh->keyed == 0);
    CHECK(cache.grow(a, tokens, 8)->keyed == 1);
    CHECK(cache.match(tokens, 13).blocks == 2);
}

TEST_CASE("unused blocks go last block first, oldest request first", "[prefix_blocks]") {
    PrefixBlocks cache(6, 4);
    const CachedTokens one = text(1, 0, 12), two = text(2, 0, 12), three = text(3, 0, 24);
    PrefixTable a, b, c;
    cache.open(a, one, 12);
    cache.grow(a, one, 12);
    cache.open(b, two, 12);
    cache.grow(b, two, 12);
    CHECK(cache.release(a).released == 3);
    CHECK(cache.release(b).released == 3);
    CHECK(a.blocks().empty());
    CHECK(cache.queue() == Blocks{2, 1, 0, 5, 4, 3});

    cache.open(c, three, 16);
    const auto event = cache.grow(c, three, 16);
    CHECK(event->evicted == Blocks{2, 1, 0, 5});
    CHECK(cache.match(one, 12).blocks == 0);
    CHECK(cache.match(two, 12).blocks == 2);  // its last block is gone, its beginning is not
    CHECK(cache.match(two, 12).idle == 2);
}

TEST_CASE("a block that is taken over leaves the queue and is not evicted", "[prefix_blocks]") {
    PrefixBlocks cache(3, 4);
    const CachedTokens one = text(1, 0, 12), two = text(2, 4, 12);
    PrefixTable a, b;
    cache.open(a, text(0, 4, 12), 12);
    cache.grow(a, text(0, 4, 12), 12);
    cache.release(a);
    cache.open(b, two, 12);
    CHECK(b.blocks() == Blocks{0});
    CHECK(cache.queue() == Blocks{2, 1});
    CHECK_FALSE(cache.grow(b, two, 13));   // four blocks, of three
    CHECK(cache.queue() == Blocks{2, 1});  // and nothing was done
    CHECK(b.blocks() == Blocks{0});
    CHECK(cache.grow(b, two, 12)->evicted == Blocks{2, 1});
}

TEST_CASE("twins: the older block of a key is found until it is taken", "[prefix_blocks]") {
    PrefixBlocks cache(4, 4);
    const CachedTokens same = text(0, 0, 12);
    PrefixTable a, b;
    cache.open(a, same, 4);
    cache.open(b, same, 4);  // before the first has stored anything
    cache.grow(a, same, 4);
    cache.grow(b, same, 4);
    CHECK(cache.key(0) == cache.key(1));
    CHECK(cache.keyed() == 2);
    cache.release(a);
    CHECK(cache.match(same, 8).idle == 1);  // block 0, though block 1 is in use
    PrefixTable c;
    const CachedTokens other = text(5, 0, 12);
    cache.grow(c, other, 12);
    CHECK(c.blocks() == Blocks{2, 3, 0});
    PrefixTable d;
    cache.open(d, same, 8);
    CHECK(d.blocks() == Blocks{1});
}

TEST_CASE("without reuse nothing is found", "[prefix_blocks]") {
    PrefixBlocks cache(4, 4, false);
    PrefixTable a;
    const CachedTokens tokens = text(0, 0, 12);
    cache.open(a, tokens, 8);
    CHECK(cache.grow(a, tokens, 8)->keyed == 0);
    CHECK(cache.match(tokens, 12).blocks == 0);
}

TEST_CASE("tokens known by what they share agree there and nowhere else", "[prefix_blocks]") {
    const CachedTokens a = CachedTokens::shared(7, 5, 1), b = CachedTokens::shared(7, 3, 2),
                       c = CachedTokens::shared(8, 5, 3), d = CachedTokens::shared(0, 0, 7);
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK((a[i] == b[i]) == (i < 3));
        CHECK(a[i] != c[i]);
        CHECK(a[i] != d[i]);  // own number 7 is not prefix 7
    }
    PrefixBlocks cache(8, 2);
    PrefixTable table;
    cache.open(table, a, 8);
    cache.grow(table, a, 8);
    CHECK(cache.match(b, 8).blocks == 1);
    CHECK(cache.match(CachedTokens::shared(7, 5, 9), 8).blocks == 2);
}

TEST_CASE("prefix blocks do what the plain rules say, on random work", "[prefix_blocks]") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        const Rng rng(seed);
        const std::size_t size = 1 + rng.below(0, 4), count = 6 + rng.below(1, 20);
        PrefixBlocks cache(static_cast<std::int64_t>(count), static_cast<std::int64_t>(size));
        PlainCache plain(count, size);
        std::vector<std::pair<PrefixTable, PlainCache::Request>> running;
        for (std::uint64_t step = 2; step < 1500; ++step) {
            const Rng draw = rng.stream("step " + std::to_string(step));
            const auto kind = draw.below(0, 3);
            if (kind == 0 && running.size() < 6) {
                // A small alphabet: prefixes are shared by accident, to any depth.
                std::vector<CachedToken> tokens;
                for (std::uint64_t i = 0; i < 40; ++i) {
                    tokens.push_back(draw.below(10 + i, 2));
                }
                const std::size_t prompt = 1 + draw.below(1, 16);
                auto& [table, request] = running.emplace_back(
                    PrefixTable{}, PlainCache::Request{CachedTokens(tokens), {}});
                const auto match = cache.match(request.tokens, static_cast<std::int64_t>(prompt));
                const std::int64_t free = cache.free();
                cache.open(table, request.tokens, static_cast<std::int64_t>(prompt));
                plain.open(request, prompt);
                CHECK(match.blocks == static_cast<std::int64_t>(request.table.size()));
                CHECK(free - cache.free() == match.idle);
            } else if (kind == 1 && !running.empty()) {
                auto& [table, request] = running[draw.below(1, running.size())];
                const std::size_t stored =
                    std::min<std::size_t>(40, request.table.size() * size + draw.below(2, 9));
                Blocks evicted;
                const bool fits = plain.grow(request, stored, evicted);
                const auto event =
                    cache.grow(table, request.tokens, static_cast<std::int64_t>(stored));
                REQUIRE(event.has_value() == fits);
                CHECK((!event || event->evicted == evicted));
            } else if (!running.empty()) {
                const auto at =
                    running.begin() + static_cast<std::ptrdiff_t>(draw.below(1, running.size()));
                cache.release(at->first);
                plain.release(at->second);
                running.erase(at);
            }
            REQUIRE(cache.queue() == Blocks(plain.queue.begin(), plain.queue.end()));
            REQUIRE(cache.free() == static_cast<std::int64_t>(plain.queue.size()));
            REQUIRE(cache.used() + cache.free() == cache.size());
            std::map<std::int32_t, std::int64_t> uses;
            for (const auto& [table, request] : running) {
                REQUIRE(table.blocks() == request.table);
                for (const std::int32_t b : table.blocks()) {
                    ++uses[b];
                }
            }
            std::int64_t keyed = 0;
            for (std::int32_t b = 0; b < static_cast<std::int32_t>(count); ++b) {
                REQUIRE(cache.users(b) == uses[b]);
                REQUIRE(cache.key(b).has_value() == !plain.at(b).key.empty());
                keyed += cache.key(b) ? 1 : 0;
            }
            REQUIRE(cache.keyed() == keyed);
        }
    }
}

TEST_CASE("nothing leaks after many operations", "[prefix_blocks]") {
    PrefixBlocks cache(200, 4);
    std::vector<PrefixTable> tables(16);
    const Rng rng(3);
    for (std::uint64_t i = 0; i < 1'000'000; ++i) {
        PrefixTable& table = tables[rng.below(4 * i, tables.size())];
        if (table.blocks().empty()) {
            const auto prompt = static_cast<std::int64_t>(1 + rng.below(4 * i + 1, 60));
            const CachedTokens tokens = CachedTokens::shared(
                static_cast<std::int64_t>(rng.below(4 * i + 2, 9)),
                static_cast<std::int64_t>(rng.below(4 * i + 3, 60)), static_cast<std::int64_t>(i));
            cache.open(table, tokens, prompt);
            cache.grow(table, tokens, prompt);
        } else {
            cache.release(table);
        }
    }
    for (PrefixTable& table : tables) {
        cache.release(table);
    }
    CHECK(cache.free() == 200);
    CHECK(cache.queue().size() == 200);
    for (std::int32_t b = 0; b < 200; ++b) {
        CHECK(cache.users(b) == 0);
    }
}

}  // namespace nibble
