// What an operation on a KV cache did: the steps that a block-table debugger shows and that tests
// follow. An operation that does several things returns several events, in the order they happened.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nibble {

struct CacheEvent {
    enum class Kind {
        stored,       // a token into a place that the sequence already holds
        taken,        // a free block (or a chunk of slots) now belongs to the sequence
        shared,       // one more user of a block that is in use
        copied,       // copy-on-write: the filled slots of `source` were copied into `block`
        dropped,      // one user fewer; others still use the block
        freed,        // the last user left: the block is free
        swapped_out,  // device block `source` copied to host block `block`
        swapped_in,   // host block `source` copied to device block `block`
    };
    Kind kind = Kind::stored;
    std::int64_t sequence = 0;
    std::int64_t block = 0;    // its number; of a contiguous chunk its first slot
    std::int64_t source = -1;  // of a copy or a swap; negative: none
    std::int64_t slots = 0;    // tokens that fit into it

    friend bool operator==(const CacheEvent&, const CacheEvent&) = default;
};

using CacheEvents = std::vector<CacheEvent>;

/// What `who` did: "B copies block 3 to block 7".
std::string describe(const CacheEvent& event, std::string_view who);

}  // namespace nibble
