// What the lab of reproduced figures computes, and its figures.
#pragma once

#include <string>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/kvcache/published_vllm.hpp"
#include "sim/kvcache/replay.hpp"
#include "sim/kvcache/sharing.hpp"
#include "sim/requests/lengths.hpp"

namespace nibble::reproduce_the_figure_lab {

enum class Panel { memory, block_size, sharing };
enum class Allocator { buddy, first_fit };
enum class Average { all_steps, while_waiting };

struct Params {
    Panel panel = Panel::memory;
    Allocator allocator = Allocator::buddy;
    Average average = Average::all_steps;
    int block_size = 16, capacity_slots = 15696, max_len = 2048;
    double dropped = 0.015;
};

/// Means over steps: requests, and shares of the room.
struct Means {
    double batch = 0;
    double token_states = 0, reservation = 0;
    double internal = 0;  // asked for and never used, without what a buddy allocator rounds up
    double rounding = 0;

    double external() const { return 1 - token_states - reservation - internal - rounding; }
};

struct Replayed {
    Placement placement = Placement::paged;  // as it was replayed
    Placement printed = Placement::paged;    // what it stands beside
    Means all_steps, while_waiting;
    std::int64_t steps = 0, preemptions = 0;

    const Means& over(Average average) const {
        return average == Average::all_steps ? all_steps : while_waiting;
    }
};

struct AtBlockSize {
    int block_size = 1;
    Means all_steps, while_waiting;
    double unfilled = 0;  // share of the slots in taken blocks that hold nothing
};

struct Saving {
    PrintedSaving setting;  // `saved` is 0 where nothing was printed
    bool is_printed = false;
    double computed = 0;
};

struct Data {
    std::vector<Replayed> replays;  // maximum, power of two, known length, paged
    std::vector<AtBlockSize> by_block_size;
    std::vector<Saving> savings;
    std::int64_t requests = 0, capacity = 0;
    int block_size = 16;
    double mean_prompt = 0, mean_output = 0;  // tokens of the requests that were replayed
};

Data run(const Params& p, const RunContext& context);

/// Names of the policies as people know them: "maximum", "power of two", "known length", "paged".
std::string short_name(Placement placement);

std::vector<FigureRow> memory_rows(const Params& p, const Data& d);
std::vector<FigureRow> block_size_rows(const Params& p, const Data& d);
std::vector<FigureRow> sharing_rows(const Data& d);

std::string finding(const Params& p, const Data& d);
std::string explanation(const Params& p, const Data& d);
std::vector<Metric> metrics(const Params& p, const Data& d);
std::vector<Table> tables(const Params& p, const Data& d);
std::vector<Equation> equations(const Params& p, const Data& d);

}  // namespace nibble::reproduce_the_figure_lab
