// A paged KV cache (Kwon et al. 2023, section 4): each sequence's tokens lie in blocks of
// block_size slots anywhere in memory, and its block table says where.
//
//   token t of a sequence  ->  slot t % block_size of block block_table[t / block_size]
//
// Sequences that begin alike point to the same blocks; a block counts its users. Writing into a
// block that others use copies it first (copy-on-write). When no block is free a sequence gives
// its blocks back: released, to be recomputed later, or swapped out to a second pool on the host.
// What keys lie in a block, and who may reuse them, is not this file's business.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "sim/kvcache/block_pool.hpp"
#include "sim/kvcache/event.hpp"

namespace nibble {

/// ceil(tokens / block_size).
constexpr std::int64_t blocks_for(std::int64_t tokens, std::int64_t block_size) {
    return (tokens + block_size - 1) / block_size;
}

class PagedCache {
public:
    using SequenceId = std::int64_t;

    struct Settings {
        int blocks = 1, block_size = 16;
        int watermark_blocks = 0;  // stay free when a sequence is admitted, for those that grow
        int host_blocks = 0;       // room for swapped blocks
    };

    struct Sequence {
        std::vector<int> block_table;  // (logical block); host blocks while swapped out
        std::int64_t tokens = 0;
        bool on_host = false;
    };

    explicit PagedCache(const Settings& settings);

    // Each returns what happened, or nothing when blocks are missing: then nothing has changed.
    // Sequences are named by the caller; naming one that is not there, or is there twice, is a
    // broken invariant.

    /// A sequence of `tokens` tokens in blocks of its own.
    std::optional<CacheEvents> admit(SequenceId sequence, std::int64_t tokens);
    /// The same with its first blocks shared: `prefix` holds full blocks, in use or free.
    std::optional<CacheEvents> admit(SequenceId sequence, std::int64_t tokens,
                                     std::span<const int> prefix);
    /// One more token: in place, in a new block after a full one, or in a copy of a shared one.
    std::optional<CacheEvents> append(SequenceId sequence);
    /// `child` begins as `parent` is now, with all of its blocks.
    CacheEvents fork(SequenceId parent, SequenceId child);
    /// Gives every block back, the last one first.
    CacheEvents release(SequenceId sequence);
    /// Moves sequences that share blocks to the host together, each block once.
    std::optional<CacheEvents> swap_out(std::span<const SequenceId> group);
    /// And back, into whichever blocks are free. Keeps the watermark as admit() does.
    std::optional<CacheEvents> swap_in(std::span<const SequenceId> group);

    bool can_admit(std::int64_t tokens) const;
    /// Blocks that append() would take: 0 or 1.
    int blocks_to_append(SequenceId sequence) const;

    const Sequence& sequence(SequenceId id) const;
    const std::vector<int>& block_table(SequenceId id) const { return sequence(id).block_table; }
    bool holds(SequenceId id) const { return sequences_.count(id) > 0; }
    const std::unordered_map<SequenceId, Sequence>& sequences() const { return sequences_; }

    const Settings& settings() const { return settings_; }
    const BlockPool& pool() const { return device_; }
    const BlockPool& host_pool() const { return host_; }
    int free_blocks() const { return device_.free_blocks(); }
    int ref_count(int block) const { return device_.ref_count(block); }
    /// Copies that copy-on-write has made so far.
    std::int64_t copies() const { return copies_; }

private:
    Sequence& at(SequenceId id);
    void give_back(SequenceId id, Sequence& sequence, BlockPool& pool, CacheEvents& events) const;
    std::optional<CacheEvents> move(std::span<const SequenceId> group, bool to_host);

    Settings settings_;
    BlockPool device_, host_;
    std::unordered_map<SequenceId, Sequence> sequences_;
    std::int64_t copies_ = 0;
};

}  // namespace nibble
