// What the fragmentation lab knows: one trace of requests, replayed into several allocators.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/kvcache/occupancy.hpp"
#include "sim/requests/lengths.hpp"

namespace nibble::fragmentation_lab {

/// One allocator's memory.
struct Memory {
    Placement placement = Placement::paged;
    Role role = Role::subject;
    std::optional<Replay> replay;  // empty where some request can never run
    std::string why_not;           // and which
};

struct Data {
    RequestTrace trace;
    std::string source;        // of the lengths; empty for a file of the reader's
    std::size_t left_out = 0;  // requests of a built-in mix that no setting here can hold
    CacheSize size;
    std::vector<Memory> memories;  // maximum length, another contiguous one, paged
    std::size_t chosen = 2;        // the one that the metrics are about

    const Replay& own() const { return *memories[chosen].replay; }
    const Memory& longest() const { return memories.front(); }
    const Memory& paged() const { return memories.back(); }
    /// Of the slowest replay shown.
    std::int64_t last_step() const;
};

/// What the reader looks at.
struct Look {
    std::int64_t step = 1;
    int request = -1;  // index in the trace; -1: none
    bool per_step = false;
};

std::vector<FigureRow> figures(const Data& data, const Look& look);
/// Sentences, numbers, tables, equations and the timeline.
void describe(const Data& data, const Look& look, Outcome& outcome);

/// "blocks of 16", "maximum length".
std::string title_of(const Memory& memory);

}  // namespace nibble::fragmentation_lab
