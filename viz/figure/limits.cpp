#include "viz/figure/limits.hpp"

#include <algorithm>
#include <cmath>

namespace nibble {
namespace {

constexpr double largest = 1e300;     // beyond, differences of limits overflow
constexpr double least_share = 1e-9;  // of the magnitude: a narrower span has no digits left

/// The values that an axis has to show.
struct Extent {
    Scale scale = Scale::linear;
    double low = INFINITY, high = -INFINITY;
    double tight_low = INFINITY, tight_high = -INFINITY;  // data that fill the plot to its edge
    bool has_bodies = false;                              // points, which an edge would cut
    bool has_numbers = false;  // at the ends of bars: they need room beyond

    bool usable(double v) const {
        return std::isfinite(v) && std::abs(v) <= largest && (scale == Scale::linear || v > 0);
    }
    void add(double v) {
        if (usable(v)) {
            low = std::min(low, v);
            high = std::max(high, v);
        }
    }
    void add(const std::vector<double>& values) {
        for (const double v : values) {
            add(v);
        }
    }
    /// Values that fill the axis from end to end, without a margin.
    void add_tight(const std::vector<double>& values) {
        for (const double v : values) {
            if (usable(v)) {
                add(v);
                tight_low = std::min(tight_low, v);
                tight_high = std::max(tight_high, v);
            }
        }
    }
};

struct Extents {
    Extent x, y;
    Reach reach;
    bool fixed_shape = false;  // bars: zooming into them tells nothing

    void operator()(const Line& m) {
        x.add_tight(m.x);
        y.add(m.y);
        x.has_bodies = x.has_bodies || m.markers;
    }
    void operator()(const Points& m) {
        x.add(m.x);
        y.add(m.y);
        x.has_bodies = true;
    }
    void operator()(const Bars& m) {
        Extent& names = m.horizontal ? y : x;
        Extent& values = m.horizontal ? x : y;
        names.scale = Scale::linear;
        names.add_tight({-0.5, static_cast<double>(m.names.size()) - 0.5});
        (m.horizontal ? reach.y_names : reach.x_names) = m.names;
        reach.y_down = reach.y_down || m.horizontal;
        fixed_shape = true;
        values.add_tight({0});
        values.has_numbers = values.has_numbers || (m.value_labels && !m.stacked);
        for (std::size_t i = 0; i < m.names.size(); ++i) {
            double up = 0, down = 0;
            for (const Bars::Series& s : m.series) {
                const double v = i < s.values.size() ? s.values[i] : NAN;
                if (!m.stacked) {
                    values.add(v);
                } else if (std::isfinite(v)) {
                    (v < 0 ? down : up) += v;
                }
            }
            values.add(up);
            values.add(down);
        }
    }
    void operator()(const Band& m) {
        x.add_tight(m.x);
        y.add(m.low);
        y.add(m.high);
    }
    void operator()(const Histogram& m) {
        x.add_tight(m.edges);
        y.add_tight({0});
        y.add(m.counts);
    }
    void operator()(const Heatmap& m) {
        const bool own_x = m.x0 != m.x1, own_y = m.y0 != m.y1;
        x.add_tight({own_x ? m.x0 : 0, own_x ? m.x1 : m.cols});
        y.add_tight({own_y ? m.y0 : 0, own_y ? m.y1 : m.rows});
        reach.y_down = reach.y_down || !m.row0_at_bottom;
    }
    void operator()(const Rule& m) { (m.vertical ? x : y).add(m.at); }
    void operator()(const Ticks& m) { (m.vertical ? x : y).add(m.at); }
    void operator()(const Note& m) {
        x.add(m.x);
        y.add(m.y);
    }
    void operator()(const Segments& m) {
        y.add_tight({-0.5, static_cast<double>(m.lanes.size()) - 0.5});
        reach.y_names = m.lanes;
        reach.y_down = true;
        for (const Segments::Item& s : m.items) {
            x.add_tight({s.start, s.end});
        }
    }
    void operator()(const Handle& m) {
        if (m.x) {
            x.add(*m.x);
        }
        if (m.y) {
            y.add(*m.y);
        }
    }
    template <class Free>  // cells, tree, links, tokens, listing: they use no axis
    void operator()(const Free&) {}
};

template <class MarkType>
constexpr bool uses_axes = !std::is_same_v<MarkType, Cells> && !std::is_same_v<MarkType, Tree> &&
                           !std::is_same_v<MarkType, Links> && !std::is_same_v<MarkType, Tokens> &&
                           !std::is_same_v<MarkType, Listing>;

/// Limits as given, made usable: ordered, finite, apart, above zero where the scale needs it.
std::pair<double, double> usable_limits(std::pair<double, double> given, Scale scale) {
    auto [low, high] = given;
    if (low > high) {
        std::swap(low, high);
    }
    if (scale != Scale::linear) {
        const bool high_ok = std::isfinite(high) && high > 0;
        high = high_ok ? std::min(high, largest) : 10;
        low = std::isfinite(low) && low > 0 ? std::max(low, 1 / largest) : high / 1e4;
        const double middle = std::sqrt(low) * std::sqrt(high);
        return high / low > 1 + least_share ? std::pair(low, high)
                                            : std::pair(middle / 3.2, middle * 3.2);
    }
    low = std::isfinite(low) ? std::clamp(low, -largest, largest) : 0;
    high = std::isfinite(high) ? std::clamp(high, -largest, largest) : low + 1;
    const double magnitude = std::max(std::abs(low), std::abs(high));
    if (high - low > std::max(magnitude * least_share, 1e-290)) {
        return {low, high};
    }
    const double half = magnitude < 1e-280 ? 1 : magnitude * 0.1;
    return {low - half, high + half};
}

std::pair<double, double> fitted(const Extent& e, bool is_y) {
    if (e.low > e.high) {
        return e.scale == Scale::linear ? std::pair(0.0, 1.0) : std::pair(1.0, 10.0);
    }
    if (e.low == e.high) {
        if (e.low == 0 && e.tight_low == 0) {
            return {0, 1};
        }
        return usable_limits({e.low, e.high}, e.scale);
    }
    const double margin = e.has_numbers ? 0.12 : is_y ? 0.06 : 0.03;
    const bool pad_low = e.low < e.tight_low || (e.has_bodies && !is_y);
    const bool pad_high = e.high > e.tight_high || (e.has_bodies && !is_y);
    if (e.scale != Scale::linear) {
        const double factor = std::pow(e.high / e.low, margin);
        return usable_limits(
            {pad_low ? e.low / factor : e.low, pad_high ? e.high * factor : e.high}, e.scale);
    }
    const double by = (e.high - e.low) * margin;
    // Values that start at zero stay there: a margin below it would promise negative ones.
    const double low = pad_low && !(is_y && e.low == 0) ? e.low - by : e.low;
    const double high = pad_high && !(is_y && e.high == 0) ? e.high + by : e.high;
    return usable_limits({low, high}, e.scale);
}

}  // namespace

Reach reach_of(const Figure& figure, const Zoom& zoom) {
    Extents e;
    e.x.scale = figure.x.scale;
    e.y.scale = figure.y.scale;
    for (const Mark& mark : figure.marks) {
        std::visit(e, mark);
        e.reach.cartesian =
            e.reach.cartesian || std::visit([]<class M>(const M&) { return uses_axes<M>; }, mark);
    }
    Reach reach = std::move(e.reach);
    reach.cartesian = reach.cartesian || figure.marks.empty();
    const auto limits = [](const Axis& axis, const Extent& extent, bool is_y,
                           const std::optional<std::pair<double, double>>& zoomed) {
        const auto& given = zoomed ? zoomed : axis.limits;
        return given ? usable_limits(*given, axis.scale) : fitted(extent, is_y);
    };
    reach.x = limits(figure.x, e.x, false, zoom.x);
    reach.y = limits(figure.y, e.y, true, zoom.y);
    const bool hidden = figure.x.hidden && figure.y.hidden;
    reach.zoomable = reach.cartesian && !e.fixed_shape && !hidden;
    return reach;
}

}  // namespace nibble
