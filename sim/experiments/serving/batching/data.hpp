// A few requests under four schedulers, step by step: what the batching lab knows of each run.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/serving/seats.hpp"
#include "sim/serving/setting.hpp"

namespace nibble::batching_lab {

using serving::Policy;
inline constexpr std::array policies = {Policy::static_batch, Policy::dynamic_batch,
                                        Policy::continuous, Policy::chunked};

struct Settings : serving::ServingSetting {
    Policy focus = Policy::continuous;  // whose steps are counted
    int longest_prompt = 3000, longest_answer = 128;
    int step = 40, request = 9;

    Settings() {
        requests = 24;
        rate = 40;
        max_seqs = 8;
    }
};

/// A step in numbers.
struct Moment {
    std::int64_t number = 0;
    double start = 0, end = 0;
    std::int64_t running = 0, waiting = 0, tokens = 0, free_blocks = 0;
    std::int64_t prompts = 0;  // requests that compute their prompt
    std::vector<std::int64_t> preempted;
};

struct Run {
    Policy policy = Policy::continuous;
    serving::Rules rules;
    std::vector<serving::Slice> slices;
    std::vector<Moment> steps;
    std::vector<serving::Record> records;  // by request
    double end = 0;                        // of the last step
    double idle = 0;                       // share of places times time, until the last answer
    double longest_pause = 0;
    std::int64_t preemptions = 0;
};

struct Data {
    std::vector<Run> runs;  // in the order of policies
    std::string clock;
    int max_seqs = 0;
    double end = 0;  // of the last run

    const Run& of(Policy policy) const { return runs[static_cast<std::size_t>(policy)]; }
};

/// Throws what the clock of the setting throws, and Error::bad_param when a request does not fit
/// the blocks.
Data compare(const Settings& settings, const RunContext& context);

}  // namespace nibble::batching_lab
