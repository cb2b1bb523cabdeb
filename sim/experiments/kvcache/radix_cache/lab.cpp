// Requests with shared beginnings grow a tree of their tokens: what it finds again, what it
// forgets, and how much of the prompts is left to compute, beside prefix blocks and a cache that
// finds nothing (Zheng et al. 2024, SGLang, arXiv:2312.07104; Kwon et al. 2023, arXiv:2309.06180).
//
// Reuse is simulated on tokens that stand for text; no model runs, and a step takes no time.
#include <algorithm>

#include "sim/core/experiment.hpp"
#include "sim/experiments/kvcache/radix_cache/data.hpp"

namespace nibble::radix_cache_lab {
namespace {

struct Params {
    ReuseKind workload = ReuseKind::chat;
    int capacity = 2048, block_size = 16;
    EntryOrder order = EntryOrder::arrival;
    int groups = 6, rounds = 5, shared_tokens = 160, batch = 2;
    std::string trace;
    int step = 16, node = 0;

    ReuseShape shape() const { return {workload, groups, rounds, shared_tokens}; }
};

Data run(const Params& p, const RunContext& context) {
    Data d;
    d.workload = p.trace.empty() ? make_workload(p.shape(), context.rng("radix-cache"))
                                 : workload_of(read_trace(p.trace));
    d.capacity = p.capacity;
    d.block_size = p.block_size;
    d.batch = p.batch;
    d.order = p.order;
    const auto replayed = [&](ReuseCache&& cache, EntryOrder order) {
        return replay_reuse(d.workload, cache, order, p.batch, [&] { context.check(); });
    };
    const EntryOrder other =
        p.order == EntryOrder::arrival ? EntryOrder::longest_prefix : EntryOrder::arrival;
    std::int64_t all_tokens = 0;
    for (const ReuseRequest& r : d.workload.requests) {
        all_tokens += r.size();
    }
    d.tree = replayed(TreeCache(p.capacity), p.order);
    context.progress(0.2);
    d.blocks = replayed(BlockCache(p.capacity, p.block_size, true), p.order);
    context.progress(0.4);
    d.none = replayed(BlockCache(p.capacity, p.block_size, false), p.order);
    context.progress(0.6);
    d.other = replayed(TreeCache(p.capacity), other);
    context.progress(0.8);
    d.unlimited = replayed(TreeCache(all_tokens), p.order);
    return d;
}

Outcome show(const Params& p, const Data& d) {
    const std::size_t step =
        std::clamp<std::size_t>(static_cast<std::size_t>(p.step), 1, d.count());
    const Moment m = moment_of(d, step);
    const std::vector<NodeId> there = m.tree.nodes();
    const NodeId chosen =
        std::find(there.begin(), there.end(), p.node) != there.end() && p.node != RadixTree::root
            ? p.node
            : m.event.node;
    Outcome o;
    o.finding = finding(d);
    o.explanation = explanation(d, m);
    o.metrics = metrics(d);
    o.tables = tables(d);
    o.equations = equations(d, m);
    o.timeline = timeline(d);
    o.rows = {{1.2, {tree_figure(d, m, chosen)}},
              {0.16, {key_figure()}},
              {0.76, {hit_rate_figure(d, step), computed_figure(d, step), size_figure(d, step)}}};
    return o;
}

Schema<Params> schema() {
    const auto made_up = [](const Params& p) { return p.trace.empty(); };
    return {
        choice("workload", &Params::workload,
               {{"chat", "chat"},
                {"few_shot", "few-shot"},
                {"tree_of_thought", "tree of thought"},
                {"unrelated", "unrelated"}})
            .help(
                "Who shares what: turns of a conversation all before them, questions the examples "
                "of their task, thoughts the thoughts they follow.")
            .when(made_up),
        integer("capacity", &Params::capacity, {64, 10'000'000, Scale::log2, {{1024, 65536}}})
            .unit("tokens")
            .help("Room in the cache: with more of it less is evicted, and more found again."),
        integer("block_size", &Params::block_size, {1, 1024, Scale::log2, {{1, 256}}})
            .label("Block size")
            .unit("tokens")
            .help("Of the prefix blocks: larger ones find less, because only full ones count."),
        choice("order", &Params::order,
               {{"arrival", "first come"}, {"longest_prefix", "longest prefix"}})
            .label("Who enters next")
            .help("The request that waited longest, or the one of which the cache holds most: "
                  "the latter finds what is about to be forgotten."),
        integer("groups", &Params::groups, {1, 16})
            .label("Chats, tasks or problems")
            .help("More of them at a time push each other out.")
            .when(made_up)
            .advanced(),
        integer("rounds", &Params::rounds, {1, 12})
            .label("Turns, questions or levels")
            .help("Requests of each: the later ones find what the earlier ones stored.")
            .when(made_up)
            .advanced(),
        integer("shared_tokens", &Params::shared_tokens, {1, 2048, Scale::log2})
            .label("Shared beginning")
            .unit("tokens")
            .help("The system prompt, the examples of a task or the statement of a problem.")
            .when(made_up)
            .advanced(),
        integer("batch", &Params::batch, {1, 256, Scale::log2})
            .label("Requests at a time")
            .help("What running requests hold cannot be evicted.")
            .advanced(),
        file("trace", &Params::trace, {".csv"})
            .label("Trace")
            .help("Your own requests: a CSV file with the columns prompt, output, prefix_id and "
                  "prefix_len. They take the place of the made-up ones.")
            .advanced(),
        integer("step", &Params::step, {1, 1'000'000})
            .help("The request that has just entered.")
            .view(),
        integer("node", &Params::node, {0, 1'000'000})
            .help("The node whose tokens are told; 0 is the end of the newest request's path.")
            .view()
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "radix-cache", "KV cache", "Radix cache",
        "How much of a prompt has been computed before, and is still there?", schema(), run, show);
}

}  // namespace nibble::radix_cache_lab
