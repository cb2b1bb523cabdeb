// What the kernel-ladder lab shows of its X-rays.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/experiments/kernels/kernel_ladder/xray.hpp"

namespace nibble::kernel_ladder_lab {

/// What the reader looks at, clamped to what there is.
struct Focus {
    std::size_t rung = 0, site = 0, step = 0;  // indices
    unsigned warp = 0;                         // whose requests are stepped through
    std::vector<const Request*> requests;      // of the site and the warp, in order; none where
                                               // the watched block does not come by

    const kernels::Rung& rung_of(const Data& data) const { return data.ladder->rungs[rung]; }
    const RungXray& xray(const Data& data) const { return data.rungs[rung]; }
    const SiteCounts& site_of(const Data& data) const { return xray(data).sites[site]; }
    const Request& request() const { return *requests[step]; }
};

/// `rung` and `step` count from 1; `site` too, and 0 stands for the one that moves most.
Focus look_at(const Data& data, int rung, int site, int step);

/// What one request costs, by the X-ray's own rule.
kernels::emulator::Cost cost_of(const SiteCounts& site, const Request& request);

/// "32 lanes × 4 B = 128 B asked for, 32 sectors × 32 B = 1024 B moved"
std::string balance_of(const SiteCounts& site, const Request& request);

/// "in_flight" -> "in flight"
std::string spoken(const kernels::Rung& rung);

std::vector<FigureRow> figures(const Data& data, const Focus& focus);
/// Which lane asked for which word, as far as the step.
Figure lanes_figure(const Data& data, const Focus& focus);
/// The rung's source with what each line asks for.
Figure source_figure(const Data& data, const Focus& focus);

/// Finding, explanation, metrics, equations and tables.
void describe(const Data& data, const Focus& focus, Outcome& outcome);

}  // namespace nibble::kernel_ladder_lab
