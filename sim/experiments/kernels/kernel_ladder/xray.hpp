// The X-ray of a ladder: every rung run on the emulator with the same data, and what each asked of
// the memory system.
//
// A warp's load or store is one request; global memory answers in sectors of 32 bytes, so what a
// rung moves is 32 bytes times the sectors of all its requests. The operation itself needs each
// input read once and each output written once. What is moved beyond that is the rung's doing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/emulator/xray.hpp"
#include "kernels/ladder.hpp"
#include "sim/core/experiment.hpp"
#include "sim/measured/kernel_speed.hpp"

namespace nibble::kernel_ladder_lab {

using kernels::emulator::Request;
using kernels::emulator::SiteCounts;

struct RungXray {
    std::vector<SiteCounts> sites;  // of all launches, in their order and that of the source
    std::uint64_t launches = 0, blocks = 0, barriers = 0, collectives = 0;
    std::uint64_t global_requests = 0, shared_requests = 0;
    std::uint64_t sectors = 0;       // of global memory
    std::uint64_t global_lanes = 0;  // active ones, over the requests to global memory

    double moved_bytes() const;
    double sectors_per_request() const;
    double active_lanes() const;
    /// The worst site's; 1 without conflicts, or without shared memory.
    double bank_conflict() const;
    /// Index of the site that moves most; of shared memory only when there is no other. Throws
    /// BrokenInvariant when the rung touched no memory.
    std::size_t costliest_site() const;
};

struct Data {
    const kernels::Ladder* ladder = nullptr;
    kernels::Job job;             // that was run
    std::size_t asked_rows = 0;   // more than the job's in a preview
    double needed_bytes = 0;      // of the job: each input once, each output once
    std::vector<RungXray> rungs;  // in the ladder's order
    std::vector<KernelRecording> recordings;

    double per_value(double bytes) const { return bytes / static_cast<double>(job.values()); }
    double moved_over_needed(std::size_t rung) const {
        return rungs[rung].moved_bytes() / needed_bytes;
    }
};

/// Requests of each place and warp that are kept whole, for stepping through.
inline constexpr unsigned kept_requests = 64;

/// Runs every rung. `job` must satisfy the ladder's check.
Data take_xrays(const kernels::Ladder& ladder, const kernels::Job& job, const RunContext& context);

/// Whether the rung's own source file holds the site.
bool is_in_source(const SiteCounts& site, const kernels::Rung& rung);

/// "int4_group.cuh:57"
std::string place_of(const SiteCounts& site);

}  // namespace nibble::kernel_ladder_lab
