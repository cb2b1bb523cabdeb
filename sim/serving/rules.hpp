// What a scheduler is allowed, and the conventions of the simulation.
//
// All schedulers run the same iteration (Yu et al. 2022; Kwon et al. 2023; Agrawal et al. 2024):
//
//  1. Running requests first, in the order of their admission, each
//     min(tokens still to compute, budget left), taking blocks as needed. When there are not
//     enough, the request that was admitted last is preempted (its blocks freed, what was computed
//     forgotten, to the front of the waiting line) until it fits or the asking request was itself
//     preempted, which ends the pass.
//  2. If none was preempted, waiting requests are admitted in order, while budget, max_seqs and
//     blocks (free minus watermark) allow. Without chunking a request must fit the remaining budget
//     whole. Blocks are taken for the tokens of this step, not for the whole request.
//  3. A request whose computed tokens reach its length (prompt and generated tokens) yields one at
//     the end of the step; with its last one it leaves and gives its blocks back. A request of
//     `prompt` and `output` tokens thus computes prompt + output - 1 and, if never preempted,
//     stores as many.
//
// They differ in when they admit:
//
//  static        when nothing runs, from what waits; then all of them until the last is done
//  dynamic       the same, but only once max_seqs requests wait or the first of them has waited
//                max_wait seconds
//  continuous    in every step, prompts whole
//  chunked       in every step, prompts in pieces of what the budget leaves
//  prefix_aware  chunked, and full blocks at the start of a prompt that are still in the cache are
//                not computed again (sim/kvcache/prefix_blocks.hpp); of the first requests in line
//                the one that finds most of them goes first (Zheng et al. 2024)
//
// Two things keep the line from standing still for ever. With nothing running the watermark is
// waived, for there is no one whose growth it protects. And a request that came to exceed the
// budget by what it generated before it was preempted is recomputed in pieces.
//
// Conventions of time. Steps are numbered t = 0, 1, 2, ... Where a step takes a constant time c,
// step t begins at t c, so the numbers go on while nothing runs, and with c = 1 arrivals count in
// steps; otherwise only steps that ran have a number. A request may be scheduled in step t when it
// has arrived at or before the step's beginning. Its tokens are there at the end of the step:
// first_token_step = t means at the time (t + 1) c. The free blocks of a step are counted after
// scheduling, before finished requests give theirs back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/requests/trace.hpp"

namespace nibble::serving {

enum class Policy { static_batch, dynamic_batch, continuous, chunked, prefix_aware };
std::string_view name(Policy policy);

/// What becomes of the cache of a request that must make room.
enum class Preemption {
    recompute,  // forgotten, and computed again
    swap,       // moved to the host's memory, and back
};

struct Rules {
    Policy policy = Policy::chunked;
    std::int32_t max_seqs = 64, token_budget = 512;
    std::int64_t blocks = 1024;
    std::int32_t block_size = 16;  // tokens
    std::int64_t watermark = 0;    // blocks that admission leaves free
    Preemption preemption = Preemption::recompute;
    double max_wait = 0.1;      // seconds, of dynamic batching
    bool prompts_only = false;  // requests leave with their first token, for another machine

    bool is_chunked() const { return policy == Policy::chunked || policy == Policy::prefix_aware; }
    /// Whether a batch is closed until all of it is done.
    bool runs_batches() const {
        return policy == Policy::static_batch || policy == Policy::dynamic_batch;
    }
};

/// A cache of prefixes knows its blocks one by one: of more it would not keep count.
constexpr std::int64_t most_prefix_blocks = 2'000'000;

/// Why a request can never be served under these rules, and what would help; both empty when it
/// can.
struct Refusal {
    std::string_view column;  // of a trace: "prompt" or "output"
    std::string why, hint;
};
Refusal refusal(const Request& request, const Rules& rules);
/// Throws Error::bad_file naming line and column of the first request that can never be served.
void check_fits(const RequestTrace& trace, const Rules& rules);

}  // namespace nibble::serving
