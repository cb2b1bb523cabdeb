#include "sim/experiments/kernels/kernel_ladder/xray.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "kernels/emulator/launch.hpp"

namespace nibble::kernel_ladder_lab {
namespace {

using kernels::emulator::Report;
using kernels::emulator::Space;

void add(RungXray& sum, const Report& report) {
    ++sum.launches;
    sum.blocks += report.blocks;
    sum.barriers += report.barriers;
    sum.collectives += report.collectives;
    for (const SiteCounts& site : report.sites) {
        if (site.space == Space::global) {
            sum.global_requests += site.requests;
            sum.global_lanes += site.lanes;
            sum.sectors += site.cost.sectors;
        } else {
            sum.shared_requests += site.requests;
        }
        sum.sites.push_back(site);
    }
}

std::vector<float> weights_of(const kernels::Job& job, const RunContext& context) {
    const Rng rng = context.rng("kernel-ladder weights");
    std::vector<float> weights(job.values());
    for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = static_cast<float>(rng.normal(i));
    }
    return weights;
}

}  // namespace

double RungXray::moved_bytes() const {
    return static_cast<double>(sectors * kernels::emulator::sector_bytes);
}

double RungXray::sectors_per_request() const {
    return global_requests == 0
               ? 0
               : static_cast<double>(sectors) / static_cast<double>(global_requests);
}

double RungXray::active_lanes() const {
    return global_requests == 0
               ? 0
               : static_cast<double>(global_lanes) / static_cast<double>(global_requests);
}

double RungXray::bank_conflict() const {
    double worst = 1;
    for (const SiteCounts& site : sites) {
        worst = std::max(worst, site.bank_conflict());
    }
    return worst;
}

std::size_t RungXray::costliest_site() const {
    NIBBLE_ASSERT(!sites.empty(), "a rung that touches no memory does nothing");
    const auto costlier = [](const SiteCounts& a, const SiteCounts& b) {
        return std::pair(a.cost.sectors, a.cost.wavefronts) <
               std::pair(b.cost.sectors, b.cost.wavefronts);
    };
    return static_cast<std::size_t>(std::max_element(sites.begin(), sites.end(), costlier) -
                                    sites.begin());
}

Data take_xrays(const kernels::Ladder& ladder, const kernels::Job& job, const RunContext& context) {
    Data data;
    data.ladder = &ladder;
    data.job = job;
    data.asked_rows = job.rows;
    data.needed_bytes = ladder.bytes(job);
    const std::vector<float> weights = weights_of(job, context);
    for (std::size_t i = 0; i < ladder.rungs.size(); ++i) {
        context.check();
        context.progress(static_cast<double>(i) / static_cast<double>(ladder.rungs.size()));
        kernels::Arena arena(kernels::device(kernels::Machine::emulated), ladder, job);
        arena.prepare(weights);
        kernels::emulator::Session session(
            {.xray = true, .watch = {.block = 0, .requests = kept_requests}});
        ladder.rungs[i].emulated(job, arena.pointers());
        RungXray& xray = data.rungs.emplace_back();
        for (const Report& report : session.reports()) {
            add(xray, report);
        }
    }
    return data;
}

bool is_in_source(const SiteCounts& site, const kernels::Rung& rung) {
    return site.file.ends_with(rung.source);
}

std::string place_of(const SiteCounts& site) {
    return fmt::format("{}:{}", site.file.substr(site.file.find_last_of('/') + 1), site.line);
}

}  // namespace nibble::kernel_ladder_lab
