#include "viz/app/compare.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "viz/figure/ticks.hpp"

namespace nibble {
namespace {

const Figure* find_figure(const Outcome& outcome, const std::string& id) {
    for (const FigureRow& row : outcome.rows) {
        for (const Figure& figure : row.figures) {
            if (figure.id == id) {
                return &figure;
            }
        }
    }
    return nullptr;
}

/// On a map, lines are outlines of places, not results.
bool has_map(const Figure& figure) {
    return std::any_of(figure.marks.begin(), figure.marks.end(),
                       [](const Mark& m) { return std::holds_alternative<Heatmap>(m); });
}

/// "+ 0.5", "− 0.5": a sign that cannot be overlooked.
std::string signed_number(double value, int digits) {
    return fmt::format("{} {}", value < 0 ? "\u2212" : "+", format_number(std::abs(value), digits));
}

}  // namespace

MetricText metric_text(const Metric& m) {
    if (m.style == NumberStyle::si || m.style == NumberStyle::bytes) {
        const std::string text = m.style == NumberStyle::si ? format_si(m.value, m.digits)
                                                            : format_bytes(m.value, m.digits);
        const std::size_t space = text.find(' ');
        const std::string prefix = space == std::string::npos ? "" : text.substr(space + 1);
        // format_bytes writes the byte itself.
        return {text.substr(0, space), prefix + (m.style == NumberStyle::bytes ? "" : m.unit)};
    }
    if (m.style == NumberStyle::percent) {
        return {format_number(m.value * 100, m.digits), m.unit.empty() ? "%" : m.unit};
    }
    const bool counts = m.value == std::round(m.value) && std::abs(m.value) >= 10000;
    return {counts ? format_count(m.value) : format_value(m.value, NumberStyle::plain, m.digits),
            m.unit};
}

std::optional<Difference> difference(const Metric& now, const Metric& a) {
    if (!std::isfinite(now.value) || !std::isfinite(a.value)) {
        return std::nullopt;
    }
    const double delta = now.value - a.value;
    Difference d;
    if (now.better != Better::neither && delta != 0) {
        d.good = (delta < 0) == (now.better == Better::lower) ? 1 : -1;
    }
    const double ratio = a.value != 0 ? now.value / a.value : 0;
    if (delta == 0) {
        d.words = "as A";
    } else if (now.style == NumberStyle::percent || now.unit == "%") {
        const double points = now.style == NumberStyle::percent ? delta * 100 : delta;
        d.words = signed_number(points, 3) + " pp";
    } else if (now.unit == "dB" || now.unit.starts_with("bit") || a.value == 0 || ratio < 0) {
        d.words = signed_number(delta, 3) + (now.unit == "dB" ? " dB" : "");
    } else if (ratio >= 2) {
        d.words = format_number(ratio, 2) + " \u00d7 A";
    } else {
        d.words = signed_number(100 * (ratio - 1), 2) + " % to A";
    }
    return d;
}

Outcome with_ghost(const Outcome& now, const Outcome& pinned) {
    Outcome both = now;
    for (FigureRow& row : both.rows) {
        for (Figure& figure : row.figures) {
            const Figure* theirs = find_figure(pinned, figure.id);
            if (theirs == nullptr || has_map(figure)) {
                continue;
            }
            std::vector<Mark> ghosts;
            for (const Mark& mark : theirs->marks) {
                const auto* line = std::get_if<Line>(&mark);
                if (line != nullptr && line->role == Role::subject &&
                    std::find_if(figure.marks.begin(), figure.marks.end(), [&](const Mark& m) {
                        const auto* own = std::get_if<Line>(&m);
                        return own != nullptr && own->x == line->x && own->y == line->y;
                    }) == figure.marks.end()) {
                    Line ghost = *line;
                    ghost.role =
                        Role::category7;  // dashed violet: as no subject, baseline or limit
                    ghost.markers = false;
                    ghost.label = line->label.empty() ? "A" : line->label + " (A)";
                    ghosts.emplace_back(std::move(ghost));
                }
            }
            figure.marks.insert(figure.marks.begin(), ghosts.begin(), ghosts.end());
        }
    }
    return both;
}

}  // namespace nibble
