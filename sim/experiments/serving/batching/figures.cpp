#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/serving/batching/show.hpp"

namespace nibble::batching_lab {
namespace {

using namespace serving;

constexpr Role prompt_role = Role::category1, answer_role = Role::category0,
               slowed_role = Role::category2, again_role = Role::category3, idle_role = Role::muted,
               chosen_role = Role::limit;

Role role_of(const Slice& s) {
    switch (s.doing) {
        case Doing::prompt:
            return prompt_role;
        case Doing::again:
            return again_role;
        case Doing::answer:
            return s.slowed ? slowed_role : answer_role;
        case Doing::nothing:
            break;
    }
    return idle_role;
}

/// The time a place is empty, from the first step to the end of the run, as a shade in its lane.
Band shade(const Run& run, int seat) {
    std::vector<std::pair<double, double>> taken;
    for (const Slice& s : run.slices) {
        if (s.seat == seat && s.doing != Doing::nothing) {
            taken.emplace_back(s.start, s.end);
        }
    }
    std::sort(taken.begin(), taken.end());
    taken.emplace_back(run.end, run.end);
    constexpr double half = 0.35;  // of a lane's height, as segments are drawn
    Band band{"", idle_role, {}, {}, {}};
    double at = run.steps.front().start;
    for (const auto& [start, end] : taken) {
        if (start > at) {
            for (const double x : {at, start, start}) {
                band.x.push_back(x);
                band.low.push_back(seat - half);
                band.high.push_back(seat + half);
            }
            band.low.back() = band.high.back() = std::nan("");
        }
        at = std::max(at, end);
    }
    return band;
}

std::string title_of(const Data& d, const Run& run) {
    const double longer = run.end - d.of(Policy::continuous).end;
    std::string text = fmt::format("{}: {} % of the places empty", name(run.policy),
                                   format_number(100 * run.idle, 2));
    if (run.policy != Policy::continuous && std::abs(longer) > 0.005 * run.end) {
        text += fmt::format(", {}s {}", format_si(std::abs(longer), 2),
                            longer > 0 ? "longer" : "shorter");
    }
    return text;
}

/// The meaning of the colours of all four charts, shared out over the first two.
void add_key(Figure& f, const Data& d, std::int64_t request, bool is_first) {
    const auto entry = [&](const std::string& text, Role role) {
        f.marks.emplace_back(Band{text, role, {}, {}, {}});
    };
    if (is_first) {
        entry("prompt", prompt_role);
        entry("answer", answer_role);
        entry("beside a prompt", slowed_role);
        return;
    }
    entry(fmt::format("request {}", request), chosen_role);
    entry("empty", idle_role);
    if (std::any_of(d.runs.begin(), d.runs.end(),
                    [](const Run& run) { return run.preemptions > 0; })) {
        entry("computed again", again_role);
    }
}

Figure gantt(const Settings& settings, const Data& d, std::size_t place) {
    const Run& run = d.runs[place];
    const std::int64_t request = chosen(settings, d);
    Figure f;
    f.id = std::string(name(run.policy));
    f.title = title_of(d, run);
    f.title_role = run.policy == settings.focus ? Role::subject : Role::muted;
    f.alt_text = fmt::format(
        "A lane for each place in the batch under {} batching, over time: prompts, answers, empty "
        "places, and the chosen request.",
        name(run.policy));
    f.x = {.label = "time",
           .unit = "s",
           .scale = Scale::linear,
           .limits = std::pair{0.0, 1.02 * d.end},
           .style = NumberStyle::si};
    if (place < 2) {
        add_key(f, d, request, place == 0);
    }
    Segments s;
    s.pick = {"request", {}};
    int seats = d.max_seqs;
    for (const Slice& slice : run.slices) {
        seats = std::max(seats, slice.seat + 1);
    }
    const auto add = [&](int lane, double from, double to, Role role, std::string label,
                         std::int64_t picked) {
        s.items.push_back({lane, from, to, role, std::move(label)});
        s.pick.values.emplace_back(picked);
    };
    for (int seat = 0; seat < seats; ++seat) {
        s.lanes.push_back(std::to_string(seat + 1));
        f.marks.emplace_back(shade(run, seat));
    }
    for (const Slice& slice : run.slices) {
        if (slice.doing != Doing::nothing) {
            add(slice.seat, slice.start, slice.end,
                slice.request == request && slice.doing == Doing::answer ? chosen_role
                                                                         : role_of(slice),
                std::to_string(slice.request), slice.request);
        }
    }
    f.marks.emplace_back(std::move(s));
    f.marks.emplace_back(Rule{"", Role::reference, true, moment_of(settings, d).end});
    return f;
}

}  // namespace

std::vector<FigureRow> figures(const Settings& settings, const Data& d) {
    std::vector<FigureRow> rows;
    for (std::size_t i = 0; i < d.runs.size(); i += 2) {
        rows.push_back({i == 0 ? 1.1 : 1, {gantt(settings, d, i), gantt(settings, d, i + 1)}});
    }
    return rows;
}

const Moment& moment_of(const Settings& settings, const Data& d) {
    const std::vector<Moment>& steps = d.of(settings.focus).steps;
    return steps[std::min(static_cast<std::size_t>(settings.step), steps.size() - 1)];
}

std::int64_t chosen(const Settings& settings, const Data& d) {
    return std::min<std::int64_t>(settings.request,
                                  static_cast<std::int64_t>(d.runs[0].records.size()) - 1);
}

}  // namespace nibble::batching_lab
