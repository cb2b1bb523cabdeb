// What the radix cache lab computes, and its figures.
#pragma once

#include <string>

#include "sim/core/outcome.hpp"
#include "sim/kvcache/reuse_replay.hpp"

namespace nibble::radix_cache_lab {

struct Data {
    ReuseWorkload workload;
    std::int64_t capacity = 0, block_size = 0;
    int batch = 1;
    EntryOrder order = EntryOrder::arrival;
    // The same requests through each. `other` is the tree with requests entering in the other
    // order.
    ReuseReplay none, blocks, tree, other, unlimited;

    std::size_t count() const { return tree.steps.size(); }
    const ReuseRequest& request(int id) const {
        return workload.requests[static_cast<std::size_t>(id)];
    }
    const ReuseStep& step(std::size_t number) const { return tree.steps[number - 1]; }
};

inline constexpr Role found_role = Role::subject, computed_role = category(1),
                      used_role = category(2), evicted_role = Role::limit;

/// The tree after `step` steps, counted from 1, and what the last of them did.
struct Moment {
    std::size_t step = 1;
    RadixTree before, tree;
    RadixEvent event;
};
Moment moment_of(const Data& d, std::size_t step);

/// Of many nodes those used last, the others of a parent summed up. The footnote tells of the
/// chosen one.
Figure tree_figure(const Data& d, const Moment& m, NodeId chosen);
/// What the colours of the tree mean.
Figure key_figure();
Figure hit_rate_figure(const Data& d, std::size_t step);
Figure computed_figure(const Data& d, std::size_t step);
Figure size_figure(const Data& d, std::size_t step);

std::string finding(const Data& d);
std::string explanation(const Data& d, const Moment& m);
std::vector<Metric> metrics(const Data& d);
std::vector<Table> tables(const Data& d);
std::vector<Equation> equations(const Data& d, const Moment& m);
Timeline timeline(const Data& d);

}  // namespace nibble::radix_cache_lab
