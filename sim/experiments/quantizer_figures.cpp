// The figures of the quantizer lab: error maps side by side, the whole value axis with the outlier
// on it, the levels among the weights, error by bits and error by group.
#include "sim/experiments/quantizer_figures.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "sim/core/text.hpp"

namespace nibble::quantizer_lab {
namespace {

constexpr double near_view = 4.5;                // sigma, either side, on the levels figure
constexpr double far_left = -8, far_right = 68;  // sigma, where the outlier can be dragged
constexpr std::size_t drawn_boundaries = 64;

double or_gap(double value) {
    return value > 0 ? value : std::numeric_limits<double>::quiet_NaN();
}

bool has_handle(const Data& d) {
    return d.outliers.kind != OutlierKind::none;
}

std::string outlier_label(const Data& d) {
    return fmt::format("{} σ: drag me", format_number(d.outliers.magnitude));
}

std::string group_label(const Data& d, const GroupView& g) {
    switch (d.chosen.granularity) {
        case Granularity::tensor:
            return "the tensor";
        case Granularity::channel:
            return fmt::format("row {}", g.row);
        default:
            return fmt::format("group {}",
                               g.row * d.chosen.groups_per_row(d.source->cols) + g.group);
    }
}

Heatmap heatmap(const Data& d, const std::vector<float>& cells, double high) {
    const ErrorMap& map = d.map;
    Heatmap h;
    h.rows = static_cast<int>(map.rows);
    h.cols = static_cast<int>(map.cols);
    h.cells = cells;
    h.label = map.tile_rows * map.tile_cols == 1 ? "|error|" : "root mean square error";
    h.unit = "σ";
    h.high = high;
    // Whole numbers lie in the middle of their weight.
    h.x0 = -0.5;
    h.x1 = static_cast<double>(map.cols * map.tile_cols) - 0.5;
    h.y0 = -0.5;
    h.y1 = static_cast<double>(map.rows * map.tile_rows) - 0.5;
    h.pick_row_param = "selected_row";
    h.pick_col_param = "selected_col";
    return h;
}

/// The outline of a group on the map.
Line outline(const Data& d, const GroupView& g) {
    const double half_tile = d.map.tile_rows > 1 ? static_cast<double>(d.map.tile_rows) / 2 : 0.5;
    const double row = static_cast<double>(g.row);
    const double left = static_cast<double>(g.first_col) - 0.5;
    const double right = left + static_cast<double>(g.size);
    const double top = row - half_tile, bottom = row + half_tile;
    return {"", Role::subject, {left, right, right, left, left}, {top, top, bottom, bottom, top}};
}

Figure error_map(const Data& d, const GroupView& g, bool of_tensor, double high) {
    const Quantizer& q = of_tensor ? d.tensor : d.chosen;
    const std::vector<float>& cells = of_tensor ? d.map.tensor : d.map.chosen;
    Figure f;
    f.id = of_tensor ? "error-map-tensor" : "error-map";
    f.title = granularity_name(q);
    f.title_role = of_tensor ? Role::baseline : Role::subject;
    f.alt_text = fmt::format("Heat map of the rounding error of {} by {} weights, {}, {}.",
                             d.source->rows, d.source->cols, scheme_name(q), granularity_name(q));
    f.x = {.label = "column"};
    f.y = {.label = "row"};
    Heatmap map = heatmap(d, cells, high);
    map.colour_bar = !of_tensor;
    f.marks.emplace_back(std::move(map));
    const std::size_t per_row = d.chosen.groups_per_row(d.source->cols);
    if (!of_tensor && per_row > 1 && per_row <= drawn_boundaries) {
        Ticks boundaries{"", Role::muted, true, {}};
        for (std::size_t k = 1; k < per_row; ++k) {
            boundaries.at.push_back(static_cast<double>(k * d.chosen.group_size) - 0.5);
        }
        f.marks.emplace_back(std::move(boundaries));
    }
    if (!of_tensor && d.chosen.granularity != Granularity::tensor) {
        f.marks.emplace_back(outline(d, g));
    }
    if (has_handle(d)) {
        Handle h;
        h.label = of_tensor || d.chosen == d.tensor ? outlier_label(d) : "";
        if (d.outliers.kind != OutlierKind::columns) {
            h.y = static_cast<double>(d.outliers.rows.front());
            h.y_param = "outlier_row";
        }
        if (d.outliers.kind != OutlierKind::rows) {
            h.x = static_cast<double>(d.outliers.cols.front());
            h.x_param = "outlier_col";
        }
        f.marks.emplace_back(std::move(h));
    }
    if (d.map.tile_rows * d.map.tile_cols > 1) {
        f.footnote = fmt::format("each cell: {} x {} weights", d.map.tile_rows, d.map.tile_cols);
    }
    return f;
}

FigureRow error_maps(const Data& d, const GroupView& g) {
    float high = 0;
    for (const auto* cells : {&d.map.chosen, &d.map.tensor}) {
        for (const float c : *cells) {
            high = std::isnan(c) ? high : std::max(high, c);
        }
    }
    const double top = high > 0 ? static_cast<double>(high) : 1.0;
    FigureRow row{1.0, {}};
    if (d.chosen != d.tensor) {
        row.figures.push_back(error_map(d, g, true, top));
    }
    row.figures.push_back(error_map(d, g, false, top));
    return row;
}

/// Counts from `low` to `high` sigma, relative to the fullest bin.
Histogram weights_between(const Data& d, double low, double high) {
    Histogram h{"weights", Role::muted, {}, {}};
    const double largest = *std::max_element(d.histogram.begin(), d.histogram.end());
    const std::size_t from = histogram_bin(low), to = histogram_bin(high);
    const auto edge = [](std::size_t bin) {
        return (static_cast<double>(bin) - histogram_bins / 2.0) / histogram_bins_per_sigma;
    };
    for (std::size_t bin = from; bin < to; ++bin) {
        h.edges.push_back(edge(bin));
        h.counts.push_back(d.histogram[bin] / largest);
    }
    h.edges.push_back(edge(to));
    return h;
}

std::vector<double> within(const std::vector<double>& values, double low, double high) {
    std::vector<double> kept;
    std::copy_if(values.begin(), values.end(), std::back_inserter(kept),
                 [&](double v) { return v >= low && v <= high; });
    return kept;
}

Figure value_axis(const Data& d, const GroupView& g) {
    double left = far_left, right = far_right;
    if (!has_handle(d)) {
        left = std::min(-5.0, 1.05 * static_cast<double>(d.low) / d.sigma);
        right = std::max(5.0, 1.05 * static_cast<double>(d.high) / d.sigma);
    }
    Figure f;
    f.id = "value-axis";
    f.title = "All levels on the whole value axis";
    f.alt_text = "Weights and quantizer levels on the value axis, with the outlier far outside.";
    f.x = {.label = "weight value", .unit = "σ", .limits = std::pair(left, right)};
    f.y = {.label = "share", .limits = std::pair(0.0, 1.0), .hidden = true};
    f.marks.emplace_back(weights_between(d, std::max(left, -60.0), std::min(right, 60.0)));
    if (d.chosen != d.tensor) {
        f.marks.emplace_back(
            Ticks{"per tensor", Role::baseline, true, within(tensor_levels(d), left, right), 0.9});
    }
    f.marks.emplace_back(
        Ticks{group_label(d, g), Role::subject, true, within(g.levels, left, right), 0.45});
    if (has_handle(d)) {
        Handle h;
        h.label = outlier_label(d);
        h.x = d.outliers.magnitude;
        h.x_param = "outlier";
        f.marks.emplace_back(std::move(h));
    }
    return f;
}

Figure levels_figure(const Data& d, const GroupView& g) {
    const std::vector<double> own = within(g.levels, -near_view, near_view);
    const std::vector<double> shared = within(tensor_levels(d), -near_view, near_view);
    Figure f;
    f.id = "levels";
    f.title = fmt::format("Levels where the weights are: {} of {}", own.size(), group_label(d, g));
    if (d.chosen != d.tensor) {
        f.title += fmt::format(", {} per tensor", shared.size());
    }
    f.alt_text = fmt::format(
        "Histogram of the weights with the {} levels of {} and the {} levels of one scale for the "
        "whole tensor that lie within {} sigma.",
        own.size(), group_label(d, g), shared.size(), near_view);
    f.x = {.label = "weight value", .unit = "σ", .limits = std::pair(-near_view, near_view)};
    f.y = {.label = "share of weights, relative", .limits = std::pair(0.0, 1.0)};
    f.marks.emplace_back(weights_between(d, -near_view, near_view));
    f.marks.emplace_back(Ticks{group_label(d, g), Role::subject, true, own});
    if (d.chosen != d.tensor) {
        f.marks.emplace_back(Ticks{"per tensor", Role::baseline, true, shared});
    }
    return f;
}

Figure error_by_bits(const Data& d) {
    Figure f;
    f.id = "error-by-bits";
    f.title = "Error by bits";
    f.alt_text = "Mean squared error against bits per code, per tensor and " +
                 granularity_name(d.chosen) + ", beside 6.02 dB a bit.";
    f.x = {.label = "bits per code", .limits = std::pair(2.0, 8.0)};
    f.y = {.label = "mean squared error", .unit = "σ²", .scale = Scale::log10};
    const std::string integers = d.chosen.is_integer() ? "" : "absmax ";
    Line chosen{integers + granularity_name(d.chosen), Role::subject, {}, {}, true};
    Line tensor{integers + "per tensor", Role::baseline, {}, {}, true};
    Line theory{"6.02 dB a bit", Role::reference, {}, {}};
    for (int bits = fewest_bits; bits <= most_bits; ++bits) {
        const auto i = static_cast<std::size_t>(bits - fewest_bits);
        for (Line* line : {&chosen, &tensor, &theory}) {
            line->x.push_back(bits);
        }
        chosen.y.push_back(or_gap(d.mse(d.chosen_by_bits[i])));
        tensor.y.push_back(or_gap(d.mse(d.tensor_by_bits[i])));
        theory.y.push_back(std::pow(4.0, -bits));
    }
    f.marks.emplace_back(std::move(theory));
    const double now = d.chosen.code_bits();
    if (d.chosen != d.tensor) {
        f.marks.emplace_back(std::move(tensor));
    }
    f.marks.emplace_back(std::move(chosen));
    if (d.chosen.is_integer()) {
        f.marks.emplace_back(Rule{fmt::format("{} bits", d.chosen.bits), Role::muted, true, now});
    } else {
        f.marks.emplace_back(Points{scheme_name(d.chosen),
                                    Role::limit,
                                    {now},
                                    {or_gap(d.mse(d.chosen_totals.squared_error))}});
    }
    return f;
}

Figure error_by_group(const Data& d) {
    Figure f;
    f.id = "error-by-group";
    const bool rows = d.chosen.granularity != Granularity::group;
    const std::string what = rows ? "row" : "group";
    f.title = fmt::format("Error by {}", what);
    f.alt_text = fmt::format("Mean squared error of each {}, per tensor and {}.", what,
                             granularity_name(d.chosen));
    f.x = {.label = what};
    f.y = {.label = "mean squared error", .unit = "σ²", .scale = Scale::log10};
    Line chosen{granularity_name(d.chosen), Role::subject, {}, {}, false, true};
    Line tensor{"per tensor", Role::baseline, {}, {}, false, true};
    for (std::size_t bin = 0; bin < d.chosen_by_group.size(); ++bin) {
        const auto x = static_cast<double>(bin * d.groups_per_bin);
        chosen.x.push_back(x);
        tensor.x.push_back(x);
        chosen.y.push_back(or_gap(d.chosen_by_group[bin]));
        tensor.y.push_back(or_gap(d.tensor_by_group[bin]));
    }
    if (d.chosen != d.tensor) {
        f.marks.emplace_back(std::move(tensor));
    }
    f.marks.emplace_back(std::move(chosen));
    if (d.groups_per_bin > 1) {
        f.footnote = fmt::format("each step: the worst of {} {}s", d.groups_per_bin, what);
    }
    return f;
}

}  // namespace

std::vector<FigureRow> figures(const Data& data, const GroupView& group) {
    Figure axis = value_axis(data, group), by_group = error_by_group(data);
    axis.width = 1.6;
    FigureRow middle{0.55, {}}, bottom{1.1, {}};
    middle.figures = {std::move(axis), std::move(by_group)};
    bottom.figures = {levels_figure(data, group), error_by_bits(data)};
    return {error_maps(data, group), std::move(middle), std::move(bottom)};
}

}  // namespace nibble::quantizer_lab
