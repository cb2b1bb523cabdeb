// One list of requests under every scheduler: what the schedulers lab knows of each run.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/serving/seats.hpp"
#include "sim/serving/setting.hpp"

namespace nibble::schedulers_lab {

using serving::Scheduler;

enum class Workload { long_prompt, short_memory, prefixes, mix };

struct Settings : serving::ServingSetting {
    Workload workload = Workload::long_prompt;
    int long_prompt = 8000;  // tokens
    std::string trace;
    bool per_step = false;
};

/// One row of the table of steps.
struct StepRow {
    std::int64_t step = 0, request = 0;
    std::int32_t tokens = 0;
    bool preempted = false;
    std::int64_t free_blocks = 0;
};

/// How full the memory is over time: at most `most` points, each the largest of the steps it stands
/// for.
class Course {
public:
    static constexpr std::size_t most = 512;
    void add(double time, double value);
    const std::vector<double>& times() const { return times_; }
    const std::vector<double>& values() const { return values_; }

private:
    std::vector<double> times_, values_;
    std::size_t steps_in_point_ = 1, steps_ = 0;
};

/// Kinds of steps, for the picture of what a machine does.
enum class Content { prompts, answers, both };
struct Stretch {
    double start = 0, end = 0;
    Content content = Content::answers;
};

struct Run {
    Scheduler scheduler = Scheduler::chunked;
    std::string refusal;  // why it cannot serve these requests; then nothing else is here
    std::optional<serving::Statistics> statistics;
    Course used, empty;            // shares of the cache: blocks in use, places in them not
    std::vector<double> stormy;    // times of preemptions, the first thousand
    std::vector<Stretch> content;  // of the machine's time; empty where there are too many
    double longest_step = 0;       // seconds
    // Of the chosen scheduler, on request or where they are few:
    std::vector<StepRow> rows;
    std::vector<serving::Record> records;
    std::vector<serving::Slice> slices;

    bool has_run() const { return statistics.has_value(); }
};

struct Data {
    std::shared_ptr<const std::vector<Request>> requests;
    std::string source;  // of the requests, in words
    std::vector<Run> runs;
    std::size_t chosen = 0;
    std::string clock;
    bool has_prefixes = false;
    std::int32_t longest_prompt = 0;
    std::string sampling;  // what was left out while dragging

    const Run& own() const { return runs[chosen]; }
    const Run* of(Scheduler scheduler) const;
};

/// Throws Error::bad_file where a trace is not one, naming line and column, and where the chosen
/// scheduler can never serve one of its requests.
Data compare(const Settings& settings, const RunContext& context);

}  // namespace nibble::schedulers_lab
