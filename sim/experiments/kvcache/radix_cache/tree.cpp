// The tree of the radix cache lab at one moment, with what the newest request found, added and
// pushed out.
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "sim/core/text.hpp"
#include "sim/experiments/kvcache/radix_cache/data.hpp"

namespace nibble::radix_cache_lab {
namespace {

// What can be read in a panel of ordinary height.
constexpr int most_lines = 10;
constexpr std::size_t most_ghosts = 4;

std::set<NodeId> path_of(const RadixTree& tree, NodeId end) {
    std::set<NodeId> path;
    for (; end != RadixTree::root; end = tree.node(end).parent) {
        path.insert(end);
    }
    return path;
}

/// Lines that a drawing of these nodes takes: its leaves, and one more for each node some of whose
/// children are left out.
int lines_of(const RadixTree& tree, const std::set<NodeId>& shown) {
    int lines = 0;
    for (const NodeId id : shown) {
        const auto& children = tree.node(id).children;
        const auto drawn = std::count_if(children.begin(), children.end(), [&](const auto& child) {
            return shown.count(child.second) > 0;
        });
        lines += drawn == 0 || drawn < static_cast<std::ptrdiff_t>(children.size()) ? 1 : 0;
    }
    return lines;
}

/// The root, and of the others those used last, as long as there are lines for them. A parent is
/// used whenever a child is, so each stands with its parents.
std::set<NodeId> shown_nodes(const RadixTree& tree, int lines) {
    std::vector<NodeId> nodes = tree.nodes();
    std::stable_sort(nodes.begin() + 1, nodes.end(), [&](NodeId a, NodeId b) {
        return tree.node(a).last_use > tree.node(b).last_use;
    });
    std::set<NodeId> shown = {RadixTree::root};
    std::set<NodeId> fitting = shown;
    constexpr std::size_t most_tried = 256;
    for (std::size_t i = 1; i < std::min(nodes.size(), most_tried); ++i) {
        shown.insert(nodes[i]);
        if (lines_of(tree, shown) <= lines) {
            fitting = shown;
        }
    }
    return fitting;
}

std::string node_text(const Data& d, const std::vector<CachedToken>& tokens) {
    return fmt::format("{} · {}", d.workload.describe(tokens), tokens.size());
}

class Drawing {
public:
    Drawing(const Data& d, const Moment& m, NodeId chosen)
        : d_(d), m_(m), chosen_(chosen), path_(path_of(m.tree, m.event.node)) {
        mark_.pick.param = "node";
    }

    Tree made() {
        const auto ghosts = std::min(m_.event.evicted.size(), most_ghosts);
        const std::set<NodeId> shown = shown_nodes(m_.tree, most_lines - static_cast<int>(ghosts));
        std::map<NodeId, std::pair<int, std::int64_t>> hidden;  // (parent): nodes, tokens
        for (const NodeId id : m_.tree.nodes()) {
            if (id == RadixTree::root) {
                add(id, -1, {-1, "root", {}, Role::muted});
            } else if (shown.count(id) > 0) {
                add(id, m_.tree.node(id).parent, drawn(id));
            } else {
                const NodeId above = nearest_shown(id);
                ++hidden[above].first;
                hidden[above].second += size_of(m_.tree.node(id));
            }
        }
        add_evicted();
        for (const auto& [above, sum] : hidden) {
            add(above, above,
                {-1, fmt::format("{} more · {}", sum.first, sum.second), {}, Role::muted});
        }
        return std::move(mark_);
    }

private:
    static std::int64_t size_of(const RadixNode& node) {
        return static_cast<std::int64_t>(node.tokens.size());
    }

    void add(NodeId picks, NodeId parent, Tree::Node node) {
        node.parent = parent < 0 ? -1 : place_.at(parent);
        if (place_.count(picks) == 0) {
            place_[picks] = static_cast<int>(mark_.nodes.size());
        }
        mark_.nodes.push_back(std::move(node));
        mark_.pick.values.emplace_back(static_cast<std::int64_t>(std::max(picks, 0)));
    }

    /// The node itself, or the lowest one above it that is drawn.
    NodeId nearest_shown(NodeId id) const {
        while (place_.count(id) == 0) {
            id = m_.tree.node(id).parent;
        }
        return id;
    }

    Tree::Node drawn(NodeId id) const {
        const RadixNode& node = m_.tree.node(id);
        const bool is_new = id == m_.event.node && m_.event.added > 0;
        Tree::Node n;
        n.text = (id == chosen_ ? "» " : "") + node_text(d_, node.tokens);
        n.role = is_new                ? computed_role
                 : path_.count(id) > 0 ? found_role
                 : node.users > 0      ? used_role
                                       : Role::muted;
        return n;
    }

    /// As they were before they went, where they hung.
    void add_evicted() {
        std::map<NodeId, int> ghosts;  // (node before): its place
        for (auto gone = m_.event.evicted.rbegin(); gone != m_.event.evicted.rend(); ++gone) {
            const RadixNode& was = m_.before.node(gone->node);
            if (ghosts.size() == most_ghosts) {
                break;
            }
            const auto kept = static_cast<std::ptrdiff_t>(size_of(was) - gone->tokens);
            const std::vector<CachedToken> tokens(was.tokens.begin() + kept, was.tokens.end());
            const NodeId parent = kept > 0 ? m_.event.cut : was.parent;
            const auto ghost = ghosts.find(parent);
            Tree::Node n{-1, node_text(d_, tokens), {}, evicted_role};
            n.parent = ghost != ghosts.end() && kept == 0 ? ghost->second
                                                          : place_.at(nearest_shown(parent));
            ghosts[gone->node] = static_cast<int>(mark_.nodes.size());
            mark_.nodes.push_back(std::move(n));
            mark_.pick.values.emplace_back(std::int64_t{0});
        }
    }

    const Data& d_;
    const Moment& m_;
    NodeId chosen_;
    std::set<NodeId> path_;
    std::map<NodeId, int> place_;  // index of a node in the mark
    Tree mark_;
};

std::string parts(int count, const char* one, const char* many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace

Moment moment_of(const Data& d, std::size_t step) {
    TreeCache cache(d.capacity);
    repeat_steps(d.workload, d.tree, step - 1, cache);
    const RadixTree before = cache.tree();
    const ReuseStep& s = d.step(step);
    for (const int id : s.left) {
        cache.leave(id);
    }
    cache.enter(s.request, d.request(s.request));
    return {step, before, cache.tree(), cache.last()};
}

Figure tree_figure(const Data& d, const Moment& m, NodeId chosen) {
    const ReuseRequest& request = d.request(d.step(m.step).request);
    const auto gone = static_cast<int>(m.event.evicted.size());
    Figure f;
    f.id = "tree";
    f.title =
        fmt::format("Request {}, {}: {} of {} prompt tokens found{}", m.step, request.name,
                    d.step(m.step).entered.reused, request.prompt,
                    gone > 0 ? fmt::format(", {} evicted", parts(gone, "leaf", "leaves")) : "");
    f.alt_text =
        "The tree of stored token sequences: what the newest request found on its way, what it "
        "added, what had to go for it, and what others hold.";
    f.x.hidden = f.y.hidden = true;
    f.marks.emplace_back(Drawing(d, m, chosen).made());
    const RadixNode& node = m.tree.node(chosen);
    f.footnote = fmt::format("» {}: {} tokens, {}, last used by request {}",
                             d.workload.describe(node.tokens), node.tokens.size(),
                             parts(static_cast<int>(node.users), "user", "users"), node.last_use);
    return f;
}

Figure key_figure() {
    Figure f;
    f.id = "key";
    f.title = "Colours of the tree";
    f.alt_text = "What the colours of the tree mean.";
    f.x.hidden = f.y.hidden = true;
    Tokens key;
    key.items = {{"found again", found_role},
                 {"computed now", computed_role},
                 {"held by another running request", used_role},
                 {"kept, nobody's", Role::muted},
                 {"evicted now", evicted_role}};
    f.marks.emplace_back(std::move(key));
    return f;
}

}  // namespace nibble::radix_cache_lab
