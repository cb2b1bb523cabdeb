// The bars of the kernel-ladder lab: every rung beside the others.
#include "sim/experiments/kernels/kernel_ladder/figures.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "sim/core/text.hpp"

namespace nibble::kernel_ladder_lab {
namespace {

constexpr double gap = std::numeric_limits<double>::quiet_NaN();

Pick pick_rung(const Data& d) {
    Pick pick{"rung", {}};
    for (std::size_t i = 0; i < d.rungs.size(); ++i) {
        pick.values.emplace_back(static_cast<std::int64_t>(i + 1));
    }
    return pick;
}

/// Bars of the rungs, from the naive one down; the chosen one stands out.
Bars bars_of_rungs(const Data& d, const Focus& focus) {
    Bars bars;
    for (const kernels::Rung& rung : d.ladder->rungs) {
        bars.names.push_back(spoken(rung));
    }
    bars.horizontal = true;
    bars.chosen = static_cast<int>(focus.rung);
    bars.pick = pick_rung(d);
    return bars;
}

Figure moved_figure(const Data& d, const Focus& focus) {
    std::vector<double> moved;
    for (const RungXray& xray : d.rungs) {
        moved.push_back(d.per_value(xray.moved_bytes()));
    }
    const double needed = d.per_value(d.needed_bytes);
    Figure f;
    f.id = "moved";
    f.title = "Bytes moved for each value";
    f.alt_text = fmt::format(
        "Bars of the bytes that each of {} kernels moves for a value, from {} to {}; {} are "
        "needed.",
        d.rungs.size(), format_number(*std::max_element(moved.begin(), moved.end())),
        format_number(*std::min_element(moved.begin(), moved.end())), format_number(needed));
    Bars bars = bars_of_rungs(d, focus);
    bars.series = {{"", Role::subject, moved}};
    f.marks = {std::move(bars), Rule{fmt::format("needed: {}", format_number(needed)),
                                     Role::reference, true, needed}};
    return f;
}

/// Requests that 32 values cost: one a lane and value would be a request for each load and store.
Figure requests_figure(const Data& d, const Focus& focus) {
    const auto of_warp = [&d](std::uint64_t requests) {
        return kernels::emulator::warp_size * d.per_value(static_cast<double>(requests));
    };
    Bars bars = bars_of_rungs(d, focus);
    bars.stacked = true;
    Bars::Series global{"global memory", Role::subject, {}};
    Bars::Series shared{"shared memory", Role::baseline, {}};
    for (const RungXray& xray : d.rungs) {
        global.values.push_back(of_warp(xray.global_requests));
        shared.values.push_back(of_warp(xray.shared_requests));
    }
    const bool any_shared =
        std::any_of(shared.values.begin(), shared.values.end(), [](double v) { return v > 0; });
    bars.series.push_back(std::move(global));
    if (any_shared) {
        bars.series.push_back(std::move(shared));
    }
    Figure f;
    f.id = "requests";
    f.title = "Requests of a warp for 32 values";
    f.alt_text = "Bars of the memory requests that each kernel issues for 32 values.";
    f.marks = {std::move(bars)};
    return f;
}

/// The recorded speeds of the ladder's rungs on one machine, or nothing.
std::optional<Figure> speed_figure(const Data& d, const Focus& focus,
                                   const KernelRecording& recording) {
    std::vector<double> speeds(d.rungs.size(), gap);
    double copy = 0;
    for (const KernelSpeed& k : recording.kernels) {
        for (std::size_t i = 0; i < d.rungs.size() && k.ladder == d.ladder->id; ++i) {
            if (d.ladder->rungs[i].name == k.rung && k.input == name(d.job.input)) {
                speeds[i] = k.gb_per_s;
                copy = std::max(copy, k.copy_gb_per_s);
            }
        }
    }
    if (copy == 0) {
        return std::nullopt;
    }
    Figure f;
    f.id = "speed-" + recording.machine;
    f.title = fmt::format("Needed bytes a second, recorded on {}", recording.machine);
    f.alt_text = "Bars of the recorded speed of each kernel, under the speed of a plain copy.";
    f.x = {.label = "speed", .unit = "GB/s"};
    f.footnote = recording.date + ", " + recording.command;
    Bars bars = bars_of_rungs(d, focus);
    bars.series = {{"", Role::subject, std::move(speeds)}};
    f.marks = {std::move(bars),
               Rule{fmt::format("copy: {}", format_number(copy)), Role::limit, true, copy}};
    return f;
}

}  // namespace

std::vector<FigureRow> figures(const Data& data, const Focus& focus) {
    FigureRow top{0.95, {moved_figure(data, focus), requests_figure(data, focus)}};
    for (const KernelRecording& recording : data.recordings) {
        if (auto speeds = speed_figure(data, focus, recording)) {
            top.figures.push_back(std::move(*speeds));
            break;  // one machine at a time: the first that ran this ladder
        }
    }
    return {
        std::move(top), {1.5, {source_figure(data, focus)}}, {1.1, {lanes_figure(data, focus)}}};
}

}  // namespace nibble::kernel_ladder_lab
