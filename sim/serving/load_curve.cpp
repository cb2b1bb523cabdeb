#include "sim/serving/load_curve.hpp"

#include <algorithm>
#include <cmath>

#include "sim/serving/disaggregated.hpp"

namespace nibble::serving {
namespace {

constexpr std::int64_t steps_between_checks = 4096;
constexpr double at_once = 1e6;  // requests a second that are as good as waiting from the start

Percentiles percentiles(const Distribution& d) {
    return {d.quantile(0.5), d.quantile(0.95), d.quantile(0.99)};
}

/// Schedulers that take prompts whole get a budget that the longest one fits, as servers give them.
Rules fitting_rules(const ServingSetting& setting) {
    Rules rules = setting.rules();
    if (rules.is_chunked()) {
        return rules;
    }
    std::int32_t longest = 0;
    for (const Lengths& lengths : setting.mix()) {
        longest = std::max(longest, lengths.prompt);
    }
    // A batch that is formed at once reads all its prompts in one step.
    const std::int64_t needed = rules.runs_batches() ? std::int64_t{longest} * rules.max_seqs
                                                     : std::int64_t{longest} + rules.max_seqs;
    constexpr std::int64_t most = 1 << 30;
    rules.token_budget =
        std::max(rules.token_budget, static_cast<std::int32_t>(std::min(needed, most)));
    return rules;
}

Statistics run(const ServingSetting& setting, const StepTime& clock, const RunContext& context) {
    context.check();
    const auto arrivals = setting.arrivals(context.rng("requests"));
    const Rules rules = fitting_rules(setting);
    if (setting.scheduler == Scheduler::disaggregated) {
        return simulate_disaggregated(rules, *arrivals, clock,
                                      clock.transfer_per_token(setting.link_gb_s * 1e9),
                                      setting.slo())
            .answers;
    }
    return simulate(rules, *arrivals, clock, setting.slo(), [&](const Step& step) {
        if (step.number % steps_between_checks == 0) {
            context.check();
        }
    });
}

}  // namespace

LoadPoint run_load(const ServingSetting& setting, double load, const StepTime& clock,
                   const RunContext& context) {
    ServingSetting at = setting;
    if (at.pattern == Pattern::closed_loop) {
        at.users = static_cast<int>(std::lround(load));
    } else {
        at.rate = load;
    }
    const Statistics s = run(at, clock, context);
    LoadPoint point;
    point.load = load;
    point.ttft = percentiles(s.ttft);
    point.tpot = percentiles(s.tpot);
    point.latency = percentiles(s.latency);
    point.throughput = s.requests_per_second();
    point.goodput = s.goodput();
    point.tokens_per_second = s.tokens_per_second();
    point.mean_latency = s.latency.mean();
    point.mean_in_system = s.mean_in_system();
    point.kept = static_cast<double>(s.within_slo) / static_cast<double>(s.requests);
    point.used = s.mean_used();
    point.waste = s.mean_waste();
    point.preemptions = static_cast<double>(s.preemptions) / static_cast<double>(s.requests);
    return point;
}

double capacity(const ServingSetting& setting, const StepTime& clock, const RunContext& context) {
    ServingSetting full = setting;
    full.pattern = Pattern::poisson;
    full.rate = at_once;
    return run(full, clock, context).requests_per_second();
}

std::optional<double> knee(const std::vector<LoadPoint>& points, double share) {
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (points[i].kept >= share) {
            continue;
        }
        if (i == 0) {
            return std::nullopt;
        }
        const LoadPoint &good = points[i - 1], &bad = points[i];
        return std::lerp(good.load, bad.load, (good.kept - share) / (good.kept - bad.kept));
    }
    return points.empty() ? std::nullopt : std::optional(points.back().load);
}

}  // namespace nibble::serving
