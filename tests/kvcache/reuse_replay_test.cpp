// Workloads that share prefixes, and their replay: hand-computed cases, what holds for all caches
// on random workloads, and the longest common prefix searched for the slow way.
#include "sim/kvcache/reuse_replay.hpp"

#include <algorithm>
#include <set>
#include <sstream>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

namespace nibble {
namespace {

/// Requests of the letters given, prompt | output.
ReuseWorkload letters(const std::vector<std::pair<std::string, std::string>>& texts) {
    ReuseWorkload w;
    w.name = "letters";
    for (const auto& [prompt, output] : texts) {
        ReuseRequest r;
        const std::string all = prompt + output;
        r.tokens.assign(all.begin(), all.end());
        r.prompt = static_cast<std::int64_t>(prompt.size());
        r.name = prompt;
        w.requests.push_back(r);
    }
    return w;
}

RequestTrace trace_in(const std::string& text) {
    std::istringstream in(text);
    return read_trace(in, "mine.csv");
}

std::vector<std::int64_t> reused(const ReuseReplay& replay) {
    std::vector<std::int64_t> list;
    for (const ReuseStep& s : replay.steps) {
        list.push_back(s.entered.reused);
    }
    return list;
}

std::vector<int> order(const ReuseReplay& replay) {
    std::vector<int> list;
    for (const ReuseStep& s : replay.steps) {
        list.push_back(s.request);
    }
    return list;
}

ReuseWorkload small_workload(ReuseKind kind, std::uint64_t seed) {
    return make_workload({kind, 3, 3, 40}, Rng(seed));
}

constexpr ReuseKind kinds[] = {ReuseKind::chat, ReuseKind::few_shot, ReuseKind::tree_of_thought,
                               ReuseKind::unrelated};

std::int64_t largest(const ReuseWorkload& w) {
    std::int64_t most = 0;
    for (const ReuseRequest& r : w.requests) {
        most = std::max(most, r.size());
    }
    return most;
}

std::int64_t all_tokens(const ReuseWorkload& w) {
    std::int64_t sum = 0;
    for (const ReuseRequest& r : w.requests) {
        sum += r.size();
    }
    return sum;
}

}  // namespace

TEST_CASE("the same three requests in a tree, in blocks and without reuse", "[reuse]") {
    const ReuseWorkload w = letters({{"abcdef", "gh"}, {"abcdez", "y"}, {"abcdef", "x"}});
    TreeCache tree(100);
    CHECK(reused(replay_reuse(w, tree, EntryOrder::arrival, 1)) ==
          std::vector<std::int64_t>{0, 5, 5});  // of six prompt tokens at most five
    BlockCache blocks(100, 2, true);
    CHECK(reused(replay_reuse(w, blocks, EntryOrder::arrival, 1)) ==
          std::vector<std::int64_t>{0, 4, 4});
    BlockCache none(100, 2, false);
    const ReuseReplay plain = replay_reuse(w, none, EntryOrder::arrival, 1);
    CHECK(reused(plain) == std::vector<std::int64_t>{0, 0, 0});
    CHECK(plain.computed_tokens() == 18);
    CHECK(plain.hit_rate() == 0);
}

TEST_CASE("the longest stored prefix enters first when it may", "[reuse]") {
    const ReuseWorkload w = letters({{"aaaa", "1"}, {"bbbb", "2"}, {"aaaa", "3"}, {"bbbb", "4"}});
    TreeCache first(6), longest(6);  // room for one of them and a little
    const ReuseReplay a = replay_reuse(w, first, EntryOrder::arrival, 1);
    CHECK(order(a) == std::vector<int>{0, 1, 2, 3});
    CHECK(a.reused_tokens == 0);
    CHECK(a.evictions == 3);
    const ReuseReplay b = replay_reuse(w, longest, EntryOrder::longest_prefix, 1);
    CHECK(order(b) == std::vector<int>{0, 2, 1, 3});
    CHECK(b.reused_tokens == 6);
}

TEST_CASE("requests leave in the order they entered, when the batch or the cache is full",
          "[reuse]") {
    const ReuseWorkload w = letters({{"aa", "1"}, {"bb", "2"}, {"cc", "3"}});
    TreeCache roomy(100);
    const ReuseReplay by_batch = replay_reuse(w, roomy, EntryOrder::arrival, 2);
    CHECK(by_batch.steps[1].left.empty());
    CHECK(by_batch.steps[2].left == std::vector<int>{0});
    CHECK(by_batch.steps[2].in_use == 6);
    CHECK(by_batch.steps[2].stored == 9);
    TreeCache tight(5);
    const ReuseReplay by_room = replay_reuse(w, tight, EntryOrder::arrival, 2);
    CHECK(by_room.steps[1].left == std::vector<int>{0});
    CHECK(by_room.steps[1].entered.evicted_tokens == 3);
}

TEST_CASE("whatever the cache: every request once, turns in order, room kept", "[reuse]") {
    for (const ReuseKind kind : kinds) {
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            const ReuseWorkload w = small_workload(kind, seed);
            const std::int64_t room = largest(w) * 3 / 2;
            TreeCache tree(room);
            BlockCache blocks(room, 8, true), none(room, 8, false);
            for (ReuseCache* cache : std::initializer_list<ReuseCache*>{&tree, &blocks, &none}) {
                for (const EntryOrder entry : {EntryOrder::arrival, EntryOrder::longest_prefix}) {
                    const ReuseReplay r = replay_reuse(w, *cache, entry, 2);
                    std::set<int> seen;
                    for (const ReuseStep& s : r.steps) {
                        const ReuseRequest& q = w.requests[static_cast<std::size_t>(s.request)];
                        CHECK(seen.insert(s.request).second);
                        CHECK((q.after < 0 || seen.count(q.after) == 1));
                        CHECK(s.entered.reused < q.prompt);
                        CHECK(s.stored <= room);
                        CHECK(s.in_use <= room);
                    }
                    CHECK(seen.size() == w.requests.size());
                    CHECK(r.computed_tokens() + r.reused_tokens == r.prompt_tokens);
                    if (cache == &none) {
                        CHECK(r.reused_tokens == 0);
                    }
                    for (const ReuseStep& s : r.steps) {  // empty it of users for the next order
                        if (std::none_of(r.steps.begin(), r.steps.end(), [&](const ReuseStep& t) {
                                return std::count(t.left.begin(), t.left.end(), s.request) > 0;
                            })) {
                            cache->leave(s.request);
                        }
                    }
                    CHECK(cache->in_use() == 0);
                }
            }
        }
    }
}

TEST_CASE("with room for all, found is the longest prefix of any earlier request", "[reuse]") {
    for (const ReuseKind kind : kinds) {
        const ReuseWorkload w = small_workload(kind, 7);
        constexpr std::int64_t block = 4;
        TreeCache tree(all_tokens(w));
        BlockCache blocks(all_tokens(w) + block * static_cast<std::int64_t>(w.requests.size()),
                          block, true);
        const auto in_tree = reused(replay_reuse(w, tree, EntryOrder::arrival, 1));
        const ReuseReplay in_blocks = replay_reuse(w, blocks, EntryOrder::arrival, 1);
        for (std::size_t k = 0; k < in_tree.size(); ++k) {
            const ReuseRequest& r = w.requests[k];
            std::int64_t longest = 0;
            for (std::size_t e = 0; e < k; ++e) {
                const auto& earlier = w.requests[e].tokens;
                const auto differs =
                    std::mismatch(r.tokens.begin(), r.tokens.end(), earlier.begin(), earlier.end());
                longest = std::max<std::int64_t>(longest, differs.first - r.tokens.begin());
            }
            longest = std::min(longest, r.prompt - 1);
            CHECK(in_blocks.steps[k].request == static_cast<int>(k));
            CHECK(in_tree[k] == longest);
            CHECK(in_blocks.steps[k].entered.reused == longest / block * block);
        }
    }
}

TEST_CASE("longest prefix first finds all there is in a cache of one request", "[reuse]") {
    // Zheng et al. 2024, theorem 3.1: it walks the tree of requests depth first.
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const ReuseWorkload w = small_workload(ReuseKind::chat, seed);
        TreeCache small(largest(w)), all(all_tokens(w));
        CHECK(replay_reuse(w, small, EntryOrder::longest_prefix, 1).reused_tokens ==
              replay_reuse(w, all, EntryOrder::arrival, 1).reused_tokens);
    }
}

TEST_CASE("steps done again give the same tree", "[reuse]") {
    const ReuseWorkload w = small_workload(ReuseKind::tree_of_thought, 2);
    TreeCache tree(largest(w) * 2), again(largest(w) * 2);
    const ReuseReplay r = replay_reuse(w, tree, EntryOrder::longest_prefix, 2);
    repeat_steps(w, r, r.steps.size(), again);
    CHECK(again.tree().nodes() == tree.tree().nodes());
    CHECK(again.stored() == tree.stored());
    CHECK(again.in_use() == tree.in_use());
    CHECK(r.evictions > 0);
}

TEST_CASE("workloads share what their kind shares", "[reuse]") {
    const ReuseWorkload chat = small_workload(ReuseKind::chat, 1);
    CHECK(chat.requests.size() == 9);
    CHECK(chat.describe(chat.requests[0].tokens).substr(0, 6) == "system");
    for (const ReuseRequest& r : chat.requests) {
        if (r.after >= 0) {  // the prompt begins with all of the turn before, its answer too
            const auto& before = chat.requests[static_cast<std::size_t>(r.after)].tokens;
            CHECK(r.prompt > static_cast<std::int64_t>(before.size()));
            CHECK(std::equal(before.begin(), before.end(), r.tokens.begin()));
        }
    }
    // 3 thoughts from the problem, then 3 from each of the 2 that are kept, twice.
    CHECK(small_workload(ReuseKind::tree_of_thought, 1).requests.size() == 3 * (3 + 6 + 6));
    TreeCache cache(100'000);
    CHECK(replay_reuse(small_workload(ReuseKind::unrelated, 1), cache, EntryOrder::arrival, 1)
              .reused_tokens == 0);
}

TEST_CASE("a trace shares the prefixes it names", "[reuse]") {
    const RequestTrace trace = trace_in(
        "prefix_len,prompt,output,prefix_id\n30,40,5,7\n20,40,5,7\n40,40,5,7\n0,40,5,7\n30,40,5,"
        "8\n");
    const ReuseWorkload w = workload_of(trace);
    TreeCache cache(1000);
    CHECK(reused(replay_reuse(w, cache, EntryOrder::arrival, 1)) ==
          std::vector<std::int64_t>{0, 20, 30, 0, 0});
    CHECK(w.describe(w.requests[0].tokens) == "prefix 7 line 2");
}

TEST_CASE("what never fits is refused before anything runs, by name", "[reuse]") {
    TreeCache cache(30);
    BlockCache blocks(30, 16, true);  // one block
    const ReuseWorkload w = letters({{"short", "!"}, {std::string(40, 'x'), "!"}});
    for (ReuseCache* c : std::initializer_list<ReuseCache*>{&cache, &blocks}) {
        try {
            replay_reuse(w, *c, EntryOrder::arrival, 1);
            FAIL("not refused");
        } catch (const Error& error) {
            CHECK(error.code() == Error::Code::bad_param);
            CHECK(std::string(error.what()).find("41 tokens") != std::string::npos);
            CHECK_FALSE(error.hint().empty());
        }
        CHECK(c->stored() == 0);
    }
    const auto trace = workload_of(trace_in("prompt,output\n9,1\n99,1\n"));
    try {
        replay_reuse(trace, cache, EntryOrder::arrival, 1);
        FAIL("not refused");
    } catch (const Error& error) {
        CHECK(error.code() == Error::Code::bad_file);
        CHECK(std::string(error.what()).find("mine.csv, line 3") != std::string::npos);
    }
    std::string huge = "prompt,output\n";
    for (int i = 0; i < 6; ++i) {
        huge += "999999,1\n";
    }
    CHECK_THROWS_AS(workload_of(trace_in(huge)), Error);
}

}  // namespace nibble
