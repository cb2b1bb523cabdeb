// The same requests through caches that find prefixes again in different ways.
//
// A number of requests run at a time. When the batch is full the one admitted first leaves, and its
// tokens stay until their room is needed. The next to enter is, of the waiting requests whose
// predecessor has left, the first to have arrived; or, of the first 64 of them, the one of which
// this cache holds most tokens. It takes room for prompt and output at once; while there is none,
// the one admitted first leaves. One step is one request that enters.
//
// Found and reused are the tokens at the start of the prompt that need not be computed: at most all
// but the last, because the first answer comes out of that one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "sim/kvcache/prefix_blocks.hpp"
#include "sim/kvcache/radix_tree.hpp"
#include "sim/kvcache/reuse_workload.hpp"

namespace nibble {

/// A cache as the replay sees it. Requests are named by their index in the workload.
class ReuseCache {
public:
    virtual ~ReuseCache() = default;

    struct Entered {
        std::int64_t reused = 0;          // tokens of the prompt
        std::int64_t evictions = 0;       // nodes or blocks that were forgotten
        std::int64_t evicted_tokens = 0;  // their tokens
    };
    /// Tokens of the prompt that it holds now.
    virtual std::int64_t found(const ReuseRequest& request) const = 0;
    /// Whether it fits when nothing else is in use.
    virtual bool can_ever_enter(const ReuseRequest& request) const = 0;
    /// Nothing, and nothing done, when there is no room.
    virtual std::optional<Entered> enter(int id, const ReuseRequest& request) = 0;
    virtual void leave(int id) = 0;
    /// Slots for tokens: with content that could be found, and of running requests.
    virtual std::int64_t stored() const = 0;
    virtual std::int64_t in_use() const = 0;
};

class TreeCache : public ReuseCache {
public:
    explicit TreeCache(std::int64_t capacity) : tree_(capacity) {}
    std::int64_t found(const ReuseRequest& request) const override;
    bool can_ever_enter(const ReuseRequest& request) const override;
    std::optional<Entered> enter(int id, const ReuseRequest& request) override;
    void leave(int id) override;
    std::int64_t stored() const override { return tree_.size(); }
    std::int64_t in_use() const override { return tree_.used(); }

    const RadixTree& tree() const { return tree_; }
    /// What the last enter() did.
    const RadixEvent& last() const { return last_; }

private:
    RadixTree tree_;
    RadixEvent last_;
    std::map<int, NodeId> ends_;  // (running request): the node where its path ends
};

class BlockCache : public ReuseCache {
public:
    /// As many blocks as `capacity` tokens fill, at least one.
    BlockCache(std::int64_t capacity, std::int64_t block_size, bool reuse);
    std::int64_t found(const ReuseRequest& request) const override;
    bool can_ever_enter(const ReuseRequest& request) const override;
    std::optional<Entered> enter(int id, const ReuseRequest& request) override;
    void leave(int id) override;
    std::int64_t stored() const override { return blocks_.keyed() * blocks_.block_size(); }
    std::int64_t in_use() const override { return blocks_.used() * blocks_.block_size(); }

private:
    PrefixBlocks blocks_;
    std::map<int, PrefixTable> tables_;  // of running requests
};

enum class EntryOrder { arrival, longest_prefix };

struct ReuseStep {
    int request = 0;
    std::vector<int> left;  // requests that left before it entered
    ReuseCache::Entered entered;
    std::int64_t stored = 0, in_use = 0;  // once it has entered
};

struct ReuseReplay {
    std::vector<ReuseStep> steps;
    std::int64_t prompt_tokens = 0, reused_tokens = 0;
    std::int64_t evictions = 0, evicted_tokens = 0;

    std::int64_t computed_tokens() const { return prompt_tokens - reused_tokens; }
    double hit_rate() const {
        return static_cast<double>(reused_tokens) / static_cast<double>(prompt_tokens);
    }
};

/// Throws Error::bad_param naming the first request that is larger than the cache, or
/// Error::bad_file with its line when it is of a trace; before anything runs. `check` is called at
/// every step and may throw to end the replay.
ReuseReplay replay_reuse(
    const ReuseWorkload& workload, ReuseCache& cache, EntryOrder order, int batch,
    const std::function<void()>& check = [] {});

/// Does the first `count` steps of a replay again, in a new cache.
void repeat_steps(const ReuseWorkload& workload, const ReuseReplay& replay, std::size_t count,
                  ReuseCache& cache);

}  // namespace nibble
