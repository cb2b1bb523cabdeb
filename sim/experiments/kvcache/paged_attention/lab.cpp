// What it costs to read a KV cache that lies in pieces: one layer of decode attention over the same
// tokens in one piece and in blocks behind a block table (Kwon et al. 2023), timed beside each
// other on this machine, compared bit by bit, and counted on the emulator.
#include "sim/experiments/kvcache/paged_attention/figures.hpp"
#include "sim/roofline/catalogue.hpp"

namespace nibble::paged_attention_lab {
namespace {

using paged_attention_lab::Data;
using paged_attention_lab::Order;

struct Params {
    int block_size = 16, context = 4096, batch = 1, sharing = 4;
    Order order = Order::shuffled;
    std::string device = "h200-sxm";

    paged_attention_lab::Job job() const { return {context, batch, sharing, order}; }
};

Data run(const Params& p, const RunContext& context) {
    return paged_attention_lab::measure(p.job(), context);
}

Outcome show(const Params& p, const Data& data) {
    const paged_attention_lab::Focus focus{p.block_size, p.device};
    Outcome outcome;
    paged_attention_lab::describe(data, focus, outcome);
    outcome.rows = paged_attention_lab::figures(data, focus);
    return outcome;
}

/// The devices of whose attention there are recorded times.
std::vector<Choice> recorded_choices() {
    std::vector<Choice> choices;
    for (const Choice& device : device_choices()) {
        const Measurements* const m = catalogue().measured(device.name);
        if (m != nullptr && !m->attentions.empty()) {
            choices.push_back(device);
        }
    }
    return choices;
}

Schema<Params> schema() {
    return {
        integer("block_size", &Params::block_size, {1, 256, Scale::log2})
            .unit("tokens")
            .help("Small blocks are found one by one and read in small pieces; large ones leave "
                  "more of the last one empty.")
            .view(),
        integer("context", &Params::context, {256, 8192, Scale::log2})
            .unit("tokens")
            .help("Tokens of each sequence in the cache; all of them are read for one new token."),
        integer("batch", &Params::batch, {1, 4})
            .label("Sequences")
            .help("Each brings its own cache: twice as many, twice as much to read."),
        integer("sharing", &Params::sharing, {1, 8, Scale::log2})
            .label("Query heads a KV head")
            .help("Heads that share keys and values: more arithmetic for each byte read."),
        choice("order", &Params::order, {{"shuffled", "shuffled"}, {"in_order", "in order"}})
            .label("Blocks lie")
            .help("Shuffled, as after hours of allocation, or one behind the other, as at first.")
            .advanced(),
        named("device", &Params::device, recorded_choices())
            .label("Recorded on")
            .help("The GPU whose recorded times stand beside its roofline, apart from what is "
                  "measured here.")
            .view()
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "paged-attention", "KV cache", "Paged attention",
        "What does it cost to read a cache that lies in pieces all over the memory?", schema(), run,
        show);
}

}  // namespace nibble::paged_attention_lab
