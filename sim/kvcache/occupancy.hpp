// The cache at one step of a replay: which request holds which slots, and what is in them.
#pragma once

#include <vector>

#include "sim/kvcache/replay.hpp"

namespace nibble {

/// Slots in a row that one request holds: its chunk, or one of its blocks. The first `used` hold
/// tokens, the next `reserved` will, the rest never does.
struct Holding {
    std::int64_t start = 0, slots = 0, used = 0, reserved = 0;
    int request = 0;        // index in the trace
    int block = -1;         // index in the request's block table; -1: a contiguous chunk
    std::size_t stint = 0;  // index in Replay::stints
};

/// Of all running requests when `step` is recorded, in the order of admission; none outside the
/// replay.
std::vector<Holding> holdings_at(const Replay& replay, const RequestTrace& trace,
                                 std::int64_t step);

/// A stretch of memory as one square of a map.
struct CellUse {
    int holding = -1;  // the one with the most slots here; -1: all free
    std::int64_t slots = 0, used = 0, reserved = 0, held = 0;
};

/// The capacity in stretches of `cell_slots`, the last one perhaps shorter.
std::vector<CellUse> cells_of(const std::vector<Holding>& holdings, std::int64_t capacity_slots,
                              std::int64_t cell_slots);

/// Slots of a cell such that there are at most about `most_cells`, and that a block is a whole
/// number of cells or a cell a whole number of blocks.
std::int64_t cell_slots_for(std::int64_t capacity_slots, std::int64_t block_size,
                            std::int64_t most_cells);

}  // namespace nibble
