// What the GPU kernels of both ladders ask of memory, and what others recorded on GPUs.
#include <algorithm>

#include "kernels/emulator/launch.hpp"
#include "kernels/ladder.hpp"
#include "sim/experiments/kvcache/paged_attention/data.hpp"
#include "sim/roofline/catalogue.hpp"

namespace nibble::paged_attention_lab {
namespace {

using kernels::Ladder;
using kernels::emulator::SiteCounts;
using kernels::emulator::Space;

const Ladder& ladder_of(std::string_view id) {
    const Ladder* const ladder = kernels::find_ladder(id);
    NIBBLE_ASSERT(ladder != nullptr, "the attention ladders must be in the registry");
    return *ladder;
}

/// Requests to the cache and sectors of it, a token. Queries and outputs are left out: they do not
/// grow with the context.
struct Traffic {
    double cache = 0, table = 0, requests = 0;
};

Traffic traffic_of(const Ladder& ladder, const kernels::Rung& rung, const kernels::Job& job,
                   const std::vector<float>& weights) {
    kernels::Arena arena(kernels::device(kernels::Machine::emulated), ladder, job);
    arena.prepare(weights);
    const kernels::emulator::Session session({.xray = true, .watch = {.requests = 1}});
    rung.emulated(job, arena.pointers());
    Traffic traffic;
    for (const auto& report : session.reports()) {
        for (const SiteCounts& site : report.sites) {
            if (site.space != Space::global || site.shown.empty()) {
                continue;
            }
            const std::string& buffer = site.shown.front().buffer;
            const bool of_cache = buffer == "keys" || buffer == "values";
            if (of_cache || buffer == "table") {
                const double tokens = static_cast<double>(job.values());
                traffic.requests += static_cast<double>(site.requests) / tokens;
                (of_cache ? traffic.cache : traffic.table) +=
                    static_cast<double>(site.cost.sectors) / tokens;
            }
        }
    }
    return traffic;
}

}  // namespace

std::vector<std::vector<RungCount>> count_rungs(const RunContext& context) {
    const Ladder &contiguous = ladder_of("attention-contiguous"),
                 &paged = ladder_of("attention-paged");
    kernels::Job job;
    job.rows = 1;
    job.columns = counted_tokens;
    const Rng rng = Rng(1).stream("paged-attention-counts");
    std::vector<float> weights(job.values());
    for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = static_cast<float>(0.02 * rng.normal(i));
    }
    std::vector<RungCount> base;
    for (const kernels::Rung& rung : contiguous.rungs) {
        context.check();
        const Traffic t = traffic_of(contiguous, rung, job, weights);
        base.push_back({rung.name, rung.teaches, t.cache, 0, 0, t.requests, 0});
    }
    std::vector<std::vector<RungCount>> by_size;
    for (const int size : block_sizes) {
        if (size > counted_tokens) {  // one block holds all that are counted
            by_size.push_back(by_size.back());
            continue;
        }
        std::vector<RungCount>& rungs = by_size.emplace_back(base);
        job.group_size = static_cast<std::size_t>(size);
        for (std::size_t i = 0; i < rungs.size(); ++i) {
            context.check();
            const Traffic t = traffic_of(paged, paged.rungs[i], job, weights);
            rungs[i].cache = t.cache;
            rungs[i].table = t.table;
            rungs[i].requests = t.requests;
        }
    }
    return by_size;
}

std::vector<RecordedSeries> recorded_attention() {
    std::vector<RecordedSeries> list;
    for (const Measurements& m : catalogue().measurements) {
        const DeviceSheet& sheet = catalogue().device(m.device);
        RecordedSeries series{m.device, sheet.name, m.machine, {}};
        for (const AttentionSeries& attention : m.attentions) {
            if (!attention.decode || attention.kv_bits != 16) {
                continue;
            }
            for (const MeasuredAttention& r : attention.rows) {
                if (r.heads == 32 && r.kv_heads == 8) {
                    const OperatorTime ideal =
                        ideal_time(operator_of(attention, r), machine_of(sheet), Precision{});
                    series.rows.push_back({r.batch, r.context, r.time.value, ideal.total().value});
                }
            }
        }
        if (!series.rows.empty()) {
            list.push_back(std::move(series));
        }
    }
    return list;
}

}  // namespace nibble::paged_attention_lab
