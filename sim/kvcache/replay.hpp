// A queue of requests replayed into one allocator, step by step.
//
// All requests wait at step 0, first come first served; the head blocks the line. Each step, from
// 1 on:
//   1. admit from the head while it can be placed;
//   2. each running request, in the order of admission, stores one more token. Paged: when it needs
//      a block and none is free, the request admitted last is preempted: its blocks are freed, its
//      tokens are kept for when it is admitted again, and it goes back to the head of the line. If
//      that is the one asking, it gains no token and the pass ends;
//   3. the step is recorded;
//   4. requests with all of their output leave.
// A step has no duration here; what a step costs is the serving simulator's question.
//
// The history is kept as stints: one request's stay in the cache. Between its first and its last
// step a stint grows by a token a step, so the cache at any step can be told from them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/kvcache/placement.hpp"

namespace nibble {

struct Stint {
    int request = 0;                             // index in the trace
    std::int64_t first_step = 0, last_step = 0;  // recorded ones; last < first: preempted at once
    std::int64_t tokens_before = 0;              // stored when admitted
    Chunk chunk = {};                            // contiguous
    std::vector<int> block_table = {};           // paged, as it was at the end
    bool preempted = false;                      // how it ended

    bool runs_at(std::int64_t step) const { return first_step <= step && step <= last_step; }
    /// Prompt and generated tokens in the cache when `step` is recorded.
    std::int64_t tokens_at(std::int64_t step) const {
        return tokens_before + (step - first_step + 1);
    }
};

/// What the recorded step found, summed over running requests. Slots:
///   used         hold a token
///   reservation  will hold one of the same request: output - generated; none where paged
///   internal     never will: a contiguous chunk less (prompt + output); paged, the rest of the
///                last block
/// and used + reservation + internal = allocated.
struct StepRecord {
    std::int64_t batch = 0, waiting = 0;
    std::int64_t used = 0, allocated = 0, reservation = 0, internal = 0;
    std::int64_t preemptions = 0;  // in this step
    std::int64_t finished = 0;     // at its end
};

struct Replay {
    Placement placement = Placement::paged;
    CacheSize size;
    std::vector<Stint> stints;           // in the order of admission
    std::vector<StepRecord> steps;       // element k is step k + 1
    std::vector<std::int64_t> finished;  // (request): the step at whose end it left

    std::int64_t recomputed_tokens = 0;  // stored again after a preemption by recomputation
    std::int64_t swapped_blocks = 0;     // the same by swapping: blocks moved out, and back in

    std::int64_t step_count() const { return static_cast<std::int64_t>(steps.size()); }
    const StepRecord& step(std::int64_t number) const {
        return steps[static_cast<std::size_t>(number - 1)];
    }
    double mean_batch() const;
    double mean_used_slots() const;
    double mean_allocated_slots() const;
    double mean_reservation() const;
    double mean_internal() const;
    double used_over_allocated() const;  // of the means
    double used_over_capacity() const;
    std::int64_t preemptions() const;
    std::int64_t finish_steps_sum() const;
};

/// Throws what check_requests throws, before anything runs. `check` is called every few hundred
/// steps and may throw to end the replay.
Replay replay(
    Placement placement, const RequestTrace& trace, const CacheSize& size,
    const std::function<void()>& check = [] {});

}  // namespace nibble
