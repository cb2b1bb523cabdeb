#include "sim/experiments/serving/batching/data.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace nibble::batching_lab {
namespace {

using namespace serving;

constexpr std::size_t most_steps = 100'000;  // as far as the timeline goes

/// Lengths spread evenly on a logarithmic scale, as wide as those of real services.
std::vector<Request> requests_of(const Settings& s, const Rng& rng) {
    const auto between = [](double low, double high, double share) {
        return static_cast<std::int32_t>(std::lround(low * std::pow(high / low, share)));
    };
    const Rng prompts = rng.stream("prompts"), answers = rng.stream("answers"),
              gaps = rng.stream("gaps");
    std::vector<Request> list;
    double at = 0;
    for (std::int64_t i = 0; i < s.requests; ++i) {
        const auto k = static_cast<std::uint64_t>(i);
        const double least_prompt = std::max(1.0, s.longest_prompt / 64.0),
                     least_answer = std::max(1.0, s.longest_answer / 16.0);
        list.push_back({i, at, between(least_prompt, s.longest_prompt, prompts.uniform(k)),
                        between(least_answer, s.longest_answer, answers.uniform(k))});
        at += gamma_gap(gaps, k, 1) / s.rate;
    }
    return list;
}

Moment moment_of(const Step& step) {
    Moment m{step.number,      step.start,       step.end(), step.running,  step.waiting,
             step.load.tokens, step.free_blocks, 0,          step.preempted};
    m.prompts = std::count_if(step.shares.begin(), step.shares.end(),
                              [](const Share& share) { return share.is_prompt; });
    return m;
}

Run run_one(const Rules& rules, const std::vector<Request>& requests, const StepTime& clock,
            const RunContext& context) {
    Run run;
    run.policy = rules.policy;
    run.rules = rules;
    Replay arrivals(requests);
    Seats seats;
    double busy_places = 0;
    simulate(rules, arrivals, clock, {}, [&](const Step& step) {
        if (step.number % 256 == 0) {
            context.check();
        }
        if (run.steps.size() == most_steps) {
            throw Error(
                Error::Code::bad_param,
                fmt::format("{} batching takes more than {} steps", name(rules.policy), most_steps),
                "take fewer or shorter requests, more tokens a step or more blocks");
        }
        seats.add(step);
        run.steps.push_back(moment_of(step));
        run.records.insert(run.records.end(), step.finished.begin(), step.finished.end());
        run.preemptions += static_cast<std::int64_t>(step.preempted.size());
        run.end = step.end();
        busy_places += step.seconds * static_cast<double>(step.shares.size());
    });
    std::sort(run.records.begin(), run.records.end(),
              [](const Record& a, const Record& b) { return a.request.id < b.request.id; });
    for (const Record& r : run.records) {
        run.longest_pause = std::max(run.longest_pause, r.longest_pause);
    }
    run.slices = seats.slices();
    run.idle = 1 - busy_places / (run.end * rules.max_seqs);
    return run;
}

}  // namespace

Data compare(const Settings& s, const RunContext& context) {
    const std::vector<Request> requests = requests_of(s, context.rng("requests"));
    const StepTime clock = s.clock();
    Data d;
    d.clock = describe_clock(s);
    d.max_seqs = s.max_seqs;
    for (const Policy policy : policies) {
        Rules rules = s.rules(policy);
        if (!rules.is_chunked()) {  // a server that takes prompts whole has room for a full batch
            rules.token_budget = std::max(rules.token_budget, s.longest_prompt * s.max_seqs);
        }
        d.runs.push_back(run_one(rules, requests, clock, context));
        d.end = std::max(d.end, d.runs.back().end);
    }
    return d;
}

}  // namespace nibble::batching_lab
