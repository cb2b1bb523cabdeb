// Figures of the vLLM paper beside the same quantities computed here from real request lengths:
// where the memory goes, how many requests run at a time, which block size, what sharing saves
// (Kwon et al. 2023, arXiv:2309.06180, figures 2, 13, 15, 18).
//
// No step takes any time here, so throughput and latency of that paper are not reproduced.
#include "sim/experiments/kvcache/reproduce_the_figure/data.hpp"

namespace nibble::reproduce_the_figure_lab {
namespace {

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    o.finding = finding(p, d);
    o.explanation = explanation(p, d);
    o.metrics = metrics(p, d);
    o.tables = tables(p, d);
    o.equations = equations(p, d);
    o.rows = p.panel == Panel::memory       ? memory_rows(p, d)
             : p.panel == Panel::block_size ? block_size_rows(p, d)
                                            : sharing_rows(d);
    return o;
}

Schema<Params> schema() {
    return {
        choice("panel", &Params::panel,
               {{"memory", "memory"}, {"block_size", "block size"}, {"sharing", "sharing"}})
            .label("Printed figure")
            .help("Which of the paper's comparisons stands beside the computed one.")
            .view(),
        choice("allocator", &Params::allocator, {{"buddy", "buddy"}, {"first_fit", "first fit"}})
            .label("Contiguous pieces by")
            .help("The paper's baselines use a buddy allocator, which rounds up to powers of two; "
                  "first fit wastes less, and more requests run."),
        choice("average", &Params::average,
               {{"all_steps", "all steps"}, {"while_waiting", "while some wait"}})
            .label("Mean over")
            .help("All steps to the last request, or only those with a line before the cache: the "
                  "emptying end lowers the mean, most where the batch is large.")
            .view(),
        integer("block_size", &Params::block_size, {1, 256, Scale::log2})
            .label("Block size")
            .unit("tokens")
            .help("Larger blocks leave more slots of the last block empty, and share less."),
        real("dropped", &Params::dropped, {0, 1, Scale::linear, {{0, 0.2}}})
            .label("Beams dropped a step")
            .help("Chance of a beam to be dropped for a copy of another: the more, the younger is "
                  "what beams have in common, and the more blocks they share. An assumption.")
            .when([](const Params& p) { return p.panel == Panel::sharing; }),
        integer("capacity_slots", &Params::capacity_slots, {4096, 1'048'576, Scale::log2})
            .label("Room in the cache")
            .unit("tokens")
            .help("The paper prints 15.7 thousand; with more room more requests run at a time.")
            .advanced(),
        integer("max_len", &Params::max_len, {2048, 4096, Scale::log2})
            .label("Maximum length")
            .unit("tokens")
            .help("What the first policy sets aside for every request.")
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "reproduce-the-figure", "KV cache", "Reproduce the figure",
        "Does the printed figure come out again when its rules are run on real requests?", schema(),
        run, show);
}

}  // namespace nibble::reproduce_the_figure_lab
