// Bars, histograms, lanes: rectangles that stand on an axis.
#include <algorithm>
#include <cmath>

#include "viz/figure/plot.hpp"
#include "viz/figure/ticks.hpp"

namespace nibble {
namespace {

constexpr float widest_bar = 56;

/// A bar from `from` to `to` along the values, `across` .. `across + thick` along the names.
Rect bar_rect(bool horizontal, float from, float to, float across, float thick) {
    const auto [low, high] = std::minmax({snap(from), snap(to)});
    return horizontal ? Rect{low, across, high - low, thick} : Rect{across, low, thick, high - low};
}

struct Bar {
    Rect rect;
    double value;
    std::size_t name, series;
};

std::vector<Bar> bars_of(const Bars& mark, const Plot& plot) {
    const AxisMap& names = mark.horizontal ? plot.y : plot.x;
    const AxisMap& values = mark.horizontal ? plot.x : plot.y;
    const float zero = clamped_position(values, values.scale == Scale::linear ? 0 : values.low);
    const float slot = std::abs(static_cast<float>(position(names, 1) - position(names, 0)));
    const float side_by_side = mark.stacked ? 1 : static_cast<float>(mark.series.size());
    const float gap = mark.stacked || slot < 12 * side_by_side ? 0 : 2;
    const float room = std::min(slot * 0.72F, widest_bar * plot.theme.scale * side_by_side);
    const float thick =
        std::max(1.0F, std::floor((room - gap * (side_by_side - 1)) / side_by_side));
    std::vector<Bar> bars;
    for (std::size_t i = 0; i < mark.names.size(); ++i) {
        const auto middle = static_cast<float>(position(names, static_cast<double>(i)));
        const float whole = thick * side_by_side + gap * (side_by_side - 1);
        double up = 0, down = 0;
        for (std::size_t k = 0; k < mark.series.size(); ++k) {
            const auto& column = mark.series[k].values;
            const double v = i < column.size() ? column[i] : NAN;
            if (!std::isfinite(v)) {
                continue;
            }
            double& base = v < 0 ? down : up;
            const float from = mark.stacked && base != 0 ? clamped_position(values, base) : zero;
            base += v;
            const float to = clamped_position(values, mark.stacked ? base : v);
            const float offset = mark.stacked ? 0 : static_cast<float>(k) * (thick + gap);
            bars.push_back(
                {bar_rect(mark.horizontal, from, to, snap(middle - whole / 2) + offset, thick), v,
                 i, k});
        }
    }
    return bars;
}

/// Where the number of a bar stands: beyond its end, or inside when stacked.
Rect value_box(const Bars& mark, const Bar& bar, Size text) {
    const Rect& r = bar.rect;
    if (mark.stacked) {
        return {r.centre().x - text.width / 2, r.centre().y - text.height / 2, text.width,
                text.height};
    }
    constexpr float gap = 4;
    const bool down = bar.value < 0;
    if (mark.horizontal) {
        return {down ? r.x - gap - text.width : r.right() + gap, r.centre().y - text.height / 2,
                text.width, text.height};
    }
    return {r.centre().x - text.width / 2, down ? r.bottom() + gap : r.y - gap - text.height,
            text.width, text.height};
}

bool within(const Rect& outer, const Rect& inner) {
    return inner.x >= outer.x && inner.right() <= outer.right() && inner.y >= outer.y &&
           inner.bottom() <= outer.bottom();
}

void draw_values(const Bars& mark, const std::vector<Bar>& bars, Plot& plot) {
    const Axis& axis = mark.horizontal ? plot.figure.x : plot.figure.y;
    const Font font = {Face::medium, 11.0F * plot.theme.scale};
    std::vector<TextRun> runs;
    std::vector<Rect> boxes;
    for (const Bar& bar : bars) {
        std::string text = format_value(bar.value, axis.style, 3);
        const Rect box = value_box(mark, bar, {plot.text_width(text, font), font.size});
        const Role role = mark.series[bar.series].role;
        const Rect room = mark.stacked ? bar.rect.inset(1) : plot.frame;
        if (!within(room, box)) {
            if (mark.stacked) {
                continue;
            }
            return;  // numbers on some bars of a group only would look like missing data
        }
        const bool back = mark.chosen >= 0 && static_cast<int>(bar.name) != mark.chosen;
        const Color color = !mark.stacked ? plot.theme.muted
                            : back        ? plot.theme.text
                                          : ink_on(plot.color(role));
        runs.push_back(
            {box.centre(), std::move(text), font, color, HAlign::centre, VAlign::middle});
        boxes.push_back(box);
    }
    for (std::size_t i = 1; i < boxes.size() && !mark.stacked; ++i) {
        for (std::size_t k = i > 8 ? i - 8 : 0; k < i; ++k) {
            if (boxes[i].inset(-1).overlaps(boxes[k])) {
                return;
            }
        }
    }
    for (std::size_t i = 0; i < runs.size(); ++i) {
        plot.coverage.add(boxes[i], label_owner);
        plot.add(std::move(runs[i]));
    }
}

/// A bar may be too short to be hit: the whole place of a name can be picked.
void pick_slots(const Bars& mark, Plot& plot) {
    const Rect& f = plot.frame;
    for (std::size_t i = 0; i < mark.names.size() && !mark.pick.param.empty(); ++i) {
        const double at = static_cast<double>(i);
        const AxisMap& names = mark.horizontal ? plot.y : plot.x;
        const auto [from, to] =
            std::minmax({clamped_position(names, at - 0.5), clamped_position(names, at + 0.5)});
        const Rect slot = mark.horizontal ? Rect{f.x, from, f.width, to - from}
                                          : Rect{from, f.y, to - from, f.height};
        plot.scene.hovers.push_back({slot, mark.names[i], picked(mark.pick, i)});
    }
}

constexpr double stepped_back = 0.45;  // opacity of bars that are not in focus

}  // namespace

void draw(const Bars& mark, Plot& plot) {
    const Axis& axis = mark.horizontal ? plot.figure.x : plot.figure.y;
    const std::vector<Bar> bars = bars_of(mark, plot);
    pick_slots(mark, plot);
    for (const Bar& bar : bars) {
        const Bars::Series& series = mark.series[bar.series];
        Rect body = bar.rect;
        if (mark.stacked && (mark.horizontal ? body.width : body.height) > 3) {
            (mark.horizontal ? body.width : body.height) -= 1;  // a hair between neighbours
            body.y += mark.horizontal ? 0 : 1;
        }
        const float round = std::min({2 * plot.theme.scale, body.width / 2, body.height / 2});
        const bool back = mark.chosen >= 0 && static_cast<int>(bar.name) != mark.chosen;
        plot.add(FillRect{body, plot.color(series.role).with_alpha(back ? stepped_back : 1),
                          std::max(round, 0.0F)});
        plot.coverage.add(bar.rect, plot.owner);
        std::string text = mark.names[bar.name];
        text += series.label.empty() ? "" : "\n" + series.label;
        Rect area = bar.rect;
        if (mark.horizontal ? area.width < 6 : area.height < 6) {
            area = area.inset(-3);  // even a bar of nothing answers
        }
        plot.scene.hovers.push_back(
            {area, text + "\n" + told(axis, bar.value, "value"), picked(mark.pick, bar.name)});
    }
    if (mark.value_labels) {
        draw_values(mark, bars, plot);
    }
}

void draw(const Histogram& mark, Plot& plot) {
    const Color color = plot.color(mark.role).with_alpha(0.6);
    const Axis &x = plot.figure.x, &y = plot.figure.y;
    const std::size_t bins =
        std::min(mark.counts.size(), mark.edges.empty() ? std::size_t(0) : mark.edges.size() - 1);
    std::vector<Point> contour;
    std::size_t hovers = 0;
    for (std::size_t i = 0; i < bins;) {
        float left = clamped_position(plot.x, mark.edges[i], 2);
        float right = clamped_position(plot.x, mark.edges[i + 1], 2);
        double count = mark.counts[i];
        const std::size_t first = i++;
        // Bins narrower than a pixel: the highest stands for all in its pixel.
        while (i < bins && right < std::floor(left) + 1) {
            right = clamped_position(plot.x, mark.edges[i + 1], 2);
            count = std::max(count, mark.counts[i++]);
        }
        left = snap(left);
        right = std::max(snap(right), left + 1);
        if (!std::isfinite(count) || count <= 0 || right < plot.frame.x ||
            left > plot.frame.right()) {
            continue;
        }
        const float top = snap(clamped_position(plot.y, count));
        const float gap = right - left >= 5 ? 1 : 0;
        Rect body = {left, top, right - left - gap, plot.frame.bottom() - top};
        if (body.height < 1) {
            body = {body.x, plot.frame.bottom() - 1, body.width, 1};  // some, however few
        }
        plot.add(FillRect{body, color});
        plot.coverage.add(body.inset(-1), plot.owner);
        contour.push_back({left, body.y});
        contour.push_back({right, body.y});
        if (++hovers <= 1000) {
            std::string text = mark.label.empty() ? "" : mark.label + "\n";
            text += told(x, mark.edges[first], "from") + " … " +
                    format_value(mark.edges[i], x.style) + "\n" + told(y, count, "count");
            plot.scene.hovers.push_back(
                {{left, plot.frame.y, right - left, plot.frame.height}, std::move(text), {}});
        }
    }
    if (LabelWish* wish =
            wish_for(plot, mark.label, mark.role, LabelWish::Kind::series, Swatch::box)) {
        wish_along(*wish, contour, label_size(plot, mark.label));
    }
}

void draw(const Segments& mark, Plot& plot) {
    const Theme& theme = plot.theme;
    const float lane = std::abs(static_cast<float>(position(plot.y, 1) - position(plot.y, 0)));
    const float thick = std::max(1.0F, std::floor(std::min(lane * 0.7F, 28 * theme.scale)));
    const Font font = {Face::medium, 11.0F * theme.scale};
    for (std::size_t i = 0; i < mark.items.size(); ++i) {
        const Segments::Item& item = mark.items[i];
        const double from = position(plot.x, item.start), to = position(plot.x, item.end);
        const bool visible = std::max(from, to) >= plot.frame.x &&
                             std::min(from, to) <= plot.frame.right();  // false for NaN
        if (!visible || item.lane < 0 || item.lane >= static_cast<int>(mark.lanes.size())) {
            continue;
        }
        const auto middle = static_cast<float>(position(plot.y, item.lane));
        const float left = snap(clamped_position(plot.x, item.start, 4));
        const float right = std::max(snap(clamped_position(plot.x, item.end, 4)), left + 1);
        const float gap = right - left > 4 ? 1 : 0;
        const Rect body = {left, snap(middle - thick / 2), right - left - gap, thick};
        const Color color = plot.color(item.role);
        plot.add(FillRect{body, color, std::min(3 * theme.scale, body.width / 2)});
        plot.coverage.add(body, plot.owner);
        if (!item.label.empty() && font.size <= body.height &&
            plot.text_width(item.label, font) + 8 <= body.width) {
            plot.add(TextRun{body.centre(), item.label, font, ink_on(color), HAlign::centre,
                             VAlign::middle});
        }
        std::string text = item.label.empty() ? "" : item.label + "\n";
        text += mark.lanes[static_cast<std::size_t>(item.lane)] + "\n" +
                told(plot.figure.x, item.start, "from") + " … " +
                format_value(item.end, plot.figure.x.style);
        plot.scene.hovers.push_back({body, std::move(text), picked(mark.pick, i)});
    }
}

}  // namespace nibble
