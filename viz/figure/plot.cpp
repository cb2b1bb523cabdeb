#include "viz/figure/plot.hpp"

#include <algorithm>
#include <cmath>

#include "viz/figure/ticks.hpp"

namespace nibble {

double position(const AxisMap& map, double value) {
    const bool log = map.scale != Scale::linear;
    if (!std::isfinite(value) || (log && value <= 0)) {
        return NAN;
    }
    const double share = log ? std::log(value / map.low) / std::log(map.high / map.low)
                             : (value - map.low) / (map.high - map.low);
    return map.from + (double(map.to) - map.from) * share;
}

float clamped_position(const AxisMap& map, double value, float slack) {
    const auto [low, high] = std::minmax(map.from, map.to);
    const double at = position(map, value);
    if (std::isnan(at)) {
        // Only the logarithm of a number that is not positive gets here: far below the axis.
        return map.from + (map.from < map.to ? -slack : slack);
    }
    return static_cast<float>(std::clamp(at, double(low) - slack, double(high) + slack));
}

float snap(double points) {
    return static_cast<float>(std::floor(points + 0.5));
}

std::string told(const Axis& axis, double value, const char* otherwise) {
    std::string text = (axis.label.empty() ? otherwise : axis.label) + ": ";
    for (const auto& [at, label] : axis.named_ticks) {
        if (at == value) {
            return text + label;
        }
    }
    text += format_value(value, axis.style);
    const bool unit_written =
        axis.style == NumberStyle::bytes || axis.style == NumberStyle::percent;
    return axis.unit.empty() || unit_written ? text : text + " " + axis.unit;
}

std::vector<std::pair<std::string, Value>> picked(const Pick& pick, std::size_t index) {
    if (pick.param.empty()) {
        return {};
    }
    if (pick.values.empty()) {
        return {{pick.param, static_cast<std::int64_t>(index)}};
    }
    if (index >= pick.values.size()) {
        return {};
    }
    return {{pick.param, pick.values[index]}};
}

void draw_marker(Scene& scene, const RoleStyle& style, Point at, float r) {
    switch (style.marker) {
        case Marker::circle:
            scene.add(Circle{at, r, style.color});
            break;
        case Marker::square:
            scene.add(
                FillRect{{at.x - r * 0.9F, at.y - r * 0.9F, r * 1.8F, r * 1.8F}, style.color});
            break;
        case Marker::diamond: {
            const float d = r * 1.25F;
            scene.add(
                Polygon{{{at.x, at.y - d}, {at.x + d, at.y}, {at.x, at.y + d}, {at.x - d, at.y}},
                        style.color});
            break;
        }
        case Marker::triangle: {
            const float d = r * 1.2F;
            scene.add(Polygon{
                {{at.x, at.y - d}, {at.x + d, at.y + d * 0.8F}, {at.x - d, at.y + d * 0.8F}},
                style.color});
            break;
        }
    }
}

Rect hairline_x(const Plot& plot, double at, float top, float bottom) {
    const float w = plot.theme.hairline();
    return {snap(at - w / 2), top, w, bottom - top};
}

Rect hairline_y(const Plot& plot, double at, float left, float right) {
    const float w = plot.theme.hairline();
    return {left, snap(at - w / 2), right - left, w};
}

}  // namespace nibble
