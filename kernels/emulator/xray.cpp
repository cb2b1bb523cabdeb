#include "kernels/emulator/xray.hpp"

#include <algorithm>
#include <bit>

namespace nibble::kernels::emulator {
namespace {

/// A sorted, duplicate-free handful: at most 32 lanes with 16 bytes each, so at most 128 words.
template <std::size_t capacity>
class SmallSet {
public:
    void add(std::uintptr_t value) { values_[size_++] = value; }
    std::size_t count() {
        std::sort(values_.begin(), values_.begin() + size_);
        return static_cast<std::size_t>(std::unique(values_.begin(), values_.begin() + size_) -
                                        values_.begin());
    }

private:
    std::array<std::uintptr_t, capacity> values_;
    std::ptrdiff_t size_ = 0;
};

using Addresses = std::array<std::uintptr_t, warp_size>;

std::uint64_t distinct_sectors(std::uint32_t active, const Addresses& address,
                               std::uint32_t bytes) {
    SmallSet<2 * warp_size> sectors;  // an access is at most 16 bytes: it straddles two at worst
    for (int lane = 0; lane < warp_size; ++lane) {
        if (active >> lane & 1u) {
            sectors.add(address[lane] / sector_bytes);
            sectors.add((address[lane] + bytes - 1) / sector_bytes);
        }
    }
    return sectors.count();
}

std::uint64_t distinct_bytes(std::uint32_t active, const Addresses& address, std::uint32_t bytes) {
    std::array<std::uintptr_t, warp_size> starts;
    std::size_t count = 0;
    for (int lane = 0; lane < warp_size; ++lane) {
        if (active >> lane & 1u) {
            starts[count++] = address[lane];
        }
    }
    std::sort(starts.begin(), starts.begin() + count);
    std::uint64_t sum = 0;
    std::uintptr_t end = 0;  // everything below is counted
    for (std::size_t i = 0; i < count; ++i) {
        const std::uintptr_t from = std::max(starts[i], end);
        end = std::max(end, starts[i] + bytes);
        sum += end - from;
    }
    return sum;
}

/// Passes over the banks for the lanes [first, first + lanes) of a request.
std::uint64_t passes(std::uint32_t active, const Addresses& address, std::uint32_t bytes, int first,
                     int lanes, bool atomic) {
    std::array<SmallSet<4 * warp_size>, bank_count> words;
    std::array<std::uint64_t, bank_count> lanes_on{};
    for (int lane = first; lane < first + lanes; ++lane) {
        if ((active >> lane & 1u) == 0) {
            continue;
        }
        const std::uintptr_t last = (address[lane] + bytes - 1) / bank_bytes;
        for (std::uintptr_t word = address[lane] / bank_bytes; word <= last; ++word) {
            words[word % bank_count].add(word);
            ++lanes_on[word % bank_count];
        }
    }
    std::uint64_t most = 0;
    for (std::size_t bank = 0; bank < bank_count; ++bank) {
        most = std::max<std::uint64_t>(most, atomic ? lanes_on[bank] : words[bank].count());
    }
    return most;
}

}  // namespace

const char* name(Access access) {
    switch (access) {
        case Access::load:
            return "load";
        case Access::store:
            return "store";
        case Access::atomic:
            return "atomic";
        case Access::async_copy:
            return "async copy";
    }
    return "access";
}

Cost cost_of(Space space, Access access, std::uint32_t active, const Addresses& address,
             std::uint32_t bytes) {
    Cost cost;
    cost.distinct_bytes = distinct_bytes(active, address, bytes);
    if (space == Space::global) {
        cost.sectors = distinct_sectors(active, address, bytes);
        return cost;
    }
    // 32 lanes of 8 bytes are two passes' worth of banks, of 16 bytes four: the hardware takes
    // half-warps and quarter-warps in turn, and conflicts arise only within one of them.
    const int lanes = bytes <= 4 ? warp_size : bytes <= 8 ? warp_size / 2 : warp_size / 4;
    for (int first = 0; first < warp_size; first += lanes) {
        const std::uint32_t group =
            (lanes == warp_size ? ~0u : ((1u << lanes) - 1u) << first) & active;
        if (group != 0) {
            // atomics on one word queue up, since each must see what the one before it left
            cost.wavefronts +=
                passes(group, address, bytes, first, lanes, access == Access::atomic);
            cost.ideal_wavefronts += 1;
        }
    }
    return cost;
}

double SiteCounts::sectors_per_request() const {
    return requests == 0 ? 0.0 : static_cast<double>(cost.sectors) / static_cast<double>(requests);
}

double SiteCounts::moved_over_used() const {
    return cost.distinct_bytes == 0 ? 0.0
                                    : static_cast<double>(cost.sectors * sector_bytes) /
                                          static_cast<double>(cost.distinct_bytes);
}

double SiteCounts::bank_conflict() const {
    return cost.ideal_wavefronts == 0
               ? 0.0
               : static_cast<double>(cost.wavefronts) / static_cast<double>(cost.ideal_wavefronts);
}

double SiteCounts::active_lanes() const {
    return requests == 0 ? 0.0 : static_cast<double>(lanes) / static_cast<double>(requests);
}

std::vector<const SiteCounts*> Report::at_line(unsigned line) const {
    std::vector<const SiteCounts*> found;
    for (const SiteCounts& site : sites) {
        if (site.line == line) {
            found.push_back(&site);
        }
    }
    return found;
}

}  // namespace nibble::kernels::emulator
