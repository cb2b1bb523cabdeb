// How many slots a request holds, and where: the policies that the fragmentation lab compares.
//
//   max      max_len slots, whatever the request needs          (Orca (Max) of Kwon et al. 2023)
//   pow2     min(max_len, prompt + the smallest power of two >= output)
//   oracle   prompt + output, as if the output's length were known
//   paged    block_size * ceil((prompt + generated) / block_size), growing as it goes
//
// The first three lie in one piece, by first fit or (..._buddy) by a buddy allocator.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/core/param.hpp"
#include "sim/kvcache/contiguous.hpp"
#include "sim/requests/trace.hpp"

namespace nibble {

enum class Placement { max, pow2, oracle, pow2_buddy, oracle_buddy, paged };
inline constexpr int placements = 6;

std::vector<Choice> placement_choices();
/// "maximum length", "power of two, buddy", "paged".
std::string label(Placement placement);
bool is_buddy(Placement placement);
/// Whether a request may hold no more than max_len slots.
bool is_bounded_by_max_len(Placement placement);

struct CacheSize {
    std::int64_t capacity_slots = 15696;  // 12 GB beside OPT-13B on 40 GB (Kwon et al., table 1)
    std::int64_t max_len = 2048;
    int block_size = 16;
    int watermark_blocks = 0;

    std::int64_t blocks() const { return capacity_slots / block_size; }
};

/// Slots that a contiguous policy asks for; a buddy allocator may hand out more.
std::int64_t slots_asked(Placement placement, const Request& request, std::int64_t max_len);

/// Slots that the request holds when it is complete, rounded up as its pool does.
std::int64_t slots_at_the_end(Placement placement, const Request& request, const CacheSize& size);

/// The most that one request can get of an empty cache.
std::int64_t most_slots(Placement placement, const CacheSize& size);

/// Whether the request can run at all, alone in the cache.
bool can_ever_run(Placement placement, const Request& request, const CacheSize& size);

/// Throws Error::bad_file naming line and column of the first request that never can.
void check_requests(Placement placement, const RequestTrace& trace, const CacheSize& size);

/// The pool of a contiguous policy.
std::unique_ptr<SlotPool> slot_pool(Placement placement, std::int64_t capacity_slots);

}  // namespace nibble
