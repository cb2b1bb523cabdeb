#include "kernels/emulator/recorder.hpp"

#include <algorithm>
#include <bit>

namespace nibble::kernels::emulator {
namespace {

using Order = std::tuple<std::string, unsigned, unsigned, Access, Space, std::uint32_t>;

Order order_of(const SiteCounts& s) {
    return {s.file, s.line, s.column, s.access, s.space, s.bytes_per_lane};
}

void add(SiteCounts& sum, const SiteCounts& part) {
    sum.requests += part.requests;
    sum.lanes += part.lanes;
    sum.cost.sectors += part.cost.sectors;
    sum.cost.distinct_bytes += part.cost.distinct_bytes;
    sum.cost.wavefronts += part.cost.wavefronts;
    sum.cost.ideal_wavefronts += part.cost.ideal_wavefronts;
    sum.shown.insert(sum.shown.end(), part.shown.begin(), part.shown.end());
}

}  // namespace

void Recorder::record(const Where& where, Access access, const Extent& extent, const void* address,
                      std::uint32_t bytes, unsigned warp, unsigned lane) {
    const Key key{where.file_name(), where.line(), where.column(), access, extent.space, bytes};
    Site& site = sites_[key];
    if (site.counts.line == 0) {
        site.counts.file = where.file_name();
        site.counts.line = where.line();
        site.counts.column = where.column();
        site.counts.access = access;
        site.counts.space = extent.space;
        site.counts.bytes_per_lane = bytes;
    }
    if (site.warps.size() <= warp) {
        site.warps.resize(warp + 1);
    }
    Stream& stream = site.warps[warp];
    const std::uint32_t occurrence = stream.passed[lane]++;
    if (stream.requests.size() <= occurrence) {
        stream.requests.resize(occurrence + 1);
    }
    Open& request = stream.requests[occurrence];
    request.active |= 1u << lane;
    request.extent = &extent;
    request.address[lane] = reinterpret_cast<std::uintptr_t>(address);
}

void Recorder::end_block(std::uint64_t block) {
    for (auto& [key, site] : sites_) {
        for (unsigned warp = 0; warp < site.warps.size(); ++warp) {
            count(site, warp, block);
        }
    }
}

void Recorder::count(Site& site, unsigned warp, std::uint64_t block) {
    SiteCounts& sum = site.counts;
    Stream& stream = site.warps[warp];
    for (unsigned occurrence = 0; occurrence < stream.requests.size(); ++occurrence) {
        const Open& request = stream.requests[occurrence];
        const Cost cost =
            cost_of(sum.space, sum.access, request.active, request.address, sum.bytes_per_lane);
        ++sum.requests;
        sum.lanes += static_cast<std::uint64_t>(std::popcount(request.active));
        sum.cost.sectors += cost.sectors;
        sum.cost.distinct_bytes += cost.distinct_bytes;
        sum.cost.wavefronts += cost.wavefronts;
        sum.cost.ideal_wavefronts += cost.ideal_wavefronts;
        if (block == watch_.block && occurrence < watch_.requests) {
            Request shown{
                warp, occurrence, request.active, sum.bytes_per_lane, request.extent->name, {}};
            for (int lane = 0; lane < warp_size; ++lane) {
                if (request.active >> lane & 1u) {
                    shown.offset[lane] = static_cast<std::int64_t>(
                        request.address[lane] -
                        reinterpret_cast<std::uintptr_t>(request.extent->base));
                }
            }
            sum.shown.push_back(std::move(shown));
        }
    }
    stream.requests.clear();
    stream.passed.fill(0);
}

void Recorder::merge(const Recorder& other) {
    for (const auto& [key, site] : other.sites_) {
        const auto [mine, fresh] = sites_.try_emplace(key);
        if (fresh) {
            mine->second.counts = site.counts;
        } else {
            add(mine->second.counts, site.counts);
        }
    }
}

std::vector<SiteCounts> Recorder::sites() const {
    std::map<Order, SiteCounts> joined;
    for (const auto& [key, site] : sites_) {
        const auto [mine, fresh] = joined.try_emplace(order_of(site.counts), site.counts);
        if (!fresh) {
            add(mine->second, site.counts);
        }
    }
    std::vector<SiteCounts> list;
    for (auto& [order, counts] : joined) {
        std::sort(counts.shown.begin(), counts.shown.end(), [](const auto& a, const auto& b) {
            return std::pair(a.warp, a.occurrence) < std::pair(b.warp, b.occurrence);
        });
        list.push_back(std::move(counts));
    }
    return list;
}

}  // namespace nibble::kernels::emulator
