// What the reader drags: a ring around a point, or a line with a grip.
#include <algorithm>
#include <cmath>

#include "viz/figure/plot.hpp"

namespace nibble {
namespace {

/// What is written beside the handle; paper does not invite to drag.
std::string label_of(const Handle& mark, const Plot& plot) {
    return plot.handles && !mark.hint.empty() ? mark.label + ": " + mark.hint : mark.label;
}

/// Keeps a grip reachable when the handle's value lies outside the limits.
float within_frame(double at, float low, float high) {
    return static_cast<float>(std::clamp(at, double(low), double(high)));
}

void draw_ring(const Handle& mark, Plot& plot, Point at) {
    const float s = plot.theme.scale, radius = (plot.handles ? 9 : 5) * s;
    const Color color = plot.color(mark.role);
    // A dark and a light edge keep the ring visible on any picture.
    plot.add(Circle{at, radius, {0, 0, 0, 0}, plot.theme.background.with_alpha(0.7), 4 * s});
    plot.add(Circle{at, radius, color.with_alpha(plot.handles ? 0.12 : 0), color, 2 * s});
    const Rect body = {at.x - radius, at.y - radius, 2 * radius, 2 * radius};
    plot.coverage.add(body.inset(-2), handle_owner);
    if (plot.handles) {
        plot.scene.handles.push_back({plot.index, mark, body.inset(-4 * s)});
    }
    const std::string label = label_of(mark, plot);
    if (LabelWish* wish = wish_for(plot, label, mark.role, LabelWish::Kind::handle, Swatch::none)) {
        const Size size = label_size(plot, label);
        for (float reach = radius + 5 * s; reach < 120 * s; reach += 6 * s) {
            wish_around(*wish, at, size, reach, reach);
        }
        wish->leader = at;
        wish->leader_gap = radius + 2 * s;
        wish->on_picture = plot.picture && plot.picture->contains(at);
    }
}

void draw_grip_line(const Handle& mark, Plot& plot, bool vertical, float at) {
    const float s = plot.theme.scale;
    const Rect& f = plot.frame;
    const Color color = plot.color(mark.role);
    const float half = plot.theme.hairline() / 2;
    const float middle = snap(at - half) + half;
    const Point a = vertical ? Point{middle, f.y} : Point{f.x, middle};
    const Point b = vertical ? Point{middle, f.bottom()} : Point{f.right(), middle};
    plot.add(Polyline{{a, b},
                      color,
                      std::max(plot.theme.stroke() * 0.75F, 1.0F),
                      plot.handles ? Dash::solid : plot.theme.style(mark.role).dash});
    plot.coverage.add_stroke(a, b, 2, handle_owner);
    if (plot.handles) {
        const float across = 8 * s, along = 24 * s;
        // At the axis, like a slider's knob: there it hides the least.
        const float inwards = along / 2 + 2 * s;
        const Point c = vertical ? Point{middle, std::max(f.bottom() - inwards, f.centre().y)}
                                 : Point{std::min(f.x + inwards, f.centre().x), middle};
        const Size size = vertical ? Size{across, along} : Size{along, across};
        const Rect grip = {c.x - size.width / 2, c.y - size.height / 2, size.width, size.height};
        plot.add(FillRect{grip.inset(-1.5F), plot.theme.background, across / 2 + 1.5F});
        plot.add(FillRect{grip, color, across / 2});
        plot.coverage.add(grip.inset(-3), handle_owner);
        plot.scene.handles.push_back({plot.index, mark,
                                      vertical ? Rect{middle - 7 * s, f.y, 14 * s, f.height}
                                               : Rect{f.x, middle - 7 * s, f.width, 14 * s}});
    }
    const std::string label = label_of(mark, plot);
    LabelWish* wish = wish_for(plot, label, mark.role, LabelWish::Kind::handle, Swatch::line);
    if (!wish) {
        return;
    }
    const Size size = label_size(plot, label);
    constexpr int places = 24;
    for (int k = 0; k <= places; ++k) {
        const float share = static_cast<float>(k) / places;
        const auto cost = static_cast<float>(k);
        const float x =
            vertical ? middle + 6 : f.right() - 4 - size.width - (f.width - 8 - size.width) * share;
        const float y =
            vertical ? f.y + 4 + (f.height - 8 - size.height) * share : middle - 5 - size.height;
        wish->candidates.push_back({{x, y, size.width, size.height}, cost});
        const Point other = vertical ? Point{middle - 6 - size.width, y} : Point{x, middle + 5};
        wish->candidates.push_back({{other.x, other.y, size.width, size.height}, cost + 0.5F});
    }
    const Point centre = {middle, middle};
    wish->on_picture =
        plot.picture &&
        (vertical ? centre.x >= plot.picture->x && centre.x <= plot.picture->right()
                  : centre.y >= plot.picture->y && centre.y <= plot.picture->bottom());
}

}  // namespace

void draw(const Handle& mark, Plot& plot) {
    const Rect& f = plot.frame;
    const double x = mark.x ? position(plot.x, *mark.x) : NAN;
    const double y = mark.y ? position(plot.y, *mark.y) : NAN;
    if (std::isfinite(x) && std::isfinite(y)) {
        draw_ring(mark, plot, {within_frame(x, f.x, f.right()), within_frame(y, f.y, f.bottom())});
    } else if (std::isfinite(x) && !mark.y) {
        draw_grip_line(mark, plot, true, within_frame(x, f.x, f.right()));
    } else if (std::isfinite(y) && !mark.x) {
        draw_grip_line(mark, plot, false, within_frame(y, f.y, f.bottom()));
    }
}

}  // namespace nibble
