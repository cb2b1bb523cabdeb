// The dice of speculative decoding: target steps whose K drafts are accepted one after another with
// chance alpha until one is not, counted, and the counts turned into means with their intervals.
//
// Step i draws from Rng index i K .. i K + K - 1 of a stream, so the same seed gives the same steps
// on any number of threads, and the first steps of a long run are those of a short one.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/core/rng.hpp"

namespace nibble {

/// A mean, and half the width of the interval that holds the true one in 95 runs of 100.
struct Estimate {
    double mean = 0, half_width = 0;

    double low() const { return mean - half_width; }
    double high() const { return mean + half_width; }
    bool holds(double value) const { return low() <= value && value <= high(); }
};

/// How many target steps accepted n drafts.
struct AcceptedCounts {
    std::vector<std::int64_t> steps;  // by n = 0 .. K

    std::int64_t total() const;
    double share(std::size_t n) const;
    /// Tokens a target step: the mean of n + 1, by the normal approximation.
    Estimate tokens() const;
    /// The share of steps that accepted n (Wilson 1927, which also holds for shares near 0 and 1).
    /// `mean` is the middle of the interval, not the share itself.
    Estimate share_interval(std::size_t n) const;
};

/// Drafts that target step `step` accepts: 0 .. k.
int accepted_in_step(const Rng& rng, std::int64_t step, double alpha, int k);

/// Plays `steps` target steps. `grown` is called twenty times on the way, or more in a long run,
/// with the counts so far and the share done; it may throw to stop. Same counts on any number of
/// threads.
AcceptedCounts simulate_chain(const Rng& rng, double alpha, int k, std::int64_t steps,
                              const std::function<void(const AcceptedCounts&, double)>& grown = {});

}  // namespace nibble
