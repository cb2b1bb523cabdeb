#include "sim/experiments/kvcache/reproduce_the_figure/data.hpp"

#include <algorithm>
#include <cmath>

namespace nibble::reproduce_the_figure_lab {
namespace {

/// Slots that a buddy allocator adds to what was asked for, summed over running requests, at each
/// step (element k is step k + 1).
std::vector<std::int64_t> rounded_up(const Replay& replay, const RequestTrace& trace) {
    std::vector<std::int64_t> change(replay.steps.size() + 1, 0);
    if (replay.placement == Placement::paged) {
        return change;
    }
    for (const Stint& s : replay.stints) {
        const std::int64_t asked =
            slots_asked(replay.placement, trace.requests[static_cast<std::size_t>(s.request)],
                        replay.size.max_len);
        change[static_cast<std::size_t>(s.first_step - 1)] += s.chunk.slots - asked;
        change[static_cast<std::size_t>(s.last_step)] -= s.chunk.slots - asked;
    }
    for (std::size_t k = 1; k < change.size(); ++k) {
        change[k] += change[k - 1];
    }
    return change;
}

Means means_of(const Replay& replay, const RequestTrace& trace, Average average) {
    const std::vector<std::int64_t> rounded = rounded_up(replay, trace);
    Means m;
    double steps = 0;
    for (std::size_t k = 0; k < replay.steps.size(); ++k) {
        const StepRecord& r = replay.steps[k];
        if (average == Average::while_waiting && r.waiting == 0) {
            continue;
        }
        ++steps;
        m.batch += static_cast<double>(r.batch);
        m.token_states += static_cast<double>(r.used);
        m.reservation += static_cast<double>(r.reservation);
        m.rounding += static_cast<double>(rounded[k]);
        m.internal += static_cast<double>(r.internal - rounded[k]);
    }
    if (steps == 0) {
        return means_of(replay, trace, Average::all_steps);  // nobody ever waited
    }
    m.batch /= steps;
    for (double* part : {&m.token_states, &m.reservation, &m.rounding, &m.internal}) {
        *part /= steps * static_cast<double>(replay.size.capacity_slots);
    }
    return m;
}

std::vector<Replayed> replays(const Params& p, const RequestTrace& trace, const CacheSize& size,
                              const RunContext& context) {
    const bool buddy = p.allocator == Allocator::buddy;
    const std::pair<Placement, Placement> pairs[] = {
        {Placement::max, Placement::max},
        {buddy ? Placement::pow2_buddy : Placement::pow2, Placement::pow2_buddy},
        {buddy ? Placement::oracle_buddy : Placement::oracle, Placement::oracle_buddy},
        {Placement::paged, Placement::paged}};
    std::vector<Replayed> list;
    for (const auto& [placement, printed] : pairs) {
        const Replay r = replay(placement, trace, size, [&] { context.check(); });
        list.push_back({placement, printed, means_of(r, trace, Average::all_steps),
                        means_of(r, trace, Average::while_waiting), r.step_count(),
                        r.preemptions()});
    }
    return list;
}

std::vector<AtBlockSize> block_sizes(const RequestTrace& trace, CacheSize size,
                                     const RunContext& context) {
    std::vector<AtBlockSize> list;
    for (int block_size = 1; block_size <= 256; block_size *= 2) {
        size.block_size = block_size;
        const Replay r = replay(Placement::paged, trace, size, [&] { context.check(); });
        list.push_back({block_size, means_of(r, trace, Average::all_steps),
                        means_of(r, trace, Average::while_waiting), 1 - r.used_over_allocated()});
    }
    return list;
}

/// Requests of the lengths whose savings were printed. Of Alpaca only the means are known.
std::vector<Request> requests_with(SharingLengths lengths, const RequestTrace& trace) {
    constexpr std::size_t copies = 50;  // a beam's fate is drawn, so one would not do
    const PublishedVllm& printed = published_vllm();
    return lengths == SharingLengths::sharegpt
               ? trace.requests
               : std::vector<Request>(
                     copies, {0, 0, static_cast<std::int32_t>(std::lround(printed.alpaca_prompt)),
                              static_cast<std::int32_t>(std::lround(printed.alpaca_output))});
}

std::vector<Saving> savings(const Params& p, const RequestTrace& trace, const RunContext& context) {
    std::vector<Saving> list;
    for (const SharingMethod method : {SharingMethod::parallel, SharingMethod::beam}) {
        for (const SharingLengths lengths : {SharingLengths::sharegpt, SharingLengths::alpaca}) {
            const std::vector<Request> requests = requests_with(lengths, trace);
            for (const int sequences : {2, 4, 6}) {
                Saving s;
                s.setting = {method, lengths, sequences, 0};
                for (const PrintedSaving& printed : published_vllm().savings) {
                    if (printed.method == method && printed.lengths == lengths &&
                        printed.sequences == sequences) {
                        s.setting.saved = printed.saved;
                        s.is_printed = true;
                    }
                }
                const double dropped = method == SharingMethod::beam ? p.dropped : 0;
                s.computed = blocks_saved(requests, {sequences, p.block_size, dropped},
                                          context.rng("beams"), [&] { context.check(); })
                                 .share();
                list.push_back(s);
            }
        }
    }
    return list;
}

}  // namespace

Data run(const Params& p, const RunContext& context) {
    const RequestTrace trace = trace_of(LengthMix::chat);
    CacheSize size;
    size.capacity_slots = p.capacity_slots;
    size.max_len = p.max_len;
    size.block_size = p.block_size;
    Data d;
    d.requests = static_cast<std::int64_t>(trace.requests.size());
    d.capacity = p.capacity_slots;
    d.block_size = p.block_size;
    for (const Request& r : trace.requests) {
        d.mean_prompt += static_cast<double>(r.prompt) / static_cast<double>(d.requests);
        d.mean_output += static_cast<double>(r.output) / static_cast<double>(d.requests);
    }
    d.replays = replays(p, trace, size, context);
    context.progress(0.2);
    d.by_block_size = block_sizes(trace, size, context);
    context.progress(0.5);
    d.savings = savings(p, trace, context);
    return d;
}

std::string short_name(Placement placement) {
    switch (placement) {
        case Placement::max:
            return "maximum";
        case Placement::pow2:
        case Placement::pow2_buddy:
            return "power of two";
        case Placement::oracle:
        case Placement::oracle_buddy:
            return "known length";
        case Placement::paged:
            return "paged";
    }
    broken_invariant("placement", "a placement of no name", __FILE__, __LINE__);
}

}  // namespace nibble::reproduce_the_figure_lab
