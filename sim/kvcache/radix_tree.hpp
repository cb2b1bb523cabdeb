// A KV cache as a tree of token sequences: RadixAttention (Zheng et al. 2024, SGLang,
// arXiv:2312.07104, section 3), token by token, with LRU eviction of leaves.
//
// A node holds a run of tokens; the path from the root to a node spells a sequence whose keys and
// values are stored. A new request walks down as far as its tokens agree, cuts a node in two where
// they part, and adds the rest as a leaf. It uses every node of its path until it is released; the
// nodes stay. When room is needed, the leaf without users that was used longest ago goes, whole;
// its parent may then be the next. A parent has at least the users of each of its children, so the
// nodes without users hang below the others, and all of them can go.
//
// The clock counts inserts, which are all that uses a node: a release does not make it younger. Two
// leaves are never equally old, because one insert uses one path.
//
//     RadixTree tree(10'000);
//     const auto event = tree.insert(tokens);  // what was there, what was added, what had to go
//     if (event) tree.release(event->node);    // or: no room, and nothing was done
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "sim/kvcache/cached_tokens.hpp"

namespace nibble {

using NodeId = std::int32_t;

struct RadixNode {
    NodeId parent = -1;                      // of the root, which holds no tokens: -1
    std::vector<CachedToken> tokens;         // of this node alone
    std::int64_t users = 0;                  // requests whose path goes through it
    std::int64_t last_use = 0;               // number of the insert that last went through it
    std::map<CachedToken, NodeId> children;  // by their first token
};

/// What an insert did.
struct RadixEvent {
    std::int64_t matched = 0, added = 0;  // tokens found and tokens stored anew
    NodeId node = 0;                      // where the sequence ends
    NodeId cut = -1;                      // the new upper half of a node that was cut; -1: none
    struct Evicted {
        NodeId node = -1;
        std::int64_t tokens = 0;
        bool operator==(const Evicted&) const = default;
    };
    std::vector<Evicted> evicted;  // in the order they went
};

class RadixTree {
public:
    static constexpr NodeId root = 0;

    /// Room for `capacity` > 0 tokens.
    explicit RadixTree(std::int64_t capacity);

    /// The longest prefix of `tokens` that is stored, in tokens.
    std::int64_t match(std::span<const CachedToken> tokens) const;

    /// Stores `tokens` (at least one), and takes a use of their path. Evicts what is needed, never
    /// of the path itself. Does nothing and returns nothing when all leaves without users are too
    /// few.
    std::optional<RadixEvent> insert(std::span<const CachedToken> tokens);

    /// Drops a use of the path to `node`, which insert() returned.
    void release(NodeId node);

    std::int64_t capacity() const { return capacity_; }
    std::int64_t size() const { return size_; }  // tokens stored
    std::int64_t used() const { return used_; }  // of these, in nodes with users
    std::int64_t inserts() const { return clock_; }

    /// Nodes of the tree, parents before children, the root first; ids are kept while a node lives
    /// and are given again afterwards.
    std::vector<NodeId> nodes() const;
    const RadixNode& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }

private:
    /// Where a walk ended: `matched` tokens down, `inside` of them in `node`.
    struct Place {
        NodeId node = root;
        std::int64_t matched = 0;
        std::size_t inside = 0;
    };

    RadixNode& at(NodeId id) { return nodes_[static_cast<std::size_t>(id)]; }
    Place walk(std::span<const CachedToken> tokens) const;
    std::int64_t newly_used(const Place& end) const;
    NodeId new_node();
    NodeId cut(NodeId node, std::size_t length);
    NodeId add_leaf(NodeId parent, std::span<const CachedToken> tokens);
    void use_path(NodeId end);
    void evict(std::int64_t room, RadixEvent& event);
    void note_idle_leaf(NodeId id);

    std::int64_t capacity_, size_ = 0, used_ = 0, clock_ = 0;
    std::vector<RadixNode> nodes_;
    std::vector<NodeId> spare_;                              // ids to give again, the last first
    std::set<std::pair<std::int64_t, NodeId>> idle_leaves_;  // (last use, node): LRU first
};

}  // namespace nibble
