#include "sim/kvcache/occupancy.hpp"

#include <algorithm>

#include "sim/kvcache/paged_cache.hpp"

namespace nibble {
namespace {

void add_blocks(const Stint& stint, std::int64_t tokens, int block_size, Holding of,
                std::vector<Holding>& list) {
    for (std::int64_t first = 0; first < tokens; first += block_size) {
        of.block = static_cast<int>(first / block_size);
        of.start = std::int64_t{stint.block_table[static_cast<std::size_t>(of.block)]} * block_size;
        of.slots = block_size;
        of.used = std::min<std::int64_t>(block_size, tokens - first);
        list.push_back(of);
    }
}

std::int64_t overlap(std::int64_t a, std::int64_t a_end, std::int64_t b, std::int64_t b_end) {
    return std::max<std::int64_t>(0, std::min(a_end, b_end) - std::max(a, b));
}

}  // namespace

std::vector<Holding> holdings_at(const Replay& replay, const RequestTrace& trace,
                                 std::int64_t step) {
    std::vector<Holding> list;
    for (std::size_t k = 0; k < replay.stints.size(); ++k) {
        const Stint& stint = replay.stints[k];
        if (!stint.runs_at(step)) {
            continue;
        }
        const std::int64_t tokens = stint.tokens_at(step);
        Holding holding;
        holding.request = stint.request;
        holding.stint = k;
        if (replay.placement == Placement::paged) {
            add_blocks(stint, tokens, replay.size.block_size, holding, list);
            continue;
        }
        holding.start = stint.chunk.start;
        holding.slots = stint.chunk.slots;
        holding.used = tokens;
        holding.reserved =
            trace.requests[static_cast<std::size_t>(stint.request)].tokens() - tokens;
        list.push_back(holding);
    }
    return list;
}

std::vector<CellUse> cells_of(const std::vector<Holding>& holdings, std::int64_t capacity_slots,
                              std::int64_t cell_slots) {
    const std::int64_t count = blocks_for(capacity_slots, cell_slots);
    std::vector<CellUse> cells(static_cast<std::size_t>(count));
    std::vector<std::int64_t> most(cells.size(), 0);
    for (std::int64_t c = 0; c < count; ++c) {
        cells[static_cast<std::size_t>(c)].slots =
            std::min(cell_slots, capacity_slots - c * cell_slots);
    }
    for (std::size_t h = 0; h < holdings.size(); ++h) {
        const Holding& holding = holdings[h];
        const std::int64_t used_end = holding.start + holding.used;
        const std::int64_t reserved_end = used_end + holding.reserved;
        const std::int64_t end = holding.start + holding.slots;
        for (std::int64_t c = holding.start / cell_slots; c * cell_slots < end; ++c) {
            CellUse& cell = cells[static_cast<std::size_t>(c)];
            const std::int64_t first = c * cell_slots, last = first + cell_slots;
            const std::int64_t held = overlap(holding.start, end, first, last);
            cell.used += overlap(holding.start, used_end, first, last);
            cell.reserved += overlap(used_end, reserved_end, first, last);
            cell.held += held;
            if (held > most[static_cast<std::size_t>(c)]) {
                most[static_cast<std::size_t>(c)] = held;
                cell.holding = static_cast<int>(h);
            }
        }
    }
    return cells;
}

std::int64_t cell_slots_for(std::int64_t capacity_slots, std::int64_t block_size,
                            std::int64_t most_cells) {
    const std::int64_t least = blocks_for(capacity_slots, most_cells);
    if (block_size <= least) {
        return block_size * blocks_for(least, block_size);
    }
    std::int64_t parts = block_size / least;
    while (block_size % parts != 0) {
        --parts;
    }
    return block_size / parts;
}

}  // namespace nibble
