// Sentences, numbers and tables of the fragmentation lab, computed from its replays.
#include <algorithm>
#include <cctype>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/kvcache/fragmentation/data.hpp"
#include "sim/kvcache/paged_cache.hpp"

namespace nibble::fragmentation_lab {
namespace {

std::string percent(double share) {
    return format_number(100 * share) + " %";
}

/// The memory that the finding sets against maximum length.
const Memory& compared(const Data& d) {
    return d.chosen == 0 && d.paged().replay ? d.paged() : d.memories[d.chosen];
}

std::string how(const Memory& memory) {
    switch (memory.placement) {
        case Placement::paged:
            return "it is paged";
        case Placement::max:
            return "each request gets the maximum length";
        case Placement::pow2:
        case Placement::pow2_buddy:
            return "each output gets a power of two";
        case Placement::oracle:
        case Placement::oracle_buddy:
            return "every length is known beforehand";
    }
    broken_invariant("placement", "every placement has words", __FILE__, __LINE__);
}

std::string finding(const Data& d) {
    const Memory& memory = compared(d);
    const double here = memory.replay->mean_batch();
    if (!d.longest().replay) {
        return fmt::format("On average {} run at once when {}; at the maximum length none fits",
                           format_number(here), how(memory));
    }
    if (&memory == &d.longest()) {
        return fmt::format("On average {} run at once when {}", format_number(here), how(memory));
    }
    const double there = d.longest().replay->mean_batch();
    const double ratio = here / there;
    if (ratio < 1.05) {
        return fmt::format("Here as many requests run at once whether or not {}", how(memory));
    }
    return fmt::format("The same memory serves {} times as many requests when {}",
                       format_number(ratio, 2), how(memory));
}

/// "maximum length holds 7 requests (16.6 % of their slots used)".
std::string at_step(const Memory& memory, const Look& look) {
    const Replay& r = *memory.replay;
    const bool is_paged = memory.placement == Placement::paged;
    const std::string who =
        is_paged ? fmt::format("blocks of {}", r.size.block_size) : label(memory.placement);
    const char* have = is_paged ? "have" : "has";
    if (look.step > r.step_count()) {
        return fmt::format("{} {} served all by step {}", who, have, r.step_count());
    }
    const StepRecord& s = r.step(look.step);
    return fmt::format("{} hold{} {} {} ({} of their slots used)", who, is_paged ? "" : "s",
                       s.batch, s.batch == 1 ? "request" : "requests",
                       percent(static_cast<double>(s.used) / static_cast<double>(s.allocated)));
}

std::string explanation(const Data& d, const Look& look) {
    const Memory& memory = compared(d);
    const Replay& r = *memory.replay;
    const Replay* longest =
        d.longest().replay && &memory != &d.longest() ? &*d.longest().replay : nullptr;
    std::string text = fmt::format("At step {} ", look.step);
    if (longest != nullptr) {
        text += at_step(d.longest(), look) + ", ";
    }
    text += at_step(memory, look) + ".";
    text += fmt::format(" Over the run {} at once", format_number(r.mean_batch()));
    if (longest != nullptr) {
        text +=
            fmt::format(" against {}: {} steps instead of {}", format_number(longest->mean_batch()),
                        r.step_count(), longest->step_count());
    }
    if (r.preemptions() > 0) {
        text +=
            fmt::format(", for {} preemption{}", r.preemptions(), r.preemptions() == 1 ? "" : "s");
    }
    return text + ".";
}

Metric metric(const char* name, const char* label, double value, const char* unit, Better better,
              int digits) {
    return {name, label, value, unit, {}, better, NumberStyle::plain, digits};
}

std::vector<Metric> metrics(const Replay& r) {
    const auto whole = [](std::int64_t n) { return static_cast<double>(n); };
    constexpr auto none = Better::neither, low = Better::lower, high = Better::higher;
    Metric over_capacity =
        metric("used_over_capacity", "Cache in use", r.used_over_capacity(), "", high, 4);
    Metric over_allocated =
        metric("used_over_allocated", "Used of what is held", r.used_over_allocated(), "", high, 4);
    over_capacity.style = over_allocated.style = NumberStyle::percent;
    return {
        metric("mean_batch", "Requests at once", r.mean_batch(), "", high, 4),
        over_capacity,
        over_allocated,
        metric("preemptions", "Preemptions", whole(r.preemptions()), "", low, 9),
        metric("steps", "Steps", whole(r.step_count()), "", low, 9),
        metric("mean_used_slots", "Slots used", r.mean_used_slots(), "slots", none, 6),
        metric("mean_allocated_slots", "Slots held", r.mean_allocated_slots(), "slots", none, 6),
        metric("mean_reservation", "Reserved for later", r.mean_reservation(), "slots", low, 6),
        metric("mean_internal", "Never used", r.mean_internal(), "slots", low, 6),
        metric("finish_steps_sum", "Sum of finishing steps", whole(r.finish_steps_sum()), "", low,
               12)};
}

Table policy_table(const Data& d) {
    Table t{"policies",
            {{"policy"},
             {"steps"},
             {"mean_batch"},
             {"mean_used_slots"},
             {"mean_allocated_slots"},
             {"used_over_allocated"},
             {"used_over_capacity"},
             {"mean_reservation"},
             {"mean_internal"},
             {"preemptions"},
             {"finish_steps_sum"},
             {"recomputed_tokens"},
             {"swapped_blocks"}},
            {}};
    for (const Memory& memory : d.memories) {
        if (!memory.replay) {
            continue;
        }
        const Replay& r = *memory.replay;
        t.rows.push_back({placement_choices()[static_cast<std::size_t>(r.placement)].name,
                          r.step_count(), r.mean_batch(), r.mean_used_slots(),
                          r.mean_allocated_slots(), r.used_over_allocated(), r.used_over_capacity(),
                          r.mean_reservation(), r.mean_internal(), r.preemptions(),
                          r.finish_steps_sum(), r.recomputed_tokens, r.swapped_blocks});
    }
    return t;
}

Table step_table(const Replay& r) {
    Table t{"per_step",
            {{"step"},
             {"batch"},
             {"waiting"},
             {"used_slots"},
             {"allocated_slots"},
             {"reservation"},
             {"internal"},
             {"preemptions"},
             {"finished"}},
            {}};
    for (std::int64_t step = 1; step <= r.step_count(); ++step) {
        const StepRecord& s = r.step(step);
        t.rows.push_back({step, s.batch, s.waiting, s.used, s.allocated, s.reservation, s.internal,
                          s.preemptions, s.finished});
    }
    return t;
}

std::vector<Equation> equations(const Data& d, const Look& look) {
    const std::size_t index = look.request >= 0 ? static_cast<std::size_t>(look.request) : 0;
    const Request& r = d.trace.requests[index];
    const std::string note = fmt::format("request {} when it is complete", index + 1);
    const std::int64_t block = d.size.block_size;
    const Placement middle = d.memories[1].placement;
    return {{"slots_{paged} = B ⌈(prompt + generated) / B⌉",
             fmt::format("{} = {} ⌈({} + {}) / {}⌉", block * blocks_for(r.tokens(), block), block,
                         r.prompt, r.output, block),
             note},
            {"slots_{max} = max_len", fmt::format("{0} = {0}", d.size.max_len), note},
            {middle == Placement::oracle || middle == Placement::oracle_buddy
                 ? "slots_{known} = prompt + output"
                 : "slots_{pow2} = min(max_len, prompt + 2^{⌈log_{2} output⌉})",
             middle == Placement::oracle || middle == Placement::oracle_buddy
                 ? fmt::format("{} = {} + {}", r.tokens(), r.prompt, r.output)
                 : fmt::format("{} = min({}, {} + {})", slots_asked(middle, r, d.size.max_len),
                               d.size.max_len, r.prompt,
                               slots_asked(middle, {0, 0, 0, r.output}, INT64_MAX)),
             note}};
}

Timeline timeline(const Data& d) {
    Timeline t;
    t.param = "step";
    t.first = 1;
    t.last = d.last_step();
    constexpr double seconds_to_play = 60, slowest = 8;
    t.steps_a_second = std::max(slowest, static_cast<double>(t.last) / seconds_to_play);
    if (!d.paged().replay) {
        return t;
    }
    for (const Stint& stint : d.paged().replay->stints) {
        if (stint.preempted) {
            t.marks.push_back(
                {stint.last_step + 1, fmt::format("preemption of request {}", stint.request + 1)});
        }
    }
    t.marks_meaning = t.marks.empty() ? "" : "preemptions where paged";
    return t;
}

}  // namespace

std::int64_t Data::last_step() const {
    std::int64_t last = 1;
    for (const Memory& memory : memories) {
        last = std::max(last, memory.replay ? memory.replay->step_count() : 1);
    }
    return last;
}

std::string title_of(const Memory& memory) {
    if (memory.placement == Placement::paged) {
        return memory.replay ? fmt::format("Paged, blocks of {}", memory.replay->size.block_size)
                             : "Paged";
    }
    std::string title = label(memory.placement);
    title.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(title.front())));
    return title;
}

void describe(const Data& d, const Look& look, Outcome& o) {
    o.finding = finding(d);
    o.explanation = explanation(d, look);
    o.metrics = metrics(d.own());
    o.tables = {policy_table(d)};
    if (look.per_step) {
        o.tables.push_back(step_table(d.own()));
    }
    o.equations = equations(d, look);
    o.timeline = timeline(d);
    if (d.left_out > 0) {
        o.sampling = fmt::format(
            "{} of {} requests are longer than these settings allow and are "
            "left out",
            d.left_out, d.left_out + d.trace.requests.size());
    }
}

}  // namespace nibble::fragmentation_lab
