// The same requests replayed into a cache that reserves the maximum length for each, into one that
// reserves less, and into a paged one: maps of the three memories side by side, step by step, and
// where the rest of the memory went (Kwon et al. 2023, figures 2 and 3).
#include <algorithm>
#include <fmt/format.h>

#include "sim/experiments/kvcache/fragmentation/data.hpp"

namespace nibble::fragmentation_lab {
namespace {

struct Params {
    int block_size = 16;
    std::int64_t max_len = 2048, capacity_slots = 15696;
    LengthMix traffic = LengthMix::chat;
    std::string trace;
    Placement policy = Placement::paged;
    double watermark = 0;
    std::int64_t step = 240;
    int request = 0;  // counted from 1; 0: none
    bool per_step = false;

    CacheSize size() const {
        CacheSize size{capacity_slots, max_len, block_size, 0};
        size.watermark_blocks =
            static_cast<int>(watermark / 100 * static_cast<double>(size.blocks()));
        return size;
    }
};

/// Takes away what these settings cannot hold. Throws Error::bad_param when nothing is left.
void keep_what_fits(const Params& p, Data& d) {
    d.left_out = std::erase_if(d.trace.requests, [&](const Request& r) {
        return r.tokens() > p.max_len || !can_ever_run(p.policy, r, d.size);
    });
    if (d.trace.requests.empty()) {
        throw Error(Error::Code::bad_param,
                    fmt::format("max_len = {}, capacity_slots = {}: no request of {} fits ({})",
                                p.max_len, p.capacity_slots, d.trace.name, label(p.policy)),
                    "raise max_len or capacity_slots");
    }
}

Memory memory_of(Placement placement, Role role, const Data& d, bool wanted,
                 const RunContext& context) {
    Memory memory{placement, role, std::nullopt, {}};
    try {
        memory.replay = replay(placement, d.trace, d.size, [&] { context.check(); });
    } catch (const Error& error) {
        if (wanted || error.code() == Error::Code::cancelled) {
            throw;  // of the others the map says it
        }
        memory.why_not = error.what();
    }
    return memory;
}

Data run(const Params& p, const RunContext& context) {
    context.check();
    Data d;
    d.size = p.size();
    if (p.trace.empty()) {
        d.trace = trace_of(p.traffic);
        d.source = source_of(p.traffic);
        keep_what_fits(p, d);
    } else {
        d.trace = read_trace(p.trace);
    }
    const bool is_middle = p.policy != Placement::max && p.policy != Placement::paged;
    const Placement middle = is_middle ? p.policy : Placement::pow2_buddy;
    d.chosen = is_middle ? 1 : p.policy == Placement::max ? 0 : 2;
    const Placement shown[] = {Placement::max, middle, Placement::paged};
    constexpr Role roles[] = {Role::baseline, Role::category3, Role::subject};
    for (std::size_t k = 0; k < std::size(shown); ++k) {
        d.memories.push_back(memory_of(shown[k], roles[k], d, k == d.chosen, context));
    }
    return d;
}

Outcome show(const Params& p, const Data& d) {
    Look look;
    look.step = std::clamp<std::int64_t>(p.step, 1, d.last_step());
    look.request = std::min(p.request, static_cast<int>(d.trace.requests.size())) - 1;
    look.per_step = p.per_step;
    Outcome o;
    o.rows = figures(d, look);
    describe(d, look, o);
    return o;
}

Schema<Params> schema() {
    return {
        integer("block_size", &Params::block_size, {1, 1024, Scale::log2, {{1, 256}}})
            .unit("tokens")
            .help("Larger blocks leave more of each request's last one empty."),
        integer("max_len", &Params::max_len, {1, 1048576, Scale::log2, {{256, 16384}}})
            .label("Maximum length")
            .unit("tokens")
            .help("The longest a request may get: what is reserved for each when nothing is "
                  "known of it."),
        integer("capacity_slots", &Params::capacity_slots,
                {16, 4194304, Scale::log2, {{1024, 262144}}})
            .label("Cache")
            .unit("slots")
            .help("Tokens whose keys and values fit into the memory beside the weights."),
        choice("traffic", &Params::traffic, length_mix_choices())
            .help("Whose lengths the requests have: short questions and long answers, or the "
                  "other way round.")
            .when([](const Params& p) { return p.trace.empty(); }),
        file("trace", &Params::trace, {".csv"})
            .label("Own requests")
            .help("A CSV file with the columns prompt and output, in tokens; all requests wait "
                  "at step 0.")
            .advanced(),
        choice("policy", &Params::policy, placement_choices())
            .label("Numbers of")
            .help("The allocator that the numbers, the table and the middle map are about.")
            .advanced(),
        real("watermark", &Params::watermark, {0, 50})
            .unit("%")
            .help("Blocks kept free when a request is admitted, for those that grow: fewer "
                  "preemptions, fewer at once.")
            .advanced(),
        integer("step", &Params::step, {1, 1e12, Scale::linear, {{1, 2000}}})
            .help("The moment shown: every running request gets one token a step.")
            .view(),
        integer("request", &Params::request, {0, most_kept_requests, Scale::linear, {{0, 200}}})
            .help("Shows where this request lies in every memory; 0 shows all.")
            .view(),
        boolean("per_step", &Params::per_step)
            .label("Table of steps")
            .help("Adds a table with a row for every step of the chosen allocator.")
            .view()
            .advanced(),
    };
}

}  // namespace
Experiment lab() {
    return define<Params, Data>(
        "fragmentation", "KV cache", "Fragmentation",
        "Where does the memory for keys and values go, and why do pages serve more requests?",
        schema(), run, show);
}

}  // namespace nibble::fragmentation_lab
