// The figures of the quantizer lab: error maps side by side, the whole value axis with the outlier
// on it, the levels among the weights, error by bits and error by group.
#include "sim/experiments/numbers/quantizer/figures.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "sim/core/text.hpp"

namespace nibble::quantizer_lab {
namespace {

constexpr double drag_left = -5, drag_right = 42;  // sigma: where the outlier can be dragged
constexpr std::size_t drawn_boundaries = 64;

double or_gap(double value) {
    return value > 0 ? value : std::numeric_limits<double>::quiet_NaN();
}

bool has_handle(const Data& d) {
    return d.outliers.kind != OutlierKind::none;
}

std::string outlier_label(const Data& d) {
    return fmt::format("{} σ", format_number(d.outliers.magnitude));
}

Heatmap heatmap(const Data& d, const std::vector<float>& cells, double high) {
    const ErrorMap& map = d.map;
    Heatmap h;
    h.rows = static_cast<int>(map.rows);
    h.cols = static_cast<int>(map.cols);
    h.cells = cells;
    h.label = map.tile_rows * map.tile_cols == 1
                  ? "|error|"
                  : fmt::format("RMS error, {} × {}", map.tile_rows, map.tile_cols);
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

/// The outline of a group on the map, as high as the tiles that its row falls into.
Line outline(const Data& d, const GroupView& g) {
    const double left = static_cast<double>(g.first_col) - 0.5;
    const double right = left + static_cast<double>(g.size);
    const double top = static_cast<double>(g.row / d.map.tile_rows * d.map.tile_rows) - 0.5;
    const double bottom = top + static_cast<double>(d.map.tile_rows);
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
        h.hint = h.label.empty() ? "" : "drag me";
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
    return f;
}

/// The next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten.
double round_up(double value) {
    const double power = std::pow(10, std::floor(std::log10(value)));
    for (const double step : {1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0}) {
        if (value <= step * power * (1 + 1e-9)) {
            return step * power;
        }
    }
    return 10 * power;
}

/// The largest root mean square over a whole row, or column, of tiles.
double worst_band(const ErrorMap& map, const std::vector<float>& cells) {
    std::vector<double> row_sums(map.rows, 0.0), col_sums(map.cols, 0.0);
    std::vector<std::size_t> row_counts(map.rows, 0), col_counts(map.cols, 0);
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (!std::isnan(cells[i])) {
            const double square = std::pow(static_cast<double>(cells[i]), 2);
            row_sums[i / map.cols] += square;
            col_sums[i % map.cols] += square;
            ++row_counts[i / map.cols];
            ++col_counts[i % map.cols];
        }
    }
    double worst = 0;
    const auto raise = [&worst](double sum, std::size_t count) {
        worst = count > 0 ? std::max(worst, sum / static_cast<double>(count)) : worst;
    };
    for (std::size_t r = 0; r < map.rows; ++r) {
        raise(row_sums[r], row_counts[r]);
    }
    for (std::size_t c = 0; c < map.cols; ++c) {
        raise(col_sums[c], col_counts[c]);
    }
    return std::sqrt(worst);
}

/// The error at the end of the colour bar. Tiles of single weights are never sampled: their
/// largest. The largest tile of a large matrix moves with the sample, and colours would jump
/// between a preview and the exact result; so it is estimated from bands of many tiles, which hold
/// still.
double colour_limit(const ErrorMap& map) {
    const auto tile = static_cast<double>(map.tile_rows * map.tile_cols);
    double limit = 0;
    for (const auto* cells : {&map.chosen, &map.tensor}) {
        if (tile == 1) {
            for (const float c : *cells) {
                limit = std::isnan(c) ? limit : std::max(limit, static_cast<double>(c));
            }
        } else {
            // The mean of n squares scatters by about sqrt(2 / n) of itself, its root by half that.
            const double scatter = 4 / std::sqrt(2 * tile);
            limit = std::max(limit, worst_band(map, *cells) * (1 + scatter));
        }
    }
    return limit > 0 ? round_up(limit) : 1;
}

FigureRow error_maps(const Data& d, const GroupView& g) {
    const double top = colour_limit(d.map);
    FigureRow row{1.0, {}};
    if (d.chosen != d.tensor) {
        row.figures.push_back(error_map(d, g, true, top));
    }
    row.figures.push_back(error_map(d, g, false, top));
    return row;
}

/// Counts from `low` to `high` sigma, relative to the fullest bin.
Histogram weights_between(const Data& d, double low, double high) {
    Histogram h{"", Role::muted, {}, {}};
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

/// Weights below, the levels above them in rows: those of the group, those of one scale for all.
Figure value_axis(const Data& d, const GroupView& g) {
    const double low = static_cast<double>(d.low) / d.sigma;
    const double high = static_cast<double>(d.high) / d.sigma;
    double left = std::min(-5.0, 1.05 * low), right = std::max(5.0, 1.05 * high);
    if (has_handle(d)) {  // the axis must hold still while the outlier is dragged over it
        left = drag_left;
        right = std::max(drag_right, 1.05 * d.outliers.magnitude);
    }
    const std::vector<double> own = within(g.levels, left, right);
    const std::vector<double> shared = within(tensor_levels(d), left, right);
    const std::string owner = place_of(d, g);
    Figure f;
    f.id = "value-axis";
    f.title = "Where the weights are, and the levels they must choose from";
    f.alt_text = fmt::format(
        "Histogram of the weights under the {} levels of {}{}.", own.size(), owner,
        d.chosen == d.tensor
            ? ""
            : fmt::format(" and the {} levels of one scale for the whole tensor", shared.size()));
    f.x = {.label = "weight value", .unit = "σ", .limits = std::pair(left, right)};
    f.y = {.label = "share of weights, relative", .limits = std::pair(0.0, 1.7), .hidden = true};
    f.marks.emplace_back(weights_between(d, left, right));
    if (d.chosen != d.tensor) {
        f.marks.emplace_back(Ticks{"levels per tensor", Role::baseline, true, shared, 0.17, 0.83});
    }
    f.marks.emplace_back(Ticks{"levels of " + owner, Role::subject, true, own, 0.17, 0.62});
    if (has_handle(d)) {
        Handle h;
        h.label = outlier_label(d);
        h.hint = "drag me";
        h.x = d.outliers.magnitude;
        h.x_param = "outlier";
        f.marks.emplace_back(std::move(h));
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
    f.y = {.label = "MSE", .unit = "σ²", .scale = Scale::log10};
    // Beside a table or a small float stand integers with the same scales.
    const bool integer = d.chosen.is_integer();
    const std::string prefix = integer ? "" : "absmax ";
    Line chosen{
        prefix + granularity_name(d.chosen), integer ? Role::subject : Role::muted, {}, {}, true};
    Line tensor{prefix + "per tensor", Role::baseline, {}, {}, true};
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
                                    Role::subject,
                                    {now},
                                    {or_gap(d.mse(d.chosen_totals.squared_error))}});
    }
    return f;
}

/// Groups are placed by their weights, so that those of another size lie over the same ones.
double first_weight(const Data& d, std::size_t group) {
    const std::size_t cols = d.source->cols, per_row = d.chosen.groups_per_row(cols);
    return static_cast<double>(group / per_row * cols +
                               group % per_row * d.chosen.run_length(cols));
}

Figure error_by_group(const Data& d) {
    Figure f;
    f.id = "error-by-group";
    const bool rows = d.chosen.granularity != Granularity::group;
    const std::string what = rows ? "row" : "group";
    f.title = fmt::format("Error by {}", what);
    f.alt_text = fmt::format("Mean squared error of each {}, per tensor and {}.", what,
                             granularity_name(d.chosen));
    f.x = {.label = "weight, row after row"};
    f.y = {.label = "MSE", .unit = "σ²", .scale = Scale::log10};
    Line chosen{granularity_name(d.chosen), Role::subject, {}, {}, false, true};
    Line tensor{"per tensor", Role::baseline, {}, {}, false, true};
    for (std::size_t bin = 0; bin < d.chosen_by_group.size(); ++bin) {
        const auto x = first_weight(d, bin * d.groups_per_bin);
        chosen.x.push_back(x);
        tensor.x.push_back(x);
        chosen.y.push_back(or_gap(d.chosen_by_group[bin]));
        tensor.y.push_back(or_gap(d.tensor_by_group[bin]));
    }
    // The last step has a width too.
    const auto end = static_cast<double>(d.weights());
    for (Line* line : {&chosen, &tensor}) {
        line->x.push_back(end);
        line->y.push_back(line->y.back());
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
    FigureRow middle{0.7, {}}, bottom{1.0, {}};
    middle.figures = {value_axis(data, group)};
    bottom.figures = {error_by_bits(data), error_by_group(data)};
    return {error_maps(data, group), std::move(middle), std::move(bottom)};
}

}  // namespace nibble::quantizer_lab
