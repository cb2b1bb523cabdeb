#include "sim/kvcache/radix_tree.hpp"

#include <algorithm>

namespace nibble {
namespace {

std::int64_t length(const RadixNode& node) {
    return static_cast<std::int64_t>(node.tokens.size());
}

}  // namespace

RadixTree::RadixTree(std::int64_t capacity) : capacity_(capacity), nodes_(1) {
    NIBBLE_ASSERT(capacity > 0, "a cache has room");
}

RadixTree::Place RadixTree::walk(std::span<const CachedToken> tokens) const {
    Place p;
    while (p.inside == node(p.node).tokens.size() && !tokens.empty()) {
        const auto& children = node(p.node).children;
        const auto child = children.find(tokens.front());
        if (child == children.end()) {
            break;
        }
        const std::vector<CachedToken>& held = node(child->second).tokens;
        const auto differs =
            std::mismatch(held.begin(), held.end(), tokens.begin(), tokens.end()).first;
        p.node = child->second;
        p.inside = static_cast<std::size_t>(differs - held.begin());
        p.matched += static_cast<std::int64_t>(p.inside);
        tokens = tokens.subspan(p.inside);
    }
    return p;
}

std::int64_t RadixTree::match(std::span<const CachedToken> tokens) const {
    return walk(tokens).matched;
}

NodeId RadixTree::new_node() {
    if (spare_.empty()) {
        nodes_.emplace_back();
        return static_cast<NodeId>(nodes_.size() - 1);
    }
    const NodeId id = spare_.back();
    spare_.pop_back();
    return id;
}

/// Cuts the first `length` tokens off `node` into a new parent of it. The lower half keeps its id,
/// because requests that end there hold it.
NodeId RadixTree::cut(NodeId id, std::size_t count) {
    const NodeId upper = new_node();
    RadixNode &top = at(upper), &bottom = at(id);
    const auto middle = bottom.tokens.begin() + static_cast<std::ptrdiff_t>(count);
    top.parent = bottom.parent;
    top.tokens.assign(bottom.tokens.begin(), middle);
    top.users = bottom.users;
    top.last_use = bottom.last_use;
    bottom.tokens.erase(bottom.tokens.begin(), middle);
    bottom.parent = upper;
    top.children = {{bottom.tokens.front(), id}};
    at(top.parent).children[top.tokens.front()] = upper;
    return upper;
}

NodeId RadixTree::add_leaf(NodeId parent, std::span<const CachedToken> tokens) {
    const NodeId leaf = new_node();
    at(leaf).parent = parent;
    at(leaf).tokens.assign(tokens.begin(), tokens.end());
    at(parent).children[tokens.front()] = leaf;
    size_ += length(node(leaf));
    return leaf;
}

/// Tokens on the path to `end` that have no user yet: they may not be evicted for its sake.
std::int64_t RadixTree::newly_used(const Place& end) const {
    std::int64_t tokens = 0;
    for (NodeId id = end.node; id != root && node(id).users == 0; id = node(id).parent) {
        tokens += id == end.node ? static_cast<std::int64_t>(end.inside) : length(node(id));
    }
    return tokens;
}

void RadixTree::use_path(NodeId end) {
    for (NodeId id = end; id != root; id = node(id).parent) {
        idle_leaves_.erase({node(id).last_use, id});
        at(id).last_use = clock_;
        if (at(id).users++ == 0) {
            used_ += length(node(id));
        }
    }
}

void RadixTree::note_idle_leaf(NodeId id) {
    if (id != root && node(id).users == 0 && node(id).children.empty()) {
        idle_leaves_.emplace(node(id).last_use, id);
    }
}

void RadixTree::evict(std::int64_t room, RadixEvent& event) {
    while (capacity_ - size_ < room) {
        NIBBLE_ASSERT(!idle_leaves_.empty(), "what is not in use can go, leaf by leaf");
        const NodeId leaf = idle_leaves_.begin()->second;
        idle_leaves_.erase(idle_leaves_.begin());
        const NodeId parent = node(leaf).parent;
        at(parent).children.erase(node(leaf).tokens.front());
        size_ -= length(node(leaf));
        event.evicted.push_back({leaf, length(node(leaf))});
        at(leaf) = RadixNode{};
        spare_.push_back(leaf);
        note_idle_leaf(parent);
    }
}

std::optional<RadixEvent> RadixTree::insert(std::span<const CachedToken> tokens) {
    NIBBLE_ASSERT(!tokens.empty(), "a request has tokens");
    const Place end = walk(tokens);
    RadixEvent event;
    event.matched = end.matched;
    event.added = static_cast<std::int64_t>(tokens.size()) - end.matched;
    if (used_ + newly_used(end) + event.added > capacity_) {
        return std::nullopt;
    }
    ++clock_;
    event.node = end.node;
    if (end.inside < node(end.node).tokens.size()) {
        event.node = event.cut = cut(end.node, end.inside);
    }
    use_path(event.node);
    evict(event.added, event);
    if (event.added > 0) {
        event.node = add_leaf(event.node, tokens.subspan(static_cast<std::size_t>(event.matched)));
        at(event.node).last_use = clock_;
        at(event.node).users = 1;
        used_ += event.added;
    }
    return event;
}

void RadixTree::release(NodeId end) {
    for (NodeId id = end; id != root; id = node(id).parent) {
        NIBBLE_ASSERT(node(id).users > 0, "a path is released as often as it was inserted");
        if (--at(id).users == 0) {
            used_ -= length(node(id));
            note_idle_leaf(id);
        }
    }
}

std::vector<NodeId> RadixTree::nodes() const {
    std::vector<NodeId> order = {root};
    for (std::size_t i = 0; i < order.size(); ++i) {
        for (const auto& [token, child] : node(order[i]).children) {
            order.push_back(child);
        }
    }
    return order;
}

}  // namespace nibble
