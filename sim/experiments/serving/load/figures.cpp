// Waiting and flowing against load, what comes out, and Little's law.
#include <algorithm>
#include <cmath>

#include "sim/experiments/serving/load/data.hpp"

namespace nibble::load_lab {
namespace {

using serving::LoadPoint;

Axis load_axis(const Params& p) {
    if (p.is_closed()) {
        return {.label = "users", .scale = Scale::log2};
    }
    return {.label = "arrivals", .unit = "requests/s"};
}

Handle load_handle(const Params& p) {
    Handle handle;
    handle.label = p.is_closed() ? "users" : "rate";
    handle.x = p.load();
    handle.x_param = p.is_closed() ? "users" : "rate";
    handle.hint = "drag me";
    return handle;
}

template <class Of>
Line curve(std::string label, Role role, const std::vector<LoadPoint>& points, const Of& of) {
    Line line{std::move(label), role, {}, {}, true};
    for (const LoadPoint& point : points) {
        line.x.push_back(point.load);
        line.y.push_back(of(point));
    }
    return line;
}

/// p50 and p99 of one time in milliseconds, with the objective.
Figure times_figure(const Params& p, const Data& d, const char* id, std::string title,
                    serving::Percentiles LoadPoint::*time, double objective_ms) {
    Figure f;
    f.id = id;
    f.title = std::move(title);
    f.alt_text = "Median and 99th percentile against the load, with the objective as a rule.";
    f.x = load_axis(p);
    f.y = {.label = "time", .unit = "ms", .scale = Scale::log10};
    const auto p50 = [&](const LoadPoint& point) { return 1000 * (point.*time).p50; };
    const auto p99 = [&](const LoadPoint& point) { return 1000 * (point.*time).p99; };
    f.marks = {curve("p50", category(0), d.points, p50), curve("p99", category(1), d.points, p99)};
    if (!d.others.empty()) {
        f.marks.emplace_back(curve(other_name(p) + " p99", Role::muted, d.others, p99));
    }
    f.marks.emplace_back(Rule{"objective", Role::limit, false, objective_ms});
    f.marks.emplace_back(load_handle(p));
    return f;
}

Figure throughput_figure(const Params& p, const Data& d) {
    Figure f;
    f.id = "throughput";
    f.title = "What comes out";
    f.alt_text = "Answers a second, and answers within the objective, against the load.";
    f.x = load_axis(p);
    f.y = {.label = "answers", .unit = "1/s"};
    f.marks = {curve("all answers", Role::baseline, d.points,
                     [](const LoadPoint& point) { return point.throughput; }),
               curve("within the objective", Role::subject, d.points,
                     [](const LoadPoint& point) { return point.goodput; })};
    if (!d.others.empty()) {
        f.marks.emplace_back(curve(other_name(p) + ", within", Role::muted, d.others,
                                   [](const LoadPoint& point) { return point.goodput; }));
    }
    if (const auto at = serving::knee(d.points, knee_share)) {
        f.marks.emplace_back(Rule{"knee", Role::reference, true, *at});
    }
    f.marks.emplace_back(load_handle(p));
    return f;
}

Figure little_figure(const Params& p, const Data& d) {
    Figure f;
    f.id = "little";
    f.title = "Little's law: requests in the system";
    f.alt_text = "The mean number in the system as counted, and as rate times mean latency.";
    f.x = load_axis(p);
    f.y = {.label = "requests", .scale = Scale::log10};
    Points law{"rate × mean latency", Role::reference, {}, {}};
    for (const LoadPoint& point : d.points) {
        law.x.push_back(point.load);
        law.y.push_back(point.little());
    }
    Line counted = curve("counted", Role::subject, d.points,
                         [](const LoadPoint& point) { return point.mean_in_system; });
    counted.markers = false;
    f.marks = {std::move(counted), std::move(law)};
    return f;
}

}  // namespace

std::string other_name(const Params& p) {
    return std::string(name(static_cast<serving::Scheduler>(static_cast<int>(p.against) - 1)));
}

std::vector<FigureRow> figures(const Params& p, const Data& d) {
    return {
        {1,
         {times_figure(p, d, "ttft", "Time to the first token", &LoadPoint::ttft, p.slo_ttft_ms),
          times_figure(p, d, "tpot", "Time for each token after it", &LoadPoint::tpot,
                       p.slo_tpot_ms)}},
        {1, {throughput_figure(p, d), little_figure(p, d)}}};
}

}  // namespace nibble::load_lab
