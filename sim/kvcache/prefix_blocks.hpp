// A paged KV cache that finds blocks again: prefix blocks with LRU (vLLM's automatic prefix
// caching; Kwon et al. 2023, arXiv:2309.06180, section 4.4, made automatic).
//
// A block whose tokens are all stored gets a key: a hash of its own tokens chained to the key of
// the block before it, so that equal keys mean an equal sequence from the very first token. A new
// request takes over, from its start on, the blocks whose keys it can compute itself; at least the
// last token of its prompt is computed, because the first answer comes out of it. A block without
// users keeps key and content and waits in one queue of all unused blocks; the front of the queue
// is taken when a block is needed, and loses its key. A request gives its blocks back last block
// first: the end of a sequence is forgotten before its beginning, without which it could not be
// found.
//
//     PrefixBlocks cache(1000, 16);
//     PrefixTable table;
//     cache.open(table, tokens, prompt);          // takes over the blocks that are there already
//     if (!cache.grow(table, tokens, prompt)) {}  // blocks for the rest, or: no room, nothing done
//     cache.grow(table, tokens, prompt + 1);      // a token more
//     cache.release(table);
//
// Two requests that compute the same tokens at the same time hold twins: two blocks of one key. The
// older one is found first. Keys have 64 bits: two different sequences among n blocks share one
// with probability n^2 / 2^65, which is ignored here.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "sim/kvcache/cached_tokens.hpp"

namespace nibble {

using BlockKey = std::uint64_t;

/// The key of a full block: its tokens [first, first + block_size), chained to its parent's key
/// (0 for the first block).
BlockKey block_key(BlockKey parent, const CachedTokens& tokens, std::int64_t first,
                   std::int64_t block_size);

/// The blocks of one request in the order of its tokens. Filled and emptied by one PrefixBlocks.
class PrefixTable {
public:
    const std::vector<std::int32_t>& blocks() const { return blocks_; }
    /// How many of the blocks, from the first, have a key.
    std::int64_t keyed() const { return keyed_; }

private:
    friend class PrefixBlocks;
    std::vector<std::int32_t> blocks_;
    std::int64_t keyed_ = 0;
    BlockKey last_key_ = 0;
};

/// What an operation did.
struct PrefixEvent {
    std::int64_t reused = 0;            // blocks taken over with their content
    std::int64_t taken = 0;             // blocks taken from the front of the queue
    std::int64_t keyed = 0;             // blocks that became full, and so got a key
    std::int64_t released = 0;          // blocks that lost their last user
    std::vector<std::int32_t> evicted;  // of the taken ones, those that still had a key
};

class PrefixBlocks {
public:
    /// `blocks` > 0 of `block_size` > 0 tokens. Without `reuse` no block is ever found again.
    PrefixBlocks(std::int64_t blocks, std::int64_t block_size, bool reuse = true);

    struct Match {
        std::int64_t blocks = 0;  // at the start of the prompt that need not be computed
        std::int64_t idle = 0;    // of these, how many wait in the queue and count as free
    };
    /// What open() would take over: the longest run of full blocks from the first whose keys are
    /// there, within the first `prompt` - 1 tokens.
    Match match(const CachedTokens& tokens, std::int64_t prompt) const;

    /// Takes over what match() says. The table must be empty.
    PrefixEvent open(PrefixTable& table, const CachedTokens& tokens, std::int64_t prompt);

    /// Blocks to take so that the table holds `stored` tokens; never negative.
    std::int64_t missing(const PrefixTable& table, std::int64_t stored) const;

    /// Takes them and gives a key to each block that `stored` tokens fill. Does nothing and returns
    /// nothing when fewer are free.
    std::optional<PrefixEvent> grow(PrefixTable& table, const CachedTokens& tokens,
                                    std::int64_t stored);

    /// Drops a use of each block, the last block first, and empties the table.
    PrefixEvent release(PrefixTable& table);

    std::int64_t block_size() const { return block_size_; }
    std::int64_t size() const { return static_cast<std::int64_t>(blocks_.size()); }
    /// Blocks without users: what can be taken, with a key or without.
    std::int64_t free() const { return free_; }
    std::int64_t used() const { return size() - free_; }
    /// Blocks that a request could find, used or waiting.
    std::int64_t keyed() const { return keyed_; }

    std::int64_t users(std::int32_t block) const { return at(block).users; }
    std::optional<BlockKey> key(std::int32_t block) const { return at(block).key; }
    /// The unused blocks, the one that goes next first.
    std::vector<std::int32_t> queue() const;

private:
    static constexpr std::int32_t none = -1;
    struct Block {
        std::optional<BlockKey> key;
        std::int64_t users = 0;
        std::int32_t before = none, after = none;  // in the queue
        // A ring of the blocks of the same key, by age; used only while there is a key.
        std::int32_t older_twin = none, younger_twin = none;
    };

    Block& at(std::int32_t block) { return blocks_[static_cast<std::size_t>(block)]; }
    const Block& at(std::int32_t block) const { return blocks_[static_cast<std::size_t>(block)]; }
    void enqueue(std::int32_t block);
    void dequeue(std::int32_t block);
    void add_key(std::int32_t block, BlockKey key);
    void drop_key(std::int32_t block);

    std::int64_t block_size_;
    bool reuse_;
    std::vector<Block> blocks_;
    std::int32_t front_ = none, back_ = none;
    std::int64_t free_ = 0, keyed_ = 0;
    std::unordered_map<BlockKey, std::int32_t> oldest_;  // the first of the twins of a key
};

}  // namespace nibble
