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

/// Takes points one by one and keeps what the picture needs: a curve may have a million.
class Thinner {
public:
    enum class Kind { keep_all, by_column, by_distance };
    explicit Thinner(Kind kind) : kind_(kind) {}

    void add(FarPoint p) {
        if (!open_) {
            finish();
            runs_.emplace_back();
            open_ = true;
            if (kind_ == Kind::by_column) {
                start_column(p);
                return;
            }
            runs_.back().push_back(p);
            return;
        }
        switch (kind_) {
            case Kind::keep_all:
                runs_.back().push_back(p);
                break;
            case Kind::by_distance: {
                const FarPoint& last = runs_.back().back();
                if (std::abs(last.x - p.x) + std::abs(last.y - p.y) >= 0.5) {
                    runs_.back().push_back(p);
                }
                break;
            }
            case Kind::by_column:
                if (p.x >= column_end_) {
                    finish();
                    start_column(p);
                } else {
                    last_ = p;
                    low_ = p.y < low_.y ? p : low_;
                    high_ = p.y > high_.y ? p : high_;
                }
                break;
        }
    }
    void gap() { open_ = false; }

    std::vector<FarPath> runs() {
        finish();
        return std::move(runs_);
    }

private:
    void start_column(FarPoint p) {
        first_ = last_ = low_ = high_ = p;
        column_end_ = std::floor(p.x) + 1;
        pending_ = true;
    }
    /// Appends the column's points in the order of x, each once.
    void finish() {
        if (!pending_) {
            return;
        }
        pending_ = false;
        FarPath& run = runs_.back();
        const bool low_first = low_.x <= high_.x;
        for (const FarPoint& p :
             {first_, low_first ? low_ : high_, low_first ? high_ : low_, last_}) {
            if (run.empty() || run.back().x != p.x || run.back().y != p.y) {
                run.push_back(p);
            }
        }
    }

    Kind kind_;
    std::vector<FarPath> runs_;
    bool open_ = false, pending_ = false;
    double column_end_ = 0;
    FarPoint first_, last_, low_, high_;
};

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

std::vector<FarPath> visible_runs(const std::vector<double>& x, const std::vector<double>& y,
                                  const AxisMap& x_map, const AxisMap& y_map, float width) {
    const std::size_t count = std::min(x.size(), y.size());
    const auto end = x.begin() + static_cast<std::ptrdiff_t>(count);
    const bool few = static_cast<float>(count) <= 4 * std::max(width, 1.0F);
    Thinner thinner(few                              ? Thinner::Kind::keep_all
                    : std::is_sorted(x.begin(), end) ? Thinner::Kind::by_column
                                                     : Thinner::Kind::by_distance);
    const FastMap to_x(x_map), to_y(y_map);
    for (std::size_t i = 0; i < count; ++i) {
        const FarPoint p = {to_x(x[i]), to_y(y[i])};
        if (std::isfinite(p.x) && std::isfinite(p.y)) {
            thinner.add(p);
        } else {
            thinner.gap();
        }
    }
    return thinner.runs();
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
