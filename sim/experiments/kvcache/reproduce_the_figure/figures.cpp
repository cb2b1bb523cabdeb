// Printed bars beside computed bars.
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/kvcache/reproduce_the_figure/data.hpp"

namespace nibble::reproduce_the_figure_lab {
namespace {

constexpr Role printed_role = Role::reference, computed_role = Role::subject;

std::string over(Average average) {
    return average == Average::all_steps ? "over all steps" : "while some wait";
}

/// For each policy two stacked bars: as printed, and as computed.
Figure memory_figure(const Data& d) {
    Figure f;
    f.id = "memory-breakdown";
    f.title = "Where the room goes while requests wait";
    f.alt_text =
        "Stacked bars for each policy, printed and computed: token states, reservation, internal "
        "fragmentation, external fragmentation and others.";
    f.x = {.label = "share of the room"};
    f.x.style = NumberStyle::percent;
    f.x.limits = std::pair(0.0, 1.0);
    f.y = {.label = ""};
    Bars bars;
    bars.stacked = true;
    bars.horizontal = true;
    bars.value_labels = false;
    Bars::Series used{"token states", category(2), {}}, reserved{"reserved", category(0), {}},
        internal{"internal", category(1), {}}, external{"external, others", category(3), {}};
    const auto add = [&](std::string name, double u, double r, double i, double e) {
        bars.names.push_back(std::move(name));
        used.values.push_back(u);
        reserved.values.push_back(r);
        internal.values.push_back(i);
        external.values.push_back(e);
    };
    for (std::size_t k = 0; k < d.replays.size(); ++k) {
        const PrintedMemory& m = published_vllm().memory[k];
        const Means& c = d.replays[k].while_waiting;
        add(m.name + ", printed", m.token_states, m.reservation.value_or(0), m.internal.value_or(0),
            m.external.value_or(0));
        add("computed", c.token_states, c.reservation, c.internal, c.rounding + c.external());
    }
    bars.series = {used, reserved, internal, external};
    f.marks.emplace_back(std::move(bars));
    f.footnote = "Buddy rounding counts as external.";
    return f;
}

Figure batch_figure(const Params& p, const Data& d) {
    Figure f;
    f.id = "mean-batch";
    f.title = fmt::format("Requests at a time, {}", over(p.average));
    f.alt_text = "Bars: mean number of requests at a time, printed and computed, for each policy.";
    f.x = {.label = ""};
    f.y = {.label = "requests"};
    Bars bars;
    Bars::Series printed{"printed", printed_role, {}}, computed{"computed", computed_role, {}};
    for (const Replayed& r : d.replays) {
        bars.names.push_back(short_name(r.placement));
        printed.values.push_back(published_vllm().batch_of(r.printed).sharegpt);
        computed.values.push_back(r.over(p.average).batch);
    }
    bars.series = {printed, computed};
    f.marks.emplace_back(std::move(bars));
    return f;
}

Figure sweep_figure(const Params& p, const Data& d, bool batch) {
    Figure f;
    f.id = batch ? "batch-by-block-size" : "unfilled-by-block-size";
    f.title = batch ? fmt::format("Requests at a time, {}", over(p.average))
                    : std::string("Slots in taken blocks that hold nothing");
    f.alt_text = batch ? "Mean batch against the block size, with the range printed as fastest."
                       : "Share of unfilled slots against the block size, with the range printed "
                         "as fastest.";
    f.x = {.label = "block size", .unit = "tokens", .scale = Scale::log2};
    f.y = {.label = batch ? "requests" : "unfilled"};
    f.y.style = batch ? NumberStyle::plain : NumberStyle::percent;
    Line line{"computed", computed_role, {}, {}};
    line.markers = true;
    double top = 0;
    for (const AtBlockSize& at : d.by_block_size) {
        const Means& m = p.average == Average::all_steps ? at.all_steps : at.while_waiting;
        line.x.push_back(at.block_size);
        line.y.push_back(batch ? m.batch : at.unfilled);
        top = std::max(top, line.y.back());
    }
    const double* ends = published_vllm().best_block_size;
    f.y.limits = std::pair(0.0, 1.15 * top);
    f.marks.emplace_back(Band{"fastest as printed, ShareGPT",
                              printed_role,
                              {ends[0], ends[1]},
                              {0, 0},
                              {1.15 * top, 1.15 * top}});
    f.marks.emplace_back(std::move(line));
    f.marks.emplace_back(Rule{"", Role::muted, true, static_cast<double>(d.block_size)});
    return f;
}

Figure saving_figure(const Data& d, SharingMethod method) {
    const bool beam = method == SharingMethod::beam;
    Figure f;
    f.id = beam ? "beam-search" : "parallel-sampling";
    f.title = beam ? "Blocks saved, beam search" : "Blocks saved, parallel sampling";
    f.alt_text =
        "Bars: share of blocks that sharing saves with 2, 4 and 6 sequences a request, printed and "
        "computed, for two sets of lengths.";
    f.x = {.label = "sequences a request"};
    f.y = {.label = "saved"};
    f.y.style = NumberStyle::percent;
    Bars bars;
    Bars::Series printed{"printed", printed_role, {}}, computed{"computed", computed_role, {}};
    for (const Saving& s : d.savings) {
        if (s.setting.method == method) {
            bars.names.push_back(fmt::format(
                "{} {}", s.setting.lengths == SharingLengths::alpaca ? "Alpaca" : "ShareGPT",
                s.setting.sequences));
            printed.values.push_back(s.is_printed ? s.setting.saved : std::nan(""));
            computed.values.push_back(s.computed);
        }
    }
    bars.series = {printed, computed};
    f.marks.emplace_back(std::move(bars));
    f.footnote = beam ? "Computed with beams dropped by chance: an assumption."
                      : "Of Alpaca only mean lengths are at hand, and every request has them.";
    return f;
}

}  // namespace

std::vector<FigureRow> memory_rows(const Params& p, const Data& d) {
    return {{1.2, {memory_figure(d)}}, {1, {batch_figure(p, d)}}};
}

std::vector<FigureRow> block_size_rows(const Params& p, const Data& d) {
    return {{1, {sweep_figure(p, d, true)}}, {1, {sweep_figure(p, d, false)}}};
}

std::vector<FigureRow> sharing_rows(const Data& d) {
    return {{1, {saving_figure(d, SharingMethod::parallel)}},
            {1, {saving_figure(d, SharingMethod::beam)}}};
}

}  // namespace nibble::reproduce_the_figure_lab
