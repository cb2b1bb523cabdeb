// A whole deployment: a model in so many bits on so many devices, its cache, its scheduler and its
// load. Either it serves, with times, memory and money, or it says what stands in the way.
//
// Memory is counted as in sim/roofline/memory.hpp, time is that of sim/serving's engine on the
// roofline, and a price an hour is the reader's assumption.
#pragma once

#include <string>

#include "sim/roofline/memory.hpp"
#include "sim/serving/load_curve.hpp"

namespace nibble::serving {

struct Deployment : ServingSetting {
    int group_size = 128;      // weights that share a scale where they have fewer than 16 bits
    double utilisation = 0.9;  // of each device's memory
    double runtime_gb = 1;     // of each device: context, kernels, buffers
    double hour_price = 2.5;   // dollars for a device-hour
    double speculation = 1;    // speed-up of steps in which no prompt is read

    /// With the scales of grouped weights.
    Precision stored_precision() const;
    /// "W4 KV8, 2 devices"
    std::string label() const;
};

enum class Obstacle { none, link, heads, weights, cache, objective };
/// "the weights do not fit", ...; empty for none.
std::string_view name(Obstacle obstacle);

struct Deployed {
    Obstacle obstacle = Obstacle::none;
    MemoryPlan memory;        // of one device
    std::int64_t blocks = 0;  // of cache
    LoadPoint at_load;        // where it runs at all
    double capacity = 0;      // requests a second
    double dollars = 0;       // for a million output tokens at capacity
    double dollars_here = 0;  // and at this load, idle time paid for

    bool runs() const { return obstacle == Obstacle::none || obstacle == Obstacle::objective; }
    bool works() const { return obstacle == Obstacle::none; }
};

/// Share of the requests that must keep the objective.
inline constexpr double deployed_share = 0.9;

/// Throws what catalogue() and the clock throw for a model or device that is not there.
Deployed deploy(const Deployment& plan, const RunContext& context);

}  // namespace nibble::serving
