// Maps of the memories, what their slots hold, and the batch over time.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/kvcache/fragmentation/data.hpp"
#include "sim/kvcache/paged_cache.hpp"

namespace nibble::fragmentation_lab {
namespace {

constexpr std::int64_t most_cells = 1000;

std::string count(std::int64_t n, const char* one) {
    return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

std::string percent(double part, double whole) {
    return format_number(100 * part / whole) + " %";
}

/// The step in which a block was taken.
std::int64_t taken_at(const Stint& stint, const Holding& h) {
    const std::int64_t first_token = h.block * h.slots;
    return stint.first_step + std::max<std::int64_t>(0, first_token - stint.tokens_before);
}

std::string holding_words(const Holding& h, const Data& d) {
    if (h.block < 0) {
        return fmt::format("request {}: slots {} to {}, {} used, {} reserved, {} never used",
                           h.request + 1, h.start, h.start + h.slots - 1, h.used, h.reserved,
                           h.slots - h.used - h.reserved);
    }
    const Stint& stint = d.paged().replay->stints[h.stint];
    return fmt::format(
        "block {}: request {}, entry {} of its table, {} of {} slots used, 1 user, taken at step "
        "{}",
        h.start / h.slots, h.request + 1, h.block, h.used, h.slots, taken_at(stint, h));
}

Cells::Item cell_item(const CellUse& cell, const std::vector<Holding>& holdings, const Data& d,
                      int chosen) {
    Cells::Item item;
    if (cell.holding < 0) {
        item.outlined = true;
        item.label = "free";
        return item;
    }
    const Holding& h = holdings[static_cast<std::size_t>(cell.holding)];
    const bool stands_back = chosen >= 0 && h.request != chosen;
    item.role = stands_back ? Role::muted : category(h.request);
    item.filled = static_cast<double>(cell.used) / static_cast<double>(cell.slots);
    item.outlined = cell.used == 0 && cell.reserved == 0;
    item.label = holding_words(h, d);
    return item;
}

/// Words that break into lines where they must.
Tokens running_text(const std::string& sentence) {
    Tokens text;
    for (std::size_t from = 0; from < sentence.size();) {
        const std::size_t to = std::min(sentence.find(' ', from + 1), sentence.size());
        text.items.push_back({sentence.substr(from, to - from)});
        from = to;
    }
    return text;
}

std::string map_footnote(const Memory& memory, const Data& d, const Look& look) {
    const Replay& r = *memory.replay;
    if (look.step > r.step_count()) {
        return fmt::format("all served by step {}", r.step_count());
    }
    const StepRecord& record = r.step(look.step);
    return fmt::format(
        "{}, {} of the memory used", count(record.batch, "request"),
        percent(static_cast<double>(record.used), static_cast<double>(d.size.capacity_slots)));
}

Figure map_figure(const Memory& memory, const Data& d, const Look& look) {
    Figure f;
    f.id =
        fmt::format("map-{}", placement_choices()[static_cast<std::size_t>(memory.placement)].name);
    f.title = title_of(memory);
    f.title_role = memory.role;
    f.x.hidden = f.y.hidden = true;
    f.alt_text =
        "Map of the memory in reading order: full squares hold tokens of the request of "
        "their colour, faint ones are reserved for it, outlined ones it will never use, "
        "grey outlines are free.";
    if (!memory.replay) {
        f.marks.emplace_back(running_text(memory.why_not));
        return f;
    }
    const std::int64_t cell_slots =
        cell_slots_for(d.size.capacity_slots, d.size.block_size, most_cells);
    const auto holdings = holdings_at(*memory.replay, d.trace, look.step);
    Cells cells;
    cells.pick.param = "request";
    for (const CellUse& cell : cells_of(holdings, d.size.capacity_slots, cell_slots)) {
        cells.items.push_back(cell_item(cell, holdings, d, look.request));
        const int request =
            cell.holding < 0 ? -1 : holdings[static_cast<std::size_t>(cell.holding)].request;
        // A click on the request that is shown already, or on free slots, shows all again.
        cells.pick.values.emplace_back(std::int64_t{request == look.request ? 0 : request + 1});
    }
    constexpr double width_over_height = 0.8;  // of a map between its neighbours
    cells.columns = std::max(1, static_cast<int>(std::ceil(std::sqrt(
                                    static_cast<double>(cells.items.size()) * width_over_height))));
    f.marks.emplace_back(std::move(cells));
    f.footnote = map_footnote(memory, d, look);
    return f;
}

Figure share_figure(const Data& d, const Look& look) {
    Figure f;
    f.id = "share-of-the-cache";
    f.title = fmt::format("Share of the cache, step {}", look.step);
    f.alt_text =
        "Stacked bars, one for each memory: slots used, reserved, never used inside what is held, "
        "and not given to any request.";
    f.x = {.label = "share of the slots", .unit = "%", .limits = std::pair(0.0, 100.0)};
    Bars bars;
    bars.horizontal = bars.stacked = true;
    bars.series = {{"used", Role::reference, {}},
                   {"reserved", Role::subject, {}},
                   {"internal", Role::baseline, {}},
                   {"external", Role::limit, {}}};
    for (const Memory& memory : d.memories) {
        if (!memory.replay) {
            continue;
        }
        const Replay& r = *memory.replay;
        const StepRecord s = look.step <= r.step_count() ? r.step(look.step) : StepRecord{};
        const std::int64_t parts[] = {s.used, s.reservation, s.internal,
                                      d.size.capacity_slots - s.allocated};
        bars.names.push_back(title_of(memory));
        for (std::size_t k = 0; k < bars.series.size(); ++k) {
            bars.series[k].values.push_back(100 * static_cast<double>(parts[k]) /
                                            static_cast<double>(d.size.capacity_slots));
        }
    }
    f.marks.emplace_back(std::move(bars));
    return f;
}

/// The batch over the steps; of long replays every so many-th.
Line batch_line(const Memory& memory) {
    constexpr std::int64_t most_points = 1500;
    const Replay& r = *memory.replay;
    const std::int64_t stride = blocks_for(r.step_count(), most_points);
    Line line{title_of(memory), memory.role, {}, {}};
    for (std::int64_t step = 1; step <= r.step_count(); step += stride) {
        line.x.push_back(static_cast<double>(step));
        line.y.push_back(static_cast<double>(r.step(step).batch));
    }
    line.x.push_back(static_cast<double>(r.step_count() + 1));
    line.y.push_back(0);  // all served
    return line;
}

Figure batch_figure(const Data& d, const Look& look) {
    Figure f;
    f.id = "requests-at-once";
    f.title = fmt::format("Requests at once, {} in all", d.trace.requests.size());
    f.alt_text = "Requests in the batch against the step, one line for each memory.";
    f.x = {.label = "step"};
    f.y = {.label = "requests"};
    for (const Memory& memory : d.memories) {
        if (memory.replay) {
            f.marks.emplace_back(batch_line(memory));
        }
    }
    Handle now;
    now.label = fmt::format("step {}", look.step);
    now.role = Role::muted;
    now.x = static_cast<double>(look.step);
    now.x_param = "step";
    f.marks.emplace_back(std::move(now));
    return f;
}

/// Where one request lies in a contiguous memory.
std::string chunk_words(const Replay& r, const std::vector<Holding>& holdings, const Look& look) {
    for (const Holding& h : holdings) {
        if (h.request == look.request) {
            return fmt::format("slots {} to {}", h.start, h.start + h.slots - 1);
        }
    }
    const std::int64_t end = r.finished[static_cast<std::size_t>(look.request)];
    return look.step > end ? fmt::format("served by step {}", end) : "waits";
}

/// The block table of the chosen request, and where it lies in the other memories.
Figure request_figure(const Data& d, const Look& look) {
    const Request& request = d.trace.requests[static_cast<std::size_t>(look.request)];
    Figure f;
    f.id = "block-table";
    f.title = fmt::format("Block table of request {} (prompt {}, output {})", look.request + 1,
                          request.prompt, request.output);
    f.title_role = category(look.request);
    f.alt_text =
        "The physical blocks of the chosen request in the order of its tokens, and where "
        "it lies in the other memories.";
    f.x.hidden = f.y.hidden = true;
    Cells table;
    table.columns = 9;  // wide enough for a block number
    for (const Memory& memory : d.memories) {
        if (!memory.replay) {
            continue;
        }
        const auto holdings = holdings_at(*memory.replay, d.trace, look.step);
        if (memory.placement != Placement::paged) {
            f.footnote +=
                title_of(memory) + ": " + chunk_words(*memory.replay, holdings, look) + ". ";
            continue;
        }
        for (const Holding& h : holdings) {
            if (h.request == look.request) {
                table.items.push_back({category(look.request),
                                       static_cast<double>(h.used) / static_cast<double>(h.slots),
                                       std::to_string(h.start / h.slots), holding_words(h, d)});
            }
        }
        if (table.items.empty()) {
            f.title += ": " + chunk_words(*memory.replay, {}, look);
            table.items.push_back({Role::muted, 0, "none", "no block", true});
        }
    }
    f.marks.emplace_back(std::move(table));
    return f;
}

}  // namespace

std::vector<FigureRow> figures(const Data& d, const Look& look) {
    FigureRow maps{1.8, {}};
    for (const Memory& memory : d.memories) {
        maps.figures.push_back(map_figure(memory, d, look));
    }
    FigureRow below{1, {share_figure(d, look)}};
    below.figures.push_back(look.request >= 0 ? request_figure(d, look) : batch_figure(d, look));
    return {std::move(maps), std::move(below)};
}

}  // namespace nibble::fragmentation_lab
