// The radix tree against hand-computed runs, a quadratic search for the longest common prefix, and
// eviction worked out on a copy of the tree: after every operation of random workloads.
#include "sim/kvcache/radix_tree.hpp"

#include <algorithm>
#include <map>

#include "tests/catch.hpp"

namespace nibble {
namespace {

using Tokens = std::vector<CachedToken>;

Tokens text(const std::string& letters) {
    return {letters.begin(), letters.end()};
}

std::string letters(const Tokens& tokens) {
    return {tokens.begin(), tokens.end()};
}

std::int64_t length(const Tokens& tokens) {
    return static_cast<std::int64_t>(tokens.size());
}

Tokens path(const RadixTree& tree, NodeId id) {
    Tokens all;
    for (; id != RadixTree::root; id = tree.node(id).parent) {
        const Tokens& own = tree.node(id).tokens;
        all.insert(all.begin(), own.begin(), own.end());
    }
    return all;
}

/// The longest prefix of `tokens` that one of the stored sequences begins with.
std::int64_t longest_common(const std::vector<Tokens>& stored, const Tokens& tokens) {
    std::int64_t best = 0;
    for (const Tokens& s : stored) {
        std::int64_t n = 0;
        while (n < length(s) && n < length(tokens) &&
               s[static_cast<std::size_t>(n)] == tokens[static_cast<std::size_t>(n)]) {
            ++n;
        }
        best = std::max(best, n);
    }
    return best;
}

std::vector<Tokens> stored_sequences(const RadixTree& tree) {
    std::vector<Tokens> all;
    for (const NodeId id : tree.nodes()) {
        all.push_back(path(tree, id));
    }
    return all;
}

/// What the rules say must go so that `tokens` fit: the least recently used leaf without users, one
/// after the other, the matched path aside. Nothing when that does not suffice.
std::optional<std::vector<RadixEvent::Evicted>> expected_evictions(const RadixTree& tree,
                                                                   const Tokens& tokens) {
    struct Copy {
        NodeId parent;
        std::int64_t tokens, users, last_use, children;
    };
    std::map<NodeId, Copy> nodes;
    for (const NodeId id : tree.nodes()) {
        const RadixNode& n = tree.node(id);
        nodes[id] = {n.parent, length(n.tokens), n.users, n.last_use,
                     static_cast<std::int64_t>(n.children.size())};
    }
    const std::int64_t matched = longest_common(stored_sequences(tree), tokens);
    std::int64_t size = tree.size();
    for (auto& [id, n] : nodes) {
        const Tokens whole = path(tree, id);
        const std::int64_t above = length(whole) - n.tokens;
        if (id != RadixTree::root && above < matched && longest_common({whole}, tokens) > above) {
            const std::int64_t kept = std::min(n.tokens, matched - above);
            if (kept < n.tokens) {  // cut: the lower half may go, the upper is in use
                if (n.users == 0) {
                    nodes[-2] = {n.parent, kept, 1, n.last_use, 1};
                    n.parent = -2;
                    n.tokens -= kept;
                }
            } else {
                ++n.users;
            }
        }
    }
    std::vector<RadixEvent::Evicted> gone;
    while (size + length(tokens) - matched > tree.capacity()) {
        NodeId oldest = -1;
        for (const auto& [id, n] : nodes) {
            if (id != RadixTree::root && n.users == 0 && n.children == 0 &&
                (oldest < 0 || n.last_use < nodes[oldest].last_use)) {
                oldest = id;
            }
        }
        if (oldest < 0) {
            return std::nullopt;
        }
        gone.push_back({oldest, nodes[oldest].tokens});
        size -= nodes[oldest].tokens;
        --nodes[nodes[oldest].parent].children;
        nodes.erase(oldest);
    }
    return gone;
}

/// What holds after every operation, with the paths in use.
void check_invariants(const RadixTree& tree, const std::vector<NodeId>& in_use) {
    std::map<NodeId, std::int64_t> users;
    for (NodeId id : in_use) {
        for (; id != RadixTree::root; id = tree.node(id).parent) {
            ++users[id];
        }
    }
    std::int64_t size = 0, used = 0;
    for (const NodeId id : tree.nodes()) {
        const RadixNode& n = tree.node(id);
        for (const auto& [token, child] : n.children) {
            REQUIRE(tree.node(child).parent == id);
            REQUIRE(tree.node(child).tokens.front() == token);
            REQUIRE(tree.node(child).users <= (id == RadixTree::root ? 1000 : n.users));
            REQUIRE(tree.node(child).last_use <= (id == RadixTree::root ? 1'000'000 : n.last_use));
        }
        if (id != RadixTree::root) {
            REQUIRE_FALSE(n.tokens.empty());
            REQUIRE(n.users == users[id]);
            size += length(n.tokens);
            used += n.users > 0 ? length(n.tokens) : 0;
        }
    }
    REQUIRE(tree.size() == size);
    REQUIRE(tree.used() == used);
    REQUIRE(tree.size() <= tree.capacity());
}

}  // namespace

TEST_CASE("a tree grows along what requests share", "[radix_tree]") {
    RadixTree tree(100);
    const auto a = tree.insert(text("system: hello"));
    REQUIRE(a);
    CHECK(a->matched == 0);
    CHECK(a->added == 13);
    CHECK(a->cut == -1);

    const auto b = tree.insert(text("system: help me"));
    REQUIRE(b);
    CHECK(b->matched == 11);  // "system: hel"
    CHECK(b->added == 4);
    REQUIRE(b->cut >= 0);
    CHECK(letters(tree.node(b->cut).tokens) == "system: hel");
    CHECK(letters(tree.node(a->node).tokens) == "lo");
    CHECK(tree.node(b->cut).users == 2);
    CHECK(tree.size() == 17);
    CHECK(tree.nodes().size() == 4);

    // A second turn continues the first: no cut, one leaf.
    const auto c = tree.insert(text("system: hello, and more"));
    CHECK(c->matched == 13);
    CHECK(c->cut == -1);
    CHECK(tree.node(c->node).parent == a->node);

    // The same again: all is there.
    const auto d = tree.insert(text("system: hello"));
    CHECK(d->matched == 13);
    CHECK(d->added == 0);
    CHECK(d->node == a->node);
    // A prefix ends inside a node, which is cut, with nothing to add.
    const auto e = tree.insert(text("sys"));
    CHECK(e->added == 0);
    CHECK(e->node == e->cut);
    CHECK(tree.node(e->node).users == 5);
    check_invariants(tree, {a->node, b->node, c->node, d->node, e->node});
}

TEST_CASE("the leaf that was used longest ago goes first, whole", "[radix_tree]") {
    RadixTree tree(12);
    const auto a = tree.insert(text("aaxxx"));
    const auto b = tree.insert(text("aayyy"));
    const auto c = tree.insert(text("bb"));
    for (const auto& event : {a, b, c}) {
        tree.release(event->node);
    }
    CHECK(tree.size() == 10);
    CHECK(tree.match(text("aaxxx")) == 5);  // looking does not make it younger
    const auto d = tree.insert(text("cccc"));
    REQUIRE(d);
    CHECK(d->evicted == std::vector<RadixEvent::Evicted>{{a->node, 3}});
    CHECK(tree.match(text("aaxxx")) == 2);
    // "yyy" is older than "bb"; then "aa" is a leaf, and as old as "yyy".
    const auto e = tree.insert(text("dddddd"));
    REQUIRE(e);
    CHECK(e->evicted.size() == 2);
    CHECK(tree.match(text("aayyy")) == 0);
    CHECK(tree.match(text("bb")) == 2);
}

TEST_CASE("what is in use does not go", "[radix_tree]") {
    RadixTree tree(10);
    const auto a = tree.insert(text("aaaaaa"));
    CHECK_FALSE(tree.insert(text("bbbbb")));
    CHECK(tree.size() == 6);
    CHECK(tree.inserts() == 1);
    const auto b = tree.insert(text("aaabbbb"));  // four more: just fits
    REQUIRE(b);
    CHECK(tree.size() == 10);
    tree.release(a->node);
    tree.release(b->node);
    // Its own path is safe: six of "aaabbbb" may go, not the four it begins with.
    const auto c = tree.insert(text("aaabccccc"));
    REQUIRE(c);
    CHECK(c->matched == 4);
    CHECK(tree.size() == 9);
    CHECK_FALSE(tree.insert(text("0123456789x")));  // more than the whole cache
    check_invariants(tree, {c->node});
}

TEST_CASE("random work: matches, evictions and counts are as the rules say", "[radix_tree]") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const Rng rng(seed);
        RadixTree tree(static_cast<std::int64_t>(10 + rng.below(0, 60)));
        std::vector<NodeId> running;
        std::int64_t refused = 0, evicted = 0;
        for (int step = 0; step < 600; ++step) {
            const Rng draw = rng.stream("step " + std::to_string(step));
            if (draw.below(0, 2) == 0 && !running.empty()) {
                const auto at =
                    running.begin() + static_cast<std::ptrdiff_t>(draw.below(1, running.size()));
                tree.release(*at);
                running.erase(at);
            } else {
                Tokens tokens;
                for (std::uint64_t i = 0; i < 1 + draw.below(1, 14); ++i) {
                    tokens.push_back('a' + draw.below(10 + i, 2));
                }
                const std::int64_t matched = longest_common(stored_sequences(tree), tokens);
                REQUIRE(tree.match(tokens) == matched);
                const auto expected = expected_evictions(tree, tokens);
                const std::int64_t before = tree.size();
                const auto event = tree.insert(tokens);
                REQUIRE(event.has_value() == expected.has_value());
                if (!event) {
                    CHECK(tree.size() == before);
                    ++refused;
                } else {
                    REQUIRE(event->evicted == *expected);
                    REQUIRE(event->matched == matched);
                    REQUIRE(event->matched + event->added == length(tokens));
                    REQUIRE(path(tree, event->node) == tokens);
                    running.push_back(event->node);
                    evicted += static_cast<std::int64_t>(event->evicted.size());
                }
            }
            check_invariants(tree, running);
        }
        CHECK(refused + evicted > 0);  // the cache was short, or this tests little
        for (const NodeId node : running) {
            tree.release(node);
        }
        CHECK(tree.used() == 0);
    }
}

TEST_CASE("with room for all, a match is the longest prefix ever seen", "[radix_tree]") {
    const Rng rng(5);
    RadixTree tree(1'000'000);
    std::vector<Tokens> seen;
    for (std::uint64_t i = 0; i < 300; ++i) {
        Tokens tokens;
        for (std::uint64_t t = 0; t < 1 + rng.below(100 * i, 20); ++t) {
            tokens.push_back(rng.below(100 * i + 1 + t, 3));
        }
        const auto event = tree.insert(tokens);
        REQUIRE(event);
        REQUIRE(event->matched == longest_common(seen, tokens));
        REQUIRE(event->evicted.empty());
        tree.release(event->node);
        seen.push_back(tokens);
    }
}

TEST_CASE("no token leaks from a tree after many operations", "[radix_tree]") {
    RadixTree tree(400);
    const Rng rng(4);
    std::vector<NodeId> running;
    for (std::uint64_t i = 0; i < 200'000; ++i) {
        const CachedTokens ids = CachedTokens::shared(
            static_cast<std::int64_t>(rng.below(3 * i, 9)),
            static_cast<std::int64_t>(rng.below(3 * i + 1, 30)), static_cast<std::int64_t>(i));
        if (const auto event = tree.insert(ids.first(1 + rng.below(3 * i + 2, 40)))) {
            running.push_back(event->node);
        }
        if (running.size() > 6) {
            tree.release(running.front());
            running.erase(running.begin());
        }
    }
    for (const NodeId node : running) {
        tree.release(node);
    }
    check_invariants(tree, {});
    CHECK(tree.used() == 0);
    // Nobody uses anything, so all of it can go for one request that fills the cache.
    const auto all = tree.insert(CachedTokens::shared(100, 400, 0).first(400));
    REQUIRE(all);
    CHECK(tree.nodes().size() == 2);
    CHECK(tree.size() == 400);
}

}  // namespace nibble
