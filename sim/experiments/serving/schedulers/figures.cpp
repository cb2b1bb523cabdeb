#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/serving/schedulers/show.hpp"

namespace nibble::schedulers_lab {
namespace {

using namespace serving;

Pick pick_of(const Data& d) {
    Pick pick{"scheduler", {}};
    for (const Run& r : d.runs) {
        std::string choice(name(r.scheduler));
        pick.values.emplace_back(choice == "prefix-aware" ? "prefix_aware" : choice);
    }
    return pick;
}

/// One number of each scheduler's users.
template <class Value>
Figure bars(const Data& d, std::string id, std::string title, std::string what,
            const Value& value) {
    Figure f;
    f.id = std::move(id);
    f.alt_text = title + ", a bar for each scheduler.";
    f.title = std::move(title);
    f.x = {.label = std::move(what),
           .unit = "s",
           .scale = Scale::linear,
           .limits = {},
           .style = NumberStyle::si};
    Bars b;
    b.horizontal = true;
    b.chosen = static_cast<int>(d.chosen);
    b.pick = pick_of(d);
    Bars::Series series{"", Role::subject, {}};
    for (const Run& r : d.runs) {
        b.names.emplace_back(name(r.scheduler));
        series.values.push_back(r.has_run() ? value(*r.statistics) : std::nan(""));
    }
    b.series = {std::move(series)};
    f.marks.emplace_back(std::move(b));
    return f;
}

Role role_of(Content content) {
    return content == Content::prompts   ? Role::category1
           : content == Content::answers ? Role::category0
                                         : Role::category2;
}

/// What the machine computes, over time: a lane for each scheduler.
Figure content_figure(const Data& d) {
    Figure f;
    f.id = "machine";
    f.title = "What the machine computes";
    f.alt_text =
        "A lane of time for each scheduler, coloured by what its steps hold: prompts, answers or "
        "both.";
    if (d.of(Scheduler::disaggregated)) {
        f.footnote = "disaggregated: the one that answers";
    }
    f.x = {.label = "time", .unit = "s"};
    f.marks.emplace_back(Band{"prompts", role_of(Content::prompts), {}, {}, {}});
    f.marks.emplace_back(Band{"answers", role_of(Content::answers), {}, {}, {}});
    f.marks.emplace_back(Band{"both", role_of(Content::both), {}, {}, {}});
    Segments s;
    s.pick = {"scheduler", {}};
    const Pick lanes = pick_of(d);
    for (std::size_t lane = 0; lane < d.runs.size(); ++lane) {
        s.lanes.emplace_back(name(d.runs[lane].scheduler));
        for (const Stretch& c : d.runs[lane].content) {
            s.items.push_back({static_cast<int>(lane), c.start, c.end, role_of(c.content), ""});
            s.pick.values.push_back(lanes.values[lane]);
        }
    }
    f.marks.emplace_back(std::move(s));
    return f;
}

Role line_role(const Data& d, std::size_t i) {
    constexpr Role others[] = {Role::category1, Role::category2, Role::category3, Role::category4,
                               Role::category6};
    return i == d.chosen ? Role::subject : others[i % std::size(others)];
}

Figure memory_figure(const Data& d) {
    Figure f;
    f.id = "memory";
    f.title = "Blocks of cache in use";
    f.alt_text =
        "The share of the blocks in use over time, a line for each scheduler, with ticks "
        "where the chosen one throws a request out.";
    f.x = {.label = "time", .unit = "s"};
    f.y = {.label = "blocks in use",
           .unit = "",
           .scale = Scale::linear,
           .limits = {},
           .style = NumberStyle::percent};
    for (std::size_t i = 0; i < d.runs.size(); ++i) {
        const Run& r = d.runs[i];
        if (r.has_run() && (i == d.chosen || r.scheduler == Scheduler::static_batch ||
                            r.scheduler == Scheduler::continuous)) {
            f.marks.emplace_back(Line{std::string(name(r.scheduler)), line_role(d, i),
                                      r.used.times(), r.used.values(), false, true});
        }
    }
    f.marks.emplace_back(Line{"of it empty", Role::muted, d.own().empty.times(),
                              d.own().empty.values(), false, true});
    if (!d.own().stormy.empty()) {
        Ticks t{"preemptions", Role::limit, true, d.own().stormy, 0.06, 0};
        f.marks.emplace_back(std::move(t));
    }
    return f;
}

}  // namespace

std::vector<FigureRow> figures(const Data& d) {
    return {{1,
             {bars(d, "first-token", "Wait for the first token, of the slowest 1 %", "wait, p99",
                   [](const Statistics& s) { return s.ttft.quantile(0.99); }),
              bars(d, "pause", "Longest pause within an answer", "pause, p99",
                   [](const Statistics& s) { return s.pause.quantile(0.99); })}},
            {1, {content_figure(d), memory_figure(d)}}};
}

}  // namespace nibble::schedulers_lab
