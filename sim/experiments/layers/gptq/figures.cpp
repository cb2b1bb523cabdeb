// The layer at one moment, what the current column hands on, the Hessian, and both errors over all
// moments.
#include "sim/experiments/layers/gptq/figures.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>

#include "sim/core/text.hpp"

namespace nibble::gptq_lab {
namespace {

constexpr Index most_map_rows = 64, most_map_cols = 256, most_tiles = 256;

/// Of several values the one that is farthest from 0.
float farther(float a, float b) {
    return std::abs(b) > std::abs(a) ? b : a;
}

double rms(const std::vector<float>& values) {
    double sum = 0;
    for (const float v : values) {
        sum += static_cast<double>(v) * static_cast<double>(v);
    }
    return std::sqrt(sum / static_cast<double>(values.size()));
}

Rule now(const Look& look) {
    return {"", Role::limit, true, static_cast<double>(look.steps)};
}

/// A matrix in few cells: of each tile the value that is farthest from 0.
Heatmap tiles_of(const Matrix<float>& m, Index rows, Index cols) {
    Heatmap map;
    map.rows = static_cast<int>(std::min(rows, m.rows()));
    map.cols = static_cast<int>(std::min(cols, m.cols()));
    map.cells.assign(extent(static_cast<Index>(map.rows) * map.cols), 0.0F);
    for (Index r = 0; r < m.rows(); ++r) {
        for (Index c = 0; c < m.cols(); ++c) {
            const Index at = r * map.rows / m.rows() * map.cols + c * map.cols / m.cols();
            map.cells[extent(at)] = farther(map.cells[extent(at)], m(r, c));
        }
    }
    map.x1 = static_cast<double>(m.cols());
    map.y1 = static_cast<double>(m.rows());
    map.is_signed = true;
    return map;
}

Matrix<float> some_rows(const Matrix<float>& m) {
    Matrix<float> out(std::min(most_map_rows, m.rows()), m.cols());
    std::copy_n(m.values().begin(), out.values().size(), out.values().begin());
    return out;
}

Figure layer_figure(const Data& d, const Look& look) {
    Matrix<float> part = some_rows(d.trace.after(look.steps));
    const Matrix<float> before = some_rows(d.trace.weights);
    const bool is_change = look.shown == Shown::change;
    // One scale for all moments: what rounding to nearest does on average.
    const double unit =
        is_change ? std::sqrt(d.nearest.weights.back() / static_cast<double>(d.rows() * d.cols()))
                  : rms(before.values());
    for (std::size_t i = 0; is_change && i < part.values().size(); ++i) {
        part.values()[i] -= before.values()[i];
    }
    Heatmap map = tiles_of(part, part.rows(), most_map_cols);
    map.label = is_change ? "change" : "weight";
    map.high = (unit > 0 ? unit : 1) * 3;
    map.low = -map.high;
    map.pick_col_param = "step";
    map.pick_row_param = "row";
    Figure f;
    f.id = "layer";
    f.title = fmt::format("{} after {} of {} columns", is_change ? "Change" : "Weights", look.steps,
                          d.cols());
    f.alt_text = fmt::format(
        "Map of {} rows by {} columns in the order in which they are rounded. Left of column {} "
        "the weights are rounded; right of it they carry what makes up for that.",
        part.rows(), d.cols(), look.steps);
    f.x = {.label = d.options.act_order ? "step (column in the order taken)" : "column"};
    f.y = {.label = "row"};
    f.footnote = d.rows() > part.rows()
                     ? fmt::format("the first {} of {} rows{}", part.rows(), d.layer->all_rows,
                                   d.cols() > most_map_cols ? ", largest of each cell" : "")
                     : "";
    f.marks.emplace_back(std::move(map));
    f.marks.emplace_back(now(look));
    f.width = 1.3;
    return f;
}

/// H_ij / sqrt(H_ii H_jj) in the order of the steps.
Figure hessian_figure(const Data& d, const Look& look) {
    const Index n = d.cols();
    const Matrix<float>& gram = d.layer->calibration->gram;
    Matrix<float> h(n, n);
    for (Index i = 0; i < n; ++i) {
        const Index a = d.trace.order[extent(i)];
        for (Index j = 0; j < n; ++j) {
            const Index b = d.trace.order[extent(j)];
            const float scale = std::sqrt(gram(a, a)) * std::sqrt(gram(b, b));
            h(i, j) = scale > 0 ? gram(a, b) / scale : 0.0F;
        }
    }
    Heatmap map = tiles_of(h, most_tiles, most_tiles);
    map.low = -1;
    map.high = 1;
    map.pick_col_param = "step";
    Figure f;
    f.id = "hessian";
    f.title = "Hessian (correlations)";
    f.alt_text = fmt::format(
        "Map of the {} by {} Hessian, each element divided by the root of its two diagonal ones.",
        n, n);
    f.x = {.label = d.options.act_order ? "step" : "column"};
    f.y = {.label = d.options.act_order ? "step" : "column"};
    f.footnote = map.rows < n ? "largest of each cell" : "";
    f.marks.emplace_back(std::move(map));
    f.marks.emplace_back(now(look));
    return f;
}

Figure flow_figure(const Data& d, const Look& look) {
    const float* u = d.trace.factor.row(look.current);
    Line line{"", Role::subject, {}, {}, false, true};
    for (Index j = look.current + 1; j < d.cols(); ++j) {
        line.x.push_back(static_cast<double>(j));
        line.y.push_back(static_cast<double>(-u[j]) / static_cast<double>(u[look.current]));
    }
    if (line.x.empty()) {  // nobody is left
        line.x = {static_cast<double>(d.cols()) - 1, static_cast<double>(d.cols())};
        line.y = {0, 0};
    }
    Figure f;
    f.id = "flow";
    f.title = fmt::format("Where column {}'s error goes", d.trace.order[extent(look.current)]);
    f.alt_text = fmt::format(
        "Minus row {} of the inverse Hessian's factor, divided by its diagonal element: the "
        "correction of every later column.",
        look.current);
    f.x = {.label = d.options.act_order ? "step" : "column",
           .limits = std::pair{0.0, static_cast<double>(d.cols())}};
    f.y = {.label = "passed on"};
    f.marks.emplace_back(std::move(line));
    f.marks.emplace_back(now(look));
    return f;
}

Figure errors_figure(const Data& d, const Look& look) {
    std::vector<double> x(d.moments.begin(), d.moments.end());
    const auto line = [&](const char* label, Role role, const std::vector<double>& y, double all) {
        Line l{label, role, x, y};
        for (double& v : l.y) {
            v = all > 0 ? v / all : 0;
        }
        return l;
    };
    const double outputs = d.nearest.outputs.back(), weights = d.nearest.weights.back();
    const auto times = [](double a, double b) { return b > 0 ? format_number(a / b, 2) : "1"; };
    Figure f;
    f.id = "errors";
    f.title = "Squared error, nearest = 1";
    f.alt_text = fmt::format(
        "Squared errors against the columns rounded. At the end GPTQ's output error is {} and its "
        "weight error {} of that of rounding to nearest.",
        times(d.gptq.outputs.back(), outputs), times(d.gptq.weights.back(), weights));
    f.x = {.label = "columns rounded"};
    f.y = {.label = "times"};
    f.marks.emplace_back(line("outputs, GPTQ", Role::subject, d.gptq.outputs, outputs));
    f.marks.emplace_back(line("outputs, nearest", Role::baseline, d.nearest.outputs, outputs));
    f.marks.emplace_back(line("weights, GPTQ", category(2), d.gptq.weights, weights));
    f.marks.emplace_back(Handle{.label = "",
                                .role = Role::limit,
                                .x = static_cast<double>(look.steps),
                                .y = std::nullopt,
                                .x_param = "step"});
    return f;
}

Figure outputs_figure(const Data& d) {
    const double seen = d.output_norm > 0 ? d.output_norm : 1;
    const double unseen = d.unseen_norm > 0 ? d.unseen_norm : 1;
    Bars bars;
    bars.horizontal = true;
    bars.names = {"calibration", "unseen"};
    bars.series = {
        {"nearest",
         Role::baseline,
         {d.nearest.outputs.back() / seen, d.nearest.unseen.back() / unseen}},
        {"GPTQ", Role::subject, {d.gptq.outputs.back() / seen, d.gptq.unseen.back() / unseen}}};
    Figure f;
    f.id = "outputs";
    f.title = "Output error";
    f.alt_text =
        "Bars of the relative squared output error of rounding to nearest and of GPTQ, on the "
        "tokens it was calibrated on and on others.";
    f.x = {.label = "‖ΔY‖² / ‖Y‖²", .style = NumberStyle::percent};
    f.marks.emplace_back(std::move(bars));
    f.width = 1;
    return f;
}

Figure spectrum_figure(const Data& d) {
    constexpr double float_noise = 1e-7;
    Line line{"", Role::subject, {}, {}};
    const std::vector<double>& values = d.layer->calibration->spectrum;
    for (std::size_t k = 0; k < values.size(); ++k) {
        line.x.push_back(static_cast<double>(k + 1));
        line.y.push_back(values[k] > float_noise * values[0]
                             ? values[k]
                             : std::numeric_limits<double>::quiet_NaN());
    }
    Figure f;
    f.id = "spectrum";
    f.title = "Spectrum of the Hessian";
    f.alt_text = fmt::format(
        "The {} eigenvalues of the Hessian, largest first, and what damping "
        "adds to each of them.",
        values.size());
    f.x = {.label = "number"};
    f.y = {.label = "eigenvalue", .scale = Scale::log10};
    f.marks.emplace_back(std::move(line));
    f.marks.emplace_back(Rule{"damping", Role::limit, false, d.damping});
    f.width = 0.8;
    return f;
}

/// The permutation of act-order.
Figure order_figure(const Data& d, const Look& look) {
    Points points{"", Role::subject, {}, {}};
    for (std::size_t i = 0; i < d.trace.order.size(); ++i) {
        points.x.push_back(static_cast<double>(i) + 0.5);
        points.y.push_back(static_cast<double>(d.trace.order[i]));
    }
    Figure f;
    f.id = "order";
    f.title = "Act-order";
    f.alt_text = fmt::format(
        "The column taken at each of {} steps; the largest input first, "
        "column {}.",
        d.trace.order.size(), d.trace.order[0]);
    f.x = {.label = "step"};
    f.y = {.label = "column of W"};
    f.marks.emplace_back(std::move(points));
    f.marks.emplace_back(now(look));
    f.width = 0.8;
    return f;
}

}  // namespace

Look look_at(const Data& data, int step, int row, Shown shown, Third third) {
    Look look;
    look.steps = std::clamp<Index>(step, 0, data.cols());
    look.current = std::max<Index>(look.steps - 1, 0);
    look.row = std::clamp<Index>(row, 0, data.rows() - 1);
    look.shown = shown;
    look.third = third;
    return look;
}

std::vector<FigureRow> figures(const Data& d, const Look& look) {
    const Third third = look.third != Third::fitting ? look.third
                        : d.options.act_order        ? Third::order
                                                     : Third::hessian;
    Figure chosen = third == Third::order      ? order_figure(d, look)
                    : third == Third::spectrum ? spectrum_figure(d)
                                               : hessian_figure(d, look);
    return {{1.15, {layer_figure(d, look), errors_figure(d, look)}},
            {1, {flow_figure(d, look), std::move(chosen), outputs_figure(d)}}};
}

}  // namespace nibble::gptq_lab
