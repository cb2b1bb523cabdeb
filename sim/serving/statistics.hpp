// What a run adds up to: percentiles of the requests' times, rates, and the use of memory. Fed step
// by step, so that it needs no more memory for a million requests than for a thousand.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/serving/engine.hpp"

namespace nibble::serving {

/// Values and their quantiles. Exact (between neighbours a straight line) up to `most_exact`
/// values; beyond, counted in bins that are half a per cent wide.
class Distribution {
public:
    /// value >= 0
    void add(double value);
    std::int64_t count() const { return count_; }
    double mean() const { return count_ > 0 ? sum_ / static_cast<double>(count_) : 0; }
    double max() const { return max_; }
    /// 0 <= share <= 1; 0 without values.
    double quantile(double share) const;
    bool is_exact() const { return bins_.empty(); }

    static constexpr std::int64_t most_exact = 1 << 16;

private:
    void count_in_bin(double value);

    std::int64_t count_ = 0;
    double sum_ = 0, max_ = 0;
    mutable std::vector<double> values_;  // sorted when asked
    mutable bool sorted_ = true;
    std::vector<std::int64_t> bins_;
};

/// What an answer must keep to count. Seconds.
struct Slo {
    double ttft = 0.5, tpot = 0.05;

    bool holds(const Record& r) const {
        return r.ttft() <= ttft && (r.request.output < 2 || r.tpot() <= tpot);
    }
};

class Statistics {
public:
    explicit Statistics(const Rules& rules, Slo slo = {}) : rules_(rules), slo_(slo) {}
    void add(const Step& step);
    /// Of a request that was answered elsewhere.
    void add(const Record& answered);

    /// Seconds. tpot and pause (the longest between two tokens) are those of requests with two
    /// tokens or more.
    Distribution queue, ttft, tpot, pause, latency;
    std::int64_t steps = 0, requests = 0, within_slo = 0, preemptions = 0;
    std::int64_t prompt_tokens = 0, output_tokens = 0;  // of answered requests
    std::int64_t computed_tokens = 0;                   // in all steps
    std::int64_t reused_tokens = 0;                     // of prompts, found in a cache of prefixes
    std::int64_t most_running = 0, most_waiting = 0, most_used_blocks = 0;
    double first_arrival = 0, last_finish = 0, busy = 0;  // seconds

    /// From the first arrival to the last answer.
    double duration() const { return last_finish - first_arrival; }
    double requests_per_second() const { return rate(requests); }
    double tokens_per_second() const { return rate(output_tokens); }
    /// Requests a second that were answered within the objective.
    double goodput() const { return rate(within_slo); }
    /// Computed more than once.
    std::int64_t recomputed_tokens() const {
        return computed_tokens + reused_tokens - (prompt_tokens + output_tokens - requests);
    }
    /// Requests that wait or run, averaged over duration(). Each adds the time from its arrival to
    /// its last token, wherever in a step it came.
    double mean_in_system() const { return in_system_ / duration(); }
    /// Averages over the time in which something runs.
    double mean_running() const { return running_ / busy; }
    /// Shares of the pool: blocks in use, and places in them that hold no token.
    double mean_used() const { return used_ / busy; }
    double mean_waste() const { return waste_ / busy; }

private:
    double rate(std::int64_t count) const { return static_cast<double>(count) / duration(); }

    Rules rules_;
    Slo slo_;
    double in_system_ = 0;                        // requests x seconds
    double running_ = 0, used_ = 0, waste_ = 0;  // integrals over busy
};

/// A run to its end.
template <class OnStep>
Statistics simulate(const Rules& rules, Arrivals& arrivals, const StepTime& step_time, Slo slo,
                    const OnStep& on_step) {
    Engine engine(rules, arrivals, step_time);
    Statistics statistics(rules, slo);
    while (engine.step()) {
        statistics.add(engine.last());
        on_step(engine.last());
    }
    return statistics;
}
inline Statistics simulate(const Rules& rules, Arrivals& arrivals, const StepTime& step_time,
                           Slo slo = {}) {
    return simulate(rules, arrivals, step_time, slo, [](const Step&) {});
}

}  // namespace nibble::serving
