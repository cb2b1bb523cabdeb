// The X-ray: what a warp's loads and stores ask of the memory system, counted for each place in the
// source.
//
// The lanes of a warp run the same instruction together, so the memory system sees one request for
// up to 32 addresses. Global memory answers in sectors of 32 bytes: 32 floats in a row cost 4
// sectors, 32 floats of 32 different rows cost 32. Shared memory has 32 banks, each 4 bytes wide;
// lanes that want different words of one bank wait for each other, lanes that want the same word do
// not. (CUDA C++ Best Practices Guide, "Device memory spaces".)
//
// The emulator runs lanes one after another. What belonged together on a GPU is found by counting:
// the k-th time a lane passes a place joins the k-th time the other lanes of its warp passed it.
// That is what a GPU does wherever lanes stay together, and where they part, each branch has places
// of its own. Caches are left out: sectors are counted where the warp asks, before L1.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/emulator/fault.hpp"
#include "kernels/emulator/memory.hpp"

namespace nibble::kernels::emulator {

constexpr int warp_size = 32;
constexpr std::size_t sector_bytes = 32;
constexpr std::size_t bank_bytes = 4;
constexpr std::size_t bank_count = 32;

enum class Access : std::uint8_t { load, store, atomic, async_copy };

/// "load", "store" ...
const char* name(Access access);

/// One warp, one place, once: who asked for which bytes.
struct Request {
    unsigned warp = 0;         // within its block
    unsigned occurrence = 0;   // the how-manieth time the warp was here
    std::uint32_t active = 0;  // bit i: lane i took part
    std::uint32_t bytes_per_lane = 0;
    std::string buffer;  // name of the buffer, where it has one
    /// Distance in bytes from the start of the buffer or array, for active lanes.
    std::array<std::int64_t, warp_size> offset{};
};

/// What a request costs.
struct Cost {
    std::uint64_t sectors = 0;           // global: distinct sectors of 32 bytes touched
    std::uint64_t distinct_bytes = 0;    // bytes somebody wanted, each counted once
    std::uint64_t wavefronts = 0;        // shared: passes over the banks it took
    std::uint64_t ideal_wavefronts = 0;  // shared: passes had no two lanes wanted one bank
};

/// The rule itself, on addresses: the cost of one request. `address` counts where `active` says so.
Cost cost_of(Space space, Access access, std::uint32_t active,
             const std::array<std::uintptr_t, warp_size>& address, std::uint32_t bytes_per_lane);

/// Everything that passed one place in the source.
struct SiteCounts {
    std::string file;
    unsigned line = 0, column = 0;
    Access access = Access::load;
    Space space = Space::global;
    std::uint32_t bytes_per_lane = 0;

    std::uint64_t requests = 0;
    std::uint64_t lanes = 0;  // active lanes, summed over requests
    Cost cost;                // summed over requests

    std::vector<Request> shown;  // the first requests of the watched block

    double sectors_per_request() const;
    /// Bytes in the sectors moved over the bytes wanted; 1 is perfect, 8 reads 4 of every 32.
    double moved_over_used() const;
    /// How many ways the average request conflicts; 1 is none, 32 is one bank for all.
    double bank_conflict() const;
    /// Active lanes per request, 32 when nobody sat out.
    double active_lanes() const;
};

/// What one launch, or several of one kernel, did.
struct Report {
    std::string kernel;
    Index3 grid, block;
    std::uint64_t blocks = 0;
    std::uint64_t barriers = 0;     // __syncthreads and its kin, each counted once a block
    std::uint64_t collectives = 0;  // shuffles, votes, __syncwarp, mma, each counted once a warp
    std::vector<SiteCounts> sites;  // in the order of the source

    /// The sites of one line, e.g. the load and the store of `tile[i] += x`.
    std::vector<const SiteCounts*> at_line(unsigned line) const;
};

/// Which requests to keep whole.
struct Watch {
    std::uint64_t block = 0;  // linear index of the block
    unsigned requests = 8;    // of each place and warp
};

}  // namespace nibble::kernels::emulator
