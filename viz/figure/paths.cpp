#include "viz/figure/paths.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace nibble {
namespace {

/// An AxisMap with its divisions done: a curve may have a million points.
struct FastMap {
    explicit FastMap(const AxisMap& map) : log(map.scale != Scale::linear) {
        const double low = log ? std::log(map.low) : map.low;
        const double high = log ? std::log(map.high) : map.high;
        factor = (double(map.to) - map.from) / (high - low);
        offset = map.from - low * factor;
    }
    double operator()(double v) const {
        if (log) {
            return v > 0 ? offset + factor * std::log(v) : NAN;
        }
        return offset + factor * v;
    }
    bool log;
    double factor, offset;
};

bool is_sorted_in_x(const FarPath& path) {
    return std::is_sorted(path.begin(), path.end(),
                          [](const FarPoint& a, const FarPoint& b) { return a.x < b.x; });
}

FarPath column_extremes(const FarPath& path) {
    FarPath kept;
    for (std::size_t i = 0; i < path.size();) {
        const double column = std::floor(path[i].x);
        std::size_t end = i, low = i, high = i;
        while (end < path.size() && std::floor(path[end].x) == column) {
            low = path[end].y < path[low].y ? end : low;
            high = path[end].y > path[high].y ? end : high;
            ++end;
        }
        const auto [first, second] = std::minmax(low, high);
        for (const std::size_t k : {i, first, second, end - 1}) {
            if (kept.empty() || kept.back().x != path[k].x || kept.back().y != path[k].y) {
                kept.push_back(path[k]);
            }
        }
        i = end;
    }
    return kept;
}

/// The part of segment a-b inside the box, as shares of its length (Liang and Barsky 1984).
std::optional<std::pair<double, double>> inside(FarPoint a, FarPoint b, const Rect& box) {
    double enter = 0, leave = 1;
    const auto cut = [&](double direction, double room) {
        if (direction == 0) {
            return room >= 0;
        }
        const double at = room / direction;
        (direction < 0 ? enter : leave) = direction < 0 ? std::max(enter, at) : std::min(leave, at);
        return enter <= leave;
    };
    const double dx = b.x - a.x, dy = b.y - a.y;
    const bool visible = cut(-dx, a.x - box.x) && cut(dx, double(box.right()) - a.x) &&
                         cut(-dy, a.y - box.y) && cut(dy, double(box.bottom()) - a.y);
    return visible ? std::optional(std::pair(enter, leave)) : std::nullopt;
}

Point near(FarPoint p) {
    return {static_cast<float>(p.x), static_cast<float>(p.y)};
}

FarPoint between(FarPoint a, FarPoint b, double share) {
    return {a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share};
}

/// Keeps the side of a closed outline where `depth` is not negative (Sutherland and Hodgman 1974).
template <class Depth>
FarPath cut_outline(const FarPath& outline, const Depth& depth) {
    FarPath kept;
    for (std::size_t i = 0; i < outline.size(); ++i) {
        const FarPoint a = outline[i], b = outline[(i + 1) % outline.size()];
        const double da = depth(a), db = depth(b);
        if (da >= 0) {
            kept.push_back(a);
        }
        if ((da < 0) != (db < 0)) {
            kept.push_back(between(a, b, da / (da - db)));
        }
    }
    return kept;
}

}  // namespace

std::vector<FarPath> mapped_runs(const std::vector<double>& x, const std::vector<double>& y,
                                 const AxisMap& x_map, const AxisMap& y_map) {
    const FastMap to_x(x_map), to_y(y_map);
    std::vector<FarPath> runs;
    bool open = false;
    const std::size_t count = std::min(x.size(), y.size());
    for (std::size_t i = 0; i < count; ++i) {
        const FarPoint p = {to_x(x[i]), to_y(y[i])};
        if (!std::isfinite(p.x) || !std::isfinite(p.y)) {
            open = false;
            continue;
        }
        if (!open) {
            runs.emplace_back();
            open = true;
        }
        runs.back().push_back(p);
    }
    return runs;
}

FarPath thinned(FarPath path, float width) {
    if (static_cast<float>(path.size()) <= 4 * std::max(width, 1.0F)) {
        return path;
    }
    if (is_sorted_in_x(path)) {
        return column_extremes(path);
    }
    FarPath kept;
    for (const FarPoint& p : path) {
        if (kept.empty() || std::abs(kept.back().x - p.x) + std::abs(kept.back().y - p.y) >= 0.5) {
            kept.push_back(p);
        }
    }
    return kept;
}

std::vector<std::vector<Point>> clipped(const FarPath& path, const Rect& box) {
    std::vector<std::vector<Point>> parts;
    bool open = false;
    for (std::size_t i = 1; i < path.size(); ++i) {
        const auto shares = inside(path[i - 1], path[i], box);
        if (!shares) {
            open = false;
            continue;
        }
        if (!open || shares->first > 0) {
            parts.push_back({near(between(path[i - 1], path[i], shares->first))});
        }
        parts.back().push_back(near(between(path[i - 1], path[i], shares->second)));
        open = shares->second == 1;
    }
    return parts;
}

std::vector<Point> clipped_outline(FarPath outline, const Rect& box) {
    const double left = box.x, right = box.right(), top = box.y, bottom = box.bottom();
    outline = cut_outline(outline, [=](FarPoint p) { return p.x - left; });
    outline = cut_outline(outline, [=](FarPoint p) { return right - p.x; });
    outline = cut_outline(outline, [=](FarPoint p) { return p.y - top; });
    outline = cut_outline(outline, [=](FarPoint p) { return bottom - p.y; });
    std::vector<Point> points;
    for (const FarPoint& p : outline) {
        points.push_back(near(p));
    }
    return points;
}

}  // namespace nibble
