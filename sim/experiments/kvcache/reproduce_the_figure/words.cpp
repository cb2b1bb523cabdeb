// What agrees with print, what does not, and what differs in the set-up.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/core/text.hpp"
#include "sim/experiments/kvcache/reproduce_the_figure/data.hpp"

namespace nibble::reproduce_the_figure_lab {
namespace {

constexpr double near = 0.05;  // what counts as agreement with print

std::string percent(double share) {
    return format_number(100 * share) + " %";
}

double printed_batch(const Replayed& r) {
    return published_vllm().batch_of(r.printed).sharegpt;
}

const AtBlockSize& at_block_size(const Data& d, int block_size) {
    return *std::min_element(d.by_block_size.begin(), d.by_block_size.end(),
                             [&](const AtBlockSize& a, const AtBlockSize& b) {
                                 return std::abs(a.block_size - block_size) <
                                        std::abs(b.block_size - block_size);
                             });
}

/// The largest |computed / printed - 1| of the four policies.
double farthest(const Params& p, const Data& d) {
    double most = 0;
    for (const Replayed& r : d.replays) {
        most = std::max(most, std::abs(r.over(p.average).batch / printed_batch(r) - 1));
    }
    return most;
}

std::string batches(const Data& d, Average average) {
    std::vector<std::string> list;
    for (const Replayed& r : d.replays) {
        list.push_back(format_number(r.over(average).batch));
    }
    return fmt::format("{}", fmt::join(list, ", "));
}

std::string memory_finding(const Params& p, const Data& d) {
    std::vector<std::string> printed;
    for (const Replayed& r : d.replays) {
        printed.push_back(format_number(printed_batch(r), 4));
    }
    return fmt::format("Replayed, {} requests run at a time; printed are {}: {}",
                       batches(d, p.average), fmt::join(printed, ", "),
                       farthest(p, d) < near
                           ? fmt::format("at most {} apart", percent(farthest(p, d)))
                           : fmt::format("up to {} apart", percent(farthest(p, d))));
}

std::string memory_explanation(const Params& p, const Data& d) {
    const PublishedVllm& printed = published_vllm();
    std::string end = p.average == Average::all_steps
                          ? fmt::format("Counted only while some wait it would be {}",
                                        batches(d, Average::while_waiting))
                          : fmt::format("Counted to the emptying end of the line it would be {}",
                                        batches(d, Average::all_steps));
    if (p.average == Average::all_steps && farthest(p, d) < near) {
        end += ": part of the agreement is the emptying end of a short line";
    }
    return fmt::format(
        "What differs: in print requests arrive 2 a second, with {} + {} tokens on average; here "
        "{} others, of {} + {}, all wait at the start and a step takes no time. {}.",
        format_number(printed.sharegpt_prompt), format_number(printed.sharegpt_output), d.requests,
        format_number(d.mean_prompt), format_number(d.mean_output), end);
}

std::string block_size_finding(const Data& d) {
    const AtBlockSize &fine = d.by_block_size.front(), &coarse = d.by_block_size.back(),
                      &own = at_block_size(d, d.block_size);
    return fmt::format(
        "Blocks of {} leave {} of their slots unfilled, blocks of {} {}: memory "
        "alone would choose blocks of {}",
        own.block_size, percent(own.unfilled), coarse.block_size, percent(coarse.unfilled),
        fine.block_size);
}

std::string block_size_explanation(const Data& d) {
    const PublishedVllm& p = published_vllm();
    return fmt::format(
        "The paper measures latency, and finds ShareGPT fastest with blocks of {} to {}, Alpaca "
        "with {} to {}; it takes {}. The upper end is seen here: requests at a time fall from {} "
        "to "
        "{}. The lower end is not: small blocks cost the attention kernel time, and a step takes "
        "none here.",
        p.best_block_size[0], p.best_block_size[1], p.best_block_size_alpaca[0],
        p.best_block_size_alpaca[1], p.chosen_block_size,
        format_number(d.by_block_size.front().all_steps.batch),
        format_number(d.by_block_size.back().all_steps.batch));
}

const Saving& saving(const Data& d, SharingMethod method, SharingLengths lengths, int sequences) {
    return *std::find_if(d.savings.begin(), d.savings.end(), [&](const Saving& s) {
        return s.setting.method == method && s.setting.lengths == lengths &&
               s.setting.sequences == sequences;
    });
}

std::string sharing_finding(const Data& d) {
    const auto pair = [&](SharingMethod method) {
        const Saving &two = saving(d, method, SharingLengths::sharegpt, 2),
                     &six = saving(d, method, SharingLengths::sharegpt, 6);
        return fmt::format("{} to {} (printed {} to {})", percent(two.computed),
                           percent(six.computed), percent(two.setting.saved),
                           percent(six.setting.saved));
    };
    return fmt::format("Sharing saves {} of the blocks in parallel sampling, {} in beam search",
                       pair(SharingMethod::parallel), pair(SharingMethod::beam));
}

std::string sharing_explanation(const Params& p, const Data& d) {
    const Saving &sampling = saving(d, SharingMethod::parallel, SharingLengths::alpaca, 6),
                 &beam = saving(d, SharingMethod::beam, SharingLengths::alpaca, 6);
    return fmt::format(
        "Sampling needs only lengths; ShareGPT's printed ends are taken to be 2 and 6 sequences. "
        "For Alpaca only mean lengths are at hand: with 6, {} instead of {}, because a mean of {} "
        "tokens hides prompts shorter than a block, which share nothing. Which beams survive the "
        "model decides: {} dropped a step is assumed ({} was chosen to fit ShareGPT), and gives "
        "Alpaca {} instead of {}.",
        percent(sampling.computed), percent(sampling.setting.saved),
        format_number(published_vllm().alpaca_prompt), percent(p.dropped),
        percent(Params{}.dropped), percent(beam.computed), percent(beam.setting.saved));
}

}  // namespace

std::string finding(const Params& p, const Data& d) {
    return p.panel == Panel::memory       ? memory_finding(p, d)
           : p.panel == Panel::block_size ? block_size_finding(d)
                                          : sharing_finding(d);
}

std::string explanation(const Params& p, const Data& d) {
    return p.panel == Panel::memory       ? memory_explanation(p, d)
           : p.panel == Panel::block_size ? block_size_explanation(d)
                                          : sharing_explanation(p, d);
}

std::vector<Metric> metrics(const Params& p, const Data& d) {
    const Origin computed{}, published{Origin::Kind::published, published_vllm().source};
    std::vector<Metric> list;
    const char* ids[] = {"max", "pow2", "oracle", "paged"};
    for (std::size_t k = 0; k < d.replays.size(); ++k) {
        const Replayed& r = d.replays[k];
        const std::string id = ids[k], name = short_name(r.placement);
        list.push_back({"mean_batch_" + id, "Requests, " + name, r.over(p.average).batch, "",
                        computed, Better::higher, NumberStyle::plain, 4});
        list.push_back({"printed_batch_" + id, "Printed, " + name, printed_batch(r), "", published,
                        Better::neither, NumberStyle::plain, 4});
    }
    for (std::size_t k = 0; k < d.replays.size(); ++k) {
        list.push_back({std::string("token_states_") + ids[k],
                        "Token states, " + short_name(d.replays[k].placement),
                        d.replays[k].while_waiting.token_states, "", computed, Better::higher,
                        NumberStyle::percent});
    }
    list.push_back({"farthest", "Farthest from print", farthest(p, d), "", computed, Better::lower,
                    NumberStyle::percent});
    list.push_back({"preemptions", "Preemptions, paged",
                    static_cast<double>(d.replays.back().preemptions), "", computed, Better::lower,
                    NumberStyle::plain, 6});
    return list;
}

std::vector<Table> tables(const Params& p, const Data& d) {
    const double none = std::nan("");
    Table t{"compared", {{"quantity"}, {"printed"}, {"computed"}, {"remark"}}, {}};
    const auto add = [&](std::string quantity, double printed, double computed,
                         std::string remark = "") {
        t.rows.push_back({std::move(quantity), printed, computed, std::move(remark)});
    };
    for (std::size_t k = 0; k < d.replays.size(); ++k) {
        const Replayed& r = d.replays[k];
        const PrintedMemory& m = published_vllm().memory[k];
        const PrintedBatch& b = published_vllm().batch_of(r.printed);
        const Means& c = r.while_waiting;
        add("requests at a time, ShareGPT, " + m.name, b.sharegpt, r.over(p.average).batch);
        add("requests at a time, Alpaca, " + m.name, b.alpaca, none, "lengths not at hand");
        add("token states, " + m.name, m.token_states, c.token_states,
            "share of the room, while requests wait");
        add("reservation, " + m.name, m.reservation.value_or(none), c.reservation);
        add("internal, " + m.name, m.internal.value_or(none), c.internal);
        add("external and others, " + m.name, m.external.value_or(none), c.rounding + c.external(),
            fmt::format("of it rounded up by the allocator: {}", percent(c.rounding)));
    }
    for (const Saving& s : d.savings) {
        const bool alpaca = s.setting.lengths == SharingLengths::alpaca;
        add(fmt::format(
                "blocks saved, {}, {}, {} sequences",
                s.setting.method == SharingMethod::beam ? "beam search" : "parallel sampling",
                alpaca ? "Alpaca" : "ShareGPT", s.setting.sequences),
            s.is_printed ? s.setting.saved : none, s.computed, alpaca ? "mean lengths only" : "");
    }
    Table sizes{
        "block_sizes",
        {{"block_size", "tokens"}, {"mean_batch"}, {"mean_batch_while_waiting"}, {"unfilled"}},
        {}};
    for (const AtBlockSize& at : d.by_block_size) {
        sizes.rows.push_back(
            {std::int64_t{at.block_size}, at.all_steps.batch, at.while_waiting.batch, at.unfilled});
    }
    return {t, sizes};
}

std::vector<Equation> equations(const Params& p, const Data& d) {
    if (p.panel == Panel::sharing) {
        const Saving& two = saving(d, SharingMethod::parallel, SharingLengths::sharegpt, 2);
        return {{"saved = 1 - blocks_{shared} / blocks_{apart}",
                 fmt::format("{} = 1 - {}", format_number(two.computed),
                             format_number(1 - two.computed)),
                 "parallel sampling, 2 sequences, ShareGPT"}};
    }
    if (p.panel == Panel::block_size) {
        const AtBlockSize& own = at_block_size(d, d.block_size);
        return {{"unfilled = 1 - used / allocated",
                 fmt::format("{} = 1 - {}", format_number(own.unfilled),
                             format_number(1 - own.unfilled)),
                 fmt::format("blocks of {}", own.block_size)}};
    }
    const Means& m = d.replays.front().over(p.average);
    return {{"⌊room / maximum length⌋ ≥ requests",
             fmt::format("⌊{} / {}⌋ = {} ≥ {}", d.capacity, p.max_len, d.capacity / p.max_len,
                         format_number(m.batch)),
             "the maximum set aside for each"}};
}

}  // namespace nibble::reproduce_the_figure_lab
