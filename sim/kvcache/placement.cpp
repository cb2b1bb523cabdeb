#include "sim/kvcache/placement.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/kvcache/paged_cache.hpp"

namespace nibble {
namespace {

std::int64_t power_of_two_from(std::int64_t tokens) {
    return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(tokens)));
}

constexpr struct {
    const char *name, *label;
} words[placements] = {
    {"max", "maximum length"},
    {"pow2", "power of two, first fit"},
    {"oracle", "known length, first fit"},
    {"pow2_buddy", "power of two, buddy"},
    {"oracle_buddy", "known length, buddy"},
    {"paged", "paged"},
};

}  // namespace

std::vector<Choice> placement_choices() {
    std::vector<Choice> choices;
    for (const auto& w : words) {
        choices.push_back({w.name, w.label});
    }
    return choices;
}

std::string label(Placement placement) {
    return words[static_cast<std::size_t>(placement)].label;
}

bool is_buddy(Placement placement) {
    return placement == Placement::pow2_buddy || placement == Placement::oracle_buddy;
}

bool is_bounded_by_max_len(Placement placement) {
    return placement == Placement::max || placement == Placement::pow2 ||
           placement == Placement::pow2_buddy;
}

std::int64_t slots_asked(Placement placement, const Request& request, std::int64_t max_len) {
    switch (placement) {
        case Placement::max:
            return max_len;
        case Placement::pow2:
        case Placement::pow2_buddy:
            return std::min(max_len, request.prompt + power_of_two_from(request.output));
        case Placement::oracle:
        case Placement::oracle_buddy:
            return request.tokens();
        case Placement::paged:
            break;
    }
    broken_invariant("placement", "paged requests ask for blocks as they grow", __FILE__, __LINE__);
}

std::int64_t slots_at_the_end(Placement placement, const Request& request, const CacheSize& size) {
    if (placement == Placement::paged) {
        return size.block_size * blocks_for(request.tokens(), size.block_size);
    }
    const std::int64_t slots = slots_asked(placement, request, size.max_len);
    return is_buddy(placement) ? power_of_two_from(slots) : slots;
}

std::int64_t most_slots(Placement placement, const CacheSize& size) {
    if (placement == Placement::paged) {
        return size.block_size * (size.blocks() - size.watermark_blocks);
    }
    // The largest piece of a buddy pool is the highest power of two in the capacity.
    return is_buddy(placement) ? static_cast<std::int64_t>(std::bit_floor(
                                     static_cast<std::uint64_t>(size.capacity_slots)))
                               : size.capacity_slots;
}

bool can_ever_run(Placement placement, const Request& request, const CacheSize& size) {
    const bool too_long = is_bounded_by_max_len(placement) && request.tokens() > size.max_len;
    return !too_long && slots_at_the_end(placement, request, size) <= most_slots(placement, size);
}

void check_requests(Placement placement, const RequestTrace& trace, const CacheSize& size) {
    for (const Request& request : trace.requests) {
        if (can_ever_run(placement, request, size)) {
            continue;
        }
        const std::string tokens =
            fmt::format("{}: {} + {} = {} tokens", trace.where(request, "output"), request.prompt,
                        request.output, request.tokens());
        if (is_bounded_by_max_len(placement) && request.tokens() > size.max_len) {
            throw Error(Error::Code::bad_file,
                        fmt::format("{} are more than max_len = {}", tokens, size.max_len),
                        "raise max_len, or cut the request; nothing was run");
        }
        throw Error(Error::Code::bad_file,
                    fmt::format("{} take {} slots ({}), and a cache of {} has {} for one request",
                                tokens, slots_at_the_end(placement, request, size),
                                label(placement), size.capacity_slots, most_slots(placement, size)),
                    "raise capacity_slots, or cut the request; nothing was run");
    }
}

std::unique_ptr<SlotPool> slot_pool(Placement placement, std::int64_t capacity_slots) {
    if (is_buddy(placement)) {
        return std::make_unique<Buddy>(capacity_slots);
    }
    return std::make_unique<FirstFit>(capacity_slots);
}

}  // namespace nibble
