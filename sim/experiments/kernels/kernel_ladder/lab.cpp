// Why one kernel is fast and another slow: every rung of a ladder of kernels under the X-ray, the
// source of one of them, and which lane asks for which word of memory. No GPU is needed, and no
// time is claimed: what is counted is what the kernels ask of memory.
#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

#include "sim/core/data_folder.hpp"
#include "sim/experiments/kernels/kernel_ladder/figures.hpp"

namespace nibble::kernel_ladder_lab {
namespace {

using kernel_ladder_lab::Data;
using kernels::InputType;
using kernels::Job;
using kernels::Ladder;

/// Position in kernels::ladders().
enum class LadderIndex : std::size_t {};

LadderIndex index_of_ladder(std::string_view id) {
    const auto& all = kernels::ladders();
    const auto found =
        std::find_if(all.begin(), all.end(), [id](const Ladder& l) { return l.id == id; });
    NIBBLE_ASSERT(found != all.end(), "the default ladder must be in the registry");
    return LadderIndex{static_cast<std::size_t>(found - all.begin())};
}

struct Params {
    LadderIndex ladder = index_of_ladder("quantize-int4-group");
    int rung = 1, step = 1;
    int columns = 512, group_size = 32, rows = 8;
    InputType input = InputType::f32;
    int site = 0;

    const Ladder& chosen() const { return kernels::ladders()[static_cast<std::size_t>(ladder)]; }
    Job job() const {
        const bool by_row = chosen().example.group_size == 0;
        return {static_cast<std::size_t>(rows), static_cast<std::size_t>(columns),
                by_row ? 0 : static_cast<std::size_t>(group_size), input};
    }
};

/// Values that a preview runs; the counts of further rows are those of the first ones again.
constexpr std::size_t preview_values = 2048;

void check(const Ladder& ladder, const Job& job) {
    try {
        ladder.check(job);
    } catch (const std::invalid_argument& refusal) {
        throw Error(Error::Code::bad_param, ladder.id + ": " + refusal.what(),
                    "change --columns, --rows, --group_size or --input");
    }
}

Data run(const Params& p, const RunContext& context) {
    const Ladder& ladder = p.chosen();
    Job job = p.job();
    check(ladder, job);
    if (context.preview) {
        const std::size_t rows = std::max<std::size_t>(1, preview_values / job.columns);
        job.rows = std::min(job.rows, rows);
        check(ladder, job);
    }
    Data data = kernel_ladder_lab::take_xrays(ladder, job, context);
    data.asked_rows = static_cast<std::size_t>(p.rows);
    data.recordings = read_kernel_recordings(data_folder() / "measured");
    return data;
}

Outcome show(const Params& p, const Data& data) {
    const auto focus = kernel_ladder_lab::look_at(data, p.rung, p.site, p.step);
    Outcome outcome;
    kernel_ladder_lab::describe(data, focus, outcome);
    outcome.rows = kernel_ladder_lab::figures(data, focus);
    return outcome;
}

/// Whether the operation itself depends on what `change` changes, seen at its example.
bool matters(const Params& p, void (*change)(Job&)) {
    Job job = p.chosen().example;
    const double before = p.chosen().bytes(job);
    change(job);
    return p.chosen().bytes(job) != before;
}

std::vector<Choice> ladder_choices() {
    std::vector<Choice> choices;
    for (const Ladder& ladder : kernels::ladders()) {
        choices.push_back({ladder.id, ladder.title});
    }
    return choices;
}

double most_rungs() {
    std::size_t most = 1;
    for (const Ladder& ladder : kernels::ladders()) {
        most = std::max(most, ladder.rungs.size());
    }
    return static_cast<double>(most);
}

Schema<Params> schema() {
    return {
        choice("ladder", &Params::ladder, ladder_choices())
            .label("Operation")
            .help("What all the kernels of the ladder compute, each in its own way."),
        integer("rung", &Params::rung, {1, most_rungs()})
            .help("Which kernel is looked at, from the naive one up; a ladder with fewer shows its "
                  "last.")
            .view(),
        integer("step", &Params::step, {1, double{kernel_ladder_lab::kept_requests}})
            .label("Request")
            .help("Walks through the requests of one warp at the chosen line: the words it asks "
                  "for move across memory.")
            .view(),
        integer("columns", &Params::columns, {32, 2048, Scale::log2})
            .help("Longer rows hold more groups, and more requests of each kind."),
        integer("group_size", &Params::group_size, {8, 512, Scale::log2})
            .help("Values that share a scale. One thread a group reads further apart the larger "
                  "they are.")
            .when(
                [](const Params& p) { return matters(p, [](Job& job) { job.group_size /= 2; }); }),
        choice("input", &Params::input, {{"f32", "FP32"}, {"f16", "FP16"}, {"bf16", "BF16"}})
            .label("Values")
            .help("Two-byte values halve what must be moved, and what a lane asks for.")
            .when([](const Params& p) {
                return matters(p, [](Job& job) { job.input = InputType::f16; });
            }),
        integer("rows", &Params::rows, {1, 64, Scale::log2})
            .help("More rows, more of the same: counts for each value stay as they are.")
            .advanced(),
        integer("site", &Params::site, {0, 40})
            .label("Load or store")
            .help("Which access of the kernel is looked at, in the order of its source; 0 takes "
                  "the one that moves most. Clicking a marked line sets it.")
            .view()
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "kernel-ladder", "Kernels", "Kernel ladder",
        "Why is one kernel fast and another slow, when both compute the same?", schema(), run,
        show);
}

}  // namespace nibble::kernel_ladder_lab
