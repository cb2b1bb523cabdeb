// A machine under rising load: the same requests, arriving faster and faster, until the line in
// front of it grows without end.
//
//   capacity   requests a second when all of them wait from the beginning
//   knee       the highest load at which a given share of the requests keeps the objective: the
//              goodput of Zhong et al. 2024 (DistServe, arXiv 2401.09670) and Patel et al. 2024
//
// Little's law ties what is measured apart: the mean number of requests in the system is the rate
// at which they come times the mean time they stay (Little 1961).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/serving/setting.hpp"

namespace nibble::serving {

/// Seconds.
struct Percentiles {
    double p50 = 0, p95 = 0, p99 = 0;
};

/// A run to its end.
struct LoadPoint {
    double load = 0;  // requests a second, or users of a closed loop
    Percentiles ttft, tpot, latency;
    double throughput = 0;  // answers a second, from the first arrival to the last answer
    double goodput = 0;     // answers a second within the objective
    double tokens_per_second = 0;
    double mean_latency = 0, mean_in_system = 0;
    double kept = 0;  // share of the requests within the objective
    double used = 0, waste = 0;
    double preemptions = 0;  // a request

    /// What Little's law makes of them: over a whole run as many come as go.
    double little() const { return throughput * mean_latency; }
};

/// Runs `setting` with its number of requests. `load` replaces the rate, or the users. Schedulers
/// that take prompts whole get a token budget that the longest prompt fits. Throws what the engine
/// and the clock throw, and Error::cancelled.
LoadPoint run_load(const ServingSetting& setting, double load, const StepTime& clock,
                   const RunContext& context);

/// Requests a second when the line is never empty.
double capacity(const ServingSetting& setting, const StepTime& clock, const RunContext& context);

/// The last load at which at least `share` of the requests kept the objective, by straight lines
/// between the points; nothing when the first one fails already.
std::optional<double> knee(const std::vector<LoadPoint>& points, double share);

}  // namespace nibble::serving
