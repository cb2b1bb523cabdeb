// Runs operations on a paged cache whose blocks hold words, and notes the state after each.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/kvcache/block_story.hpp"

namespace nibble {

using StoryWords = std::vector<std::string>;

class BlockTeller {
public:
    explicit BlockTeller(const StorySettings& settings);

    /// Admits a sequence with its prompt; full blocks that begin alike and are still there are used
    /// again when `by_prefix`, at most all words but the last. False when it has to wait.
    bool admit(int id, const StoryWords& prompt, bool by_prefix = false);
    /// One more word. False when no block is free: nothing has changed, and no step is told.
    bool append(int id, const std::string& word);
    void fork(int parent, int child);
    void release(int id, const std::string& why);
    /// Takes the blocks from a sequence, which waits for them from now on.
    void preempt(int id, Preemption how);
    /// Gives them back. False when there are too few.
    bool resume(int id);

    const StoryWords& words(int id) const { return words_.at(id); }
    const PagedCache& cache() const { return cache_; }
    std::vector<StoryStep> steps() && { return std::move(steps_); }

private:
    /// Keeps words and prefixes in step with what the cache did.
    void follow(const CacheEvents& events);
    void write(int id);
    std::vector<int> prefix_of(const StoryWords& prompt) const;
    void tell(std::string what, CacheEvents events);

    int block_size_;
    PagedCache cache_;
    std::map<int, StoryWords> words_;                   // (sequence)
    std::vector<int> order_;                            // sequences as they came
    std::map<int, Preemption> waiting_;                 // preempted sequences
    std::vector<StoryWords> contents_, host_contents_;  // (block)
    std::map<StoryWords, int> prefixes_;  // all words up to a full block's end -> block
    StoryStep totals_;                    // counters only
    std::vector<StoryStep> steps_;
};

}  // namespace nibble
