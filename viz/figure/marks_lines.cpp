// Curves and what accompanies them: lines, bands, points, rules, ticks, notes.
#include <algorithm>
#include <cmath>

#include "viz/figure/paths.hpp"
#include "viz/figure/plot.hpp"

namespace nibble {
namespace {

/// A pointer cannot tell more apart than this, and each spot carries its text.
constexpr std::size_t most_point_hovers = 400;
constexpr std::size_t most_named_points = 16, most_led_points = 4;

/// Holds each value until the next x.
FarPath as_steps(const FarPath& path) {
    FarPath steps;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (i > 0) {
            steps.push_back({path[i].x, path[i - 1].y});
        }
        steps.push_back(path[i]);
    }
    return steps;
}

struct Spot {
    std::size_t item;
    Point at;
};

/// The items of a series that lie inside the frame, at most `most`, evenly chosen.
std::vector<Spot> visible_spots(const Plot& plot, const std::vector<double>& x,
                                const std::vector<double>& y, std::size_t most) {
    const std::size_t count = std::min(x.size(), y.size());
    const std::size_t stride = std::max<std::size_t>(1, (count + most - 1) / most);
    const Rect room = plot.frame.inset(-1);
    std::vector<Spot> spots;
    for (std::size_t i = 0; i < count; i += stride) {
        const double px = position(plot.x, x[i]), py = position(plot.y, y[i]);
        const Point at = {static_cast<float>(px), static_cast<float>(py)};
        if (std::isfinite(px) && std::isfinite(py) && room.contains(at)) {
            spots.push_back({i, at});
        }
    }
    return spots;
}

std::string told_point(const Plot& plot, const std::string& label, double x, double y) {
    std::string text = label.empty() ? std::string() : label + "\n";
    return text + told(plot.figure.x, x, "x") + "\n" + told(plot.figure.y, y, "y");
}

Rect around(Point at, float radius) {
    return {at.x - radius, at.y - radius, 2 * radius, 2 * radius};
}

}  // namespace

void draw(const Line& mark, Plot& plot) {
    const RoleStyle& style = plot.theme.style(mark.role);
    const float width = plot.theme.stroke(), r = plot.theme.marker_radius();
    std::vector<Point> longest;
    for (FarPath& run : visible_runs(mark.x, mark.y, plot.x, plot.y, plot.frame.width)) {
        if (run.size() == 1 && !mark.markers &&
            plot.frame.inset(-1).contains(
                {static_cast<float>(run[0].x), static_cast<float>(run[0].y)})) {
            const Point at = {static_cast<float>(run[0].x), static_cast<float>(run[0].y)};
            draw_marker(plot.scene, style, at, r);  // a curve of one point would be invisible
            plot.coverage.add(around(at, r), plot.owner);
            longest = longest.empty() ? std::vector<Point>{at} : longest;
        }
        const FarPath path = mark.steps ? as_steps(run) : std::move(run);
        for (std::vector<Point>& part : clipped(path, plot.frame.inset(-width))) {
            for (std::size_t i = 1; i < part.size(); ++i) {
                plot.coverage.add_stroke(part[i - 1], part[i], width, plot.owner);
            }
            if (part.size() >= longest.size()) {
                longest = part;
            }
            plot.add(Polyline{std::move(part), style.color, width, style.dash});
        }
    }
    const bool few = static_cast<float>(mark.x.size()) * 3 * r < plot.frame.width;
    for (const Spot& spot : visible_spots(plot, mark.x, mark.y, most_point_hovers)) {
        if (mark.markers && few) {
            draw_marker(plot.scene, style, spot.at, r);
            plot.coverage.add(around(spot.at, r + 1), plot.owner);
        }
        plot.scene.hovers.push_back(
            {around(spot.at, few ? 8 : 4),
             told_point(plot, mark.label, mark.x[spot.item], mark.y[spot.item]),
             {}});
    }
    const Swatch swatch = mark.markers && few ? Swatch::line_with_marker : Swatch::line;
    if (LabelWish* wish = wish_for(plot, mark.label, mark.role, LabelWish::Kind::series, swatch)) {
        wish_along(*wish, longest, label_size(plot, mark.label));
    }
}

void draw(const Band& mark, Plot& plot) {
    const Color color = plot.color(mark.role);
    std::vector<Point> edge;
    std::vector<double> low = mark.low, high = mark.high;
    const std::size_t count = std::min({mark.x.size(), low.size(), high.size()});
    low.resize(count);
    high.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (std::isnan(low[i]) || std::isnan(high[i])) {
            low[i] = high[i] = NAN;  // both edges break at the same place
        }
    }
    const float width = plot.frame.width;
    const auto lows = visible_runs(mark.x, low, plot.x, plot.y, width);
    const auto highs = visible_runs(mark.x, high, plot.x, plot.y, width);
    for (std::size_t run = 0; run < std::min(lows.size(), highs.size()); ++run) {
        FarPath outline = highs[run];
        outline.insert(outline.end(), lows[run].rbegin(), lows[run].rend());
        std::vector<Point> points = clipped_outline(outline, plot.frame);
        if (points.size() < 3) {
            continue;
        }
        for (std::vector<Point>& part : clipped(highs[run], plot.frame)) {
            if (part.size() >= edge.size()) {
                edge = std::move(part);
            }
        }
        for (std::size_t i = 1; i < points.size(); ++i) {
            plot.coverage.add_stroke(points[i - 1], points[i], 1, plot.owner);
        }
        plot.add(Polygon{std::move(points), color.with_alpha(0.24)});
    }
    for (const Spot& spot : visible_spots(plot, mark.x, high, most_point_hovers / 4)) {
        const float bottom = clamped_position(plot.y, low[spot.item]);
        const std::string text = told_point(plot, mark.label, mark.x[spot.item], low[spot.item]);
        plot.scene.hovers.push_back(
            {{spot.at.x - 4, std::min(spot.at.y, bottom), 8, std::abs(bottom - spot.at.y)},
             text + " … " + told({}, high[spot.item], "").substr(2),
             {}});
    }
    if (LabelWish* wish =
            wish_for(plot, mark.label, mark.role, LabelWish::Kind::series, Swatch::box)) {
        wish_along(*wish, edge, label_size(plot, mark.label));
    }
}

void draw(const Points& mark, Plot& plot) {
    const std::size_t count = std::min(mark.x.size(), mark.y.size());
    const float shrink = count > 5000 ? 0.4F : count > 500 ? 0.65F : 1.0F;
    const float r = plot.theme.marker_radius() * shrink;
    RoleStyle style = plot.theme.style(mark.role);
    style.color = style.color.with_alpha(count > 500 ? 0.7 : 1);
    // Thousands of points on one spot look like one: each quarter of a marker is drawn once.
    const float cell = std::max(r / 2, 0.5F);
    const auto columns = static_cast<std::size_t>(plot.frame.width / cell) + 2;
    const auto rows = static_cast<std::size_t>(plot.frame.height / cell) + 2;
    std::vector<bool> taken(columns * rows);
    LabelWish series;
    const Size size = label_size(plot, mark.label);
    std::size_t drawn = 0;
    for (const Spot& spot : visible_spots(plot, mark.x, mark.y, count + 1)) {
        const auto column = static_cast<std::size_t>((spot.at.x - plot.frame.x + 1) / cell);
        const auto row = static_cast<std::size_t>((spot.at.y - plot.frame.y + 1) / cell);
        const std::size_t k = std::min(row * columns + column, taken.size() - 1);
        if (taken[k]) {
            continue;
        }
        taken[k] = true;
        draw_marker(plot.scene, style, spot.at, r);
        plot.coverage.add(around(spot.at, r + 1), plot.owner);
        const std::string name = spot.item < mark.names.size() ? mark.names[spot.item] : "";
        if (drawn < 24) {
            wish_around(series, spot.at, size, r + 4, static_cast<float>(drawn));
        }
        if (++drawn <= most_point_hovers) {
            const std::string title = name.empty() ? mark.label : name;
            plot.scene.hovers.push_back(
                {around(spot.at, std::max(r + 3, 6.0F)),
                 told_point(plot, title, mark.x[spot.item], mark.y[spot.item]),
                 picked(mark.pick, spot.item)});
        }
        if (count <= most_named_points) {
            if (LabelWish* wish =
                    wish_for(plot, name, mark.role, LabelWish::Kind::name, Swatch::none)) {
                const Size named = label_size(plot, name);
                wish_around(*wish, spot.at, named, r + 3, 0);
                // A few points can afford to be named from afar.
                for (float reach = r + 13; count <= most_led_points && reach < 100; reach += 10) {
                    wish_around(*wish, spot.at, named, reach, reach);
                    wish->leader = spot.at;
                    wish->leader_gap = r + 2;
                }
            }
        }
    }
    const bool all_named = count <= most_named_points && mark.names.size() >= count && count > 0;
    if (all_named) {
        return;  // the points' own names say more than the name of their series
    }
    if (LabelWish* wish =
            wish_for(plot, mark.label, mark.role, LabelWish::Kind::series, Swatch::marker)) {
        wish->candidates = std::move(series.candidates);
    }
}

void draw(const Rule& mark, Plot& plot) {
    const RoleStyle& style = plot.theme.style(mark.role);
    const Rect& f = plot.frame;
    const double at = position(mark.vertical ? plot.x : plot.y, mark.at);
    const float low = mark.vertical ? f.x : f.y, high = mark.vertical ? f.right() : f.bottom();
    if (std::isnan(at) || at < low - 0.5 || at > high + 0.5) {
        return;
    }
    const float half = plot.theme.hairline() / 2;
    const float middle = snap(at - half) + half;  // the pixel's middle: crisp when stroked
    const Point a = mark.vertical ? Point{middle, f.y} : Point{f.x, middle};
    const Point b = mark.vertical ? Point{middle, f.bottom()} : Point{f.right(), middle};
    plot.add(Polyline{{a, b}, style.color, plot.theme.hairline(), style.dash});
    plot.coverage.add_stroke(a, b, 1, plot.owner);
    const Axis& axis = mark.vertical ? plot.figure.x : plot.figure.y;
    const std::string text = told(axis, mark.at, mark.vertical ? "x" : "y");
    plot.scene.hovers.push_back(
        {mark.vertical ? Rect{middle - 3, f.y, 6, f.height} : Rect{f.x, middle - 3, f.width, 6},
         mark.label.empty() ? text : mark.label + "\n" + text,
         {}});
    LabelWish* wish = wish_for(plot, mark.label, mark.role, LabelWish::Kind::rule, Swatch::line);
    if (!wish) {
        return;
    }
    const Size size = label_size(plot, mark.label);
    constexpr int places = 24;
    for (int k = 0; k <= places; ++k) {
        const float share = static_cast<float>(k) / places;
        const auto cost = static_cast<float>(std::min(k, places - k));  // the ends are best
        if (mark.vertical) {
            const float y = f.y + 4 + (f.height - 8 - size.height) * share;
            wish->candidates.push_back({{middle + 6, y, size.width, size.height}, cost});
            wish->candidates.push_back(
                {{middle - 6 - size.width, y, size.width, size.height}, cost + 0.5F});
        } else {
            const float x = f.right() - 4 - size.width - (f.width - 8 - size.width) * share;
            wish->candidates.push_back(
                {{x, middle - 4 - size.height, size.width, size.height}, cost});
            wish->candidates.push_back({{x, middle + 4, size.width, size.height}, cost + 0.5F});
        }
    }
}

void draw(const Ticks& mark, Plot& plot) {
    const RoleStyle& style = plot.theme.style(mark.role);
    const Rect& f = plot.frame;
    const AxisMap& map = mark.vertical ? plot.x : plot.y;
    const float across = mark.vertical ? f.height : f.width;
    const double from = std::clamp(mark.start, 0.0, 1.0);
    const auto start = across * static_cast<float>(from);
    const auto length = across * static_cast<float>(std::clamp(mark.length, 0.0, 1.0 - from));
    const float half = plot.theme.hairline() / 2;
    const Axis& axis = mark.vertical ? plot.figure.x : plot.figure.y;
    LabelWish tops;
    const Size size = label_size(plot, mark.label);
    std::vector<float> drawn;
    for (const double value : mark.at) {
        const double at = position(map, value);
        const float low = mark.vertical ? f.x : f.y, high = mark.vertical ? f.right() : f.bottom();
        if (std::isnan(at) || at < low - 0.5 || at > high + 0.5) {
            continue;
        }
        const float middle = snap(at - half) + half;
        if (!drawn.empty() && drawn.back() == middle) {
            continue;  // several in one pixel: one line shows them
        }
        drawn.push_back(middle);
        const Point a =
            mark.vertical ? Point{middle, f.bottom() - start - length} : Point{f.x + start, middle};
        const Point b =
            mark.vertical ? Point{middle, f.bottom() - start} : Point{f.x + start + length, middle};
        plot.add(Polyline{{a, b}, style.color, plot.theme.hairline(), style.dash});
        plot.coverage.add_stroke(a, b, 1, plot.owner);
        if (drawn.size() <= most_point_hovers) {
            const Rect area =
                mark.vertical ? Rect{middle - 3, a.y, 6, length} : Rect{a.x, middle - 3, length, 6};
            const std::string text = told(axis, value, mark.vertical ? "x" : "y");
            plot.scene.hovers.push_back(
                {area, mark.label.empty() ? text : mark.label + "\n" + text, {}});
        }
        if (mark.length < full_length && drawn.size() <= 64) {
            wish_around(tops, mark.vertical ? a : b, size, 4, static_cast<float>(drawn.size()));
        }
    }
    if (LabelWish* wish =
            wish_for(plot, mark.label, mark.role, LabelWish::Kind::rule, Swatch::rule)) {
        wish->candidates = std::move(tops.candidates);
    }
}

void draw(const Note& mark, Plot& plot) {
    const double x = position(plot.x, mark.x), y = position(plot.y, mark.y);
    const Point at = {static_cast<float>(x), static_cast<float>(y)};
    if (!std::isfinite(x) || !std::isfinite(y) || !plot.frame.inset(-1).contains(at)) {
        return;
    }
    LabelWish* wish = wish_for(plot, mark.text, mark.role, LabelWish::Kind::note, Swatch::none);
    if (!wish) {
        return;
    }
    const Size size = label_size(plot, mark.text);
    for (float reach = 2; reach < 160; reach += 10) {
        wish_around(*wish, at, size, reach, reach);
    }
    wish->leader = at;
    wish->leader_gap = 2;
    wish->on_picture = plot.picture && plot.picture->contains(at);
}

}  // namespace nibble
