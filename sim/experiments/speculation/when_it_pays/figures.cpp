// The pictures of when speculation pays.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/contour.hpp"
#include "sim/core/text.hpp"
#include "sim/experiments/speculation/when_it_pays/data.hpp"
#include "sim/speculative/closed_forms.hpp"

namespace nibble::when_it_pays_lab {
namespace {

/// Half of a step between two places of the map.
const double half_step = std::exp2(0.25);

/// The crossing of `level` as one line with gaps, in requests and tokens.
Line boundary(const Data& d, Role role, std::span<const float> field, double level) {
    Line line{"", role, {}, {}};
    const auto place = [](double grid, std::int64_t first) {
        return static_cast<double>(first) * std::exp2(grid / 2);
    };
    for (const ContourPiece& p : contour(static_cast<int>(d.contexts.size()),
                                         static_cast<int>(d.map_batches.size()), field, level)) {
        line.x.insert(line.x.end(), {place(p.x0, 1), place(p.x1, 1), place(p.x1, 1)});
        line.y.insert(line.y.end(),
                      {place(p.y0, least_context), place(p.y1, least_context), std::nan("")});
    }
    return line;
}

Figure map_figure(const Data& d) {
    Figure f;
    f.id = "gain-map";
    f.title = "Gain; it is nil on the solid line, memory is full on the dashed";
    f.alt_text =
        "A map over requests and context: how much faster speculation makes the text, the line "
        "where it breaks even and the line where the memory is full.";
    const double left = 1 / half_step, right = double(d.map_batches.back()) * half_step;
    const double bottom = double(least_context) / half_step,
                 top = double(d.contexts.back()) * half_step;
    f.x = {.label = "requests at once", .scale = Scale::log2, .limits = std::pair(left, right)};
    f.y = {.label = "context",
           .unit = "tokens",
           .scale = Scale::log2,
           .limits = std::pair(bottom, top)};
    Heatmap map;
    map.rows = static_cast<int>(d.contexts.size());
    map.cols = static_cast<int>(d.map_batches.size());
    for (const float s : d.speed_ups) {
        map.cells.push_back(100 * (s - 1));
    }
    map.label = "gain";
    map.unit = "%";
    map.is_signed = true;
    map.low = -100;  // beyond twice as fast all is the same colour, so that a loss shows
    map.high = 100;
    map.x0 = left;
    map.x1 = right;
    map.y0 = bottom;
    map.y1 = top;
    map.row0_at_bottom = true;
    map.pick_col_param = "batch";
    map.pick_row_param = "context";
    f.marks.emplace_back(std::move(map));
    for (Line& line : std::vector<Line>{boundary(d, Role::reference, d.speed_ups, 1),
                                        boundary(d, category(7), d.room, 1)}) {
        if (!line.x.empty()) {
            f.marks.emplace_back(std::move(line));
        }
    }
    Handle h;
    h.label = fmt::format("{} × {}", d.at.batch, d.at.context);
    h.hint = "drag me";
    h.role = Role::subject;
    h.x = double(d.at.batch);
    h.y = double(d.at.context);
    h.x_param = "batch";
    h.y_param = "context";
    f.marks.emplace_back(std::move(h));
    f.width = 1.15;
    return f;
}

Figure batch_figure(const Data& d) {
    Figure f;
    f.id = "by-batch";
    f.title = fmt::format("With a context of {} tokens", format_count(double(d.at.context)));
    f.alt_text =
        "Times as fast against the requests at once, with the chosen number of drafts and with the "
        "best one at each batch.";
    f.x = {.label = "requests at once",
           .scale = Scale::log2,
           .limits = std::pair(1.0, double(most_batch))};
    f.y = {.label = "times as fast"};
    Line best{"best K at each", Role::baseline, {}, d.best_by_batch};
    for (const std::int64_t b : d.batches) {
        best.x.push_back(double(b));
    }
    f.marks.emplace_back(std::move(best));
    Line own{fmt::format("K = {}", d.at.k), Role::subject, {}, {}};
    for (const std::int64_t b : d.batches) {
        own.x.push_back(double(b));
        own.y.push_back(round_cost(d.pair, b, d.at.context, d.at.k).speed_up(d.tokens));
    }
    f.marks.emplace_back(std::move(own));
    f.marks.emplace_back(Rule{"", Role::reference, false, 1});
    if (d.compute_bound && *d.compute_bound <= most_batch) {
        f.marks.emplace_back(
            Rule{"bound by arithmetic", Role::muted, true, double(*d.compute_bound)});
    }
    Handle h;
    h.label = fmt::format("{}", d.at.batch);
    h.hint = "drag me";
    h.x = double(d.at.batch);
    h.x_param = "batch";
    f.marks.emplace_back(std::move(h));
    return f;
}

Figure drafts_figure(const Data& d) {
    Figure f;
    f.id = "by-drafts";
    f.title = fmt::format("For {}", requests_text(d.at.batch));
    f.alt_text =
        "Times as fast against the number of drafts: on the roofline, and as the closed form has "
        "it, where checking costs nothing extra.";
    f.x = {.label = "drafts K", .limits = std::pair(0.0, double(most_drafts))};
    f.y = {.label = "times as fast"};
    Line roof{"roofline", Role::subject, {}, d.by_k},
        closed{"if checking were free", Role::baseline, {}, d.closed_by_k};
    for (int k = 0; k <= most_drafts; ++k) {
        roof.x.push_back(k);
        closed.x.push_back(k);
    }
    const double top = std::max(*std::max_element(d.by_k.begin(), d.by_k.end()),
                                *std::max_element(d.closed_by_k.begin(), d.closed_by_k.end()));
    f.y.limits = std::pair(0.0, 1.1 * top);
    f.marks = {
        closed, roof, Rule{"", Role::reference, false, 1},
        Points{
            fmt::format("best: {}", d.best_k), category(2), {double(d.best_k)}, {d.best_speed_up}}};
    Handle h;
    h.label = fmt::format("K = {}", d.at.k);
    h.hint = "drag me";
    h.x = d.at.k;
    h.x_param = "k";
    f.marks.emplace_back(std::move(h));
    return f;
}

/// The acceptance that pays for each draft, and the reader's.
Figure acceptance_figure(const Data& d) {
    Figure f;
    f.id = "needed-acceptance";
    f.title = "The acceptance that a draft must reach";
    f.alt_text =
        "The acceptance at which speculation breaks even, against the cost of a draft; the models "
        "that could draft are points on the curve.";
    double low = 0.3, high = 0.3;
    for (const Candidate& c : d.candidates) {
        low = std::min(low, c.cost_ratio);
        high = std::max(high, c.cost_ratio);
    }
    low /= 2;
    high = std::max(1.0, high * 1.5);
    f.x = {.label = "cost c of a draft", .scale = Scale::log10, .limits = std::pair(low, high)};
    f.y = {.label = "acceptance α", .limits = std::pair(0.0, 1.05)};
    Line needed{"breaks even", Role::reference, {}, {}};
    constexpr int places = 80;
    for (int i = 0; i <= places; ++i) {
        const double cost = low * std::pow(high / low, double(i) / places);
        needed.x.push_back(cost);
        needed.y.push_back(acceptance_for(d.at.k * cost + d.now.verify_ratio(), d.at.k));
    }
    f.marks.emplace_back(std::move(needed));
    Points models{"", Role::baseline, {}, {}, {}, {"draft", {}}};
    for (const Candidate& c : d.candidates) {
        models.x.push_back(c.cost_ratio);
        models.y.push_back(c.needed_alpha);
        models.names.push_back(c.name);
        models.pick.values.emplace_back(c.id);
    }
    f.marks.emplace_back(std::move(models));
    Handle h;
    h.label = fmt::format("α = {}", format_number(d.at.alpha));
    h.hint = "drag me";
    h.x = d.now.cost_ratio();
    h.y = d.at.alpha;
    h.y_param = "alpha";
    f.marks.emplace_back(std::move(h));
    return f;
}

/// Printed over computed: on the diagonal they agree.
Figure published_figure(const Data& d) {
    Figure f;
    f.id = "published";
    f.title = "Printed by others, for one request";
    f.alt_text =
        "Points, one a printed setting: the closed form with the printed acceptance, or with all "
        "drafts accepted where none is printed, against the speed-up that the authors measured.";
    Points with{"printed α", Role::subject, {}, {}},
        without{"α = 1, none printed", Role::limit, {}, {}};
    double top = 1;
    for (const PublishedSpeculation& p : *d.published) {
        for (const PublishedSpeedUp& r : p.rows) {
            Points& kind = r.alpha ? with : without;
            kind.x.push_back(r.computed().value_or(r.most()));
            kind.y.push_back(r.speed_up);
            kind.names.push_back(fmt::format("{}: {}", p.title, r.setting));
            top = std::max({top, kind.x.back(), r.speed_up});
        }
    }
    top = std::ceil(top + 0.1);
    f.x = {.label = "closed form, times", .limits = std::pair(1.0, top)};
    f.y = {.label = "printed, times", .limits = std::pair(1.0, top)};
    f.footnote = "triangle: α not printed, 1 here";
    f.marks.emplace_back(Line{"as computed", Role::muted, {1, top}, {1, top}});
    f.marks.emplace_back(std::move(without));
    f.marks.emplace_back(std::move(with));
    return f;
}

}  // namespace

std::vector<FigureRow> figures(const Data& d) {
    return {{1.1, {map_figure(d), batch_figure(d)}},
            {1, {drafts_figure(d), acceptance_figure(d), published_figure(d)}}};
}

}  // namespace nibble::when_it_pays_lab
