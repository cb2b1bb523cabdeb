// The sentences, numbers and equations of the GPTQ lab.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "sim/core/text.hpp"
#include "sim/experiments/layers/gptq/figures.hpp"

namespace nibble::gptq_lab {
namespace {

std::string number(double v, int digits = 3) {
    return format_number(v, digits);
}

/// 1 where nothing was lost either way.
double ratio(double a, double b) {
    return b > 0 ? a / b : 1;
}

struct Ratios {
    double outputs, unseen, weights;
};

Ratios ratios_of(const Data& d) {
    return {ratio(d.gptq.outputs.back(), d.nearest.outputs.back()),
            ratio(d.gptq.unseen.back(), d.nearest.unseen.back()),
            ratio(d.gptq.weights.back(), d.nearest.weights.back())};
}

std::string finding(const Ratios& r) {
    const bool contrast = (r.outputs < 1) == (r.weights > 1);
    return fmt::format(
        "GPTQ's output error is {} times that of rounding to nearest, {} its weight error is {} "
        "times as large.",
        number(r.outputs, 2), contrast ? "though" : "and", number(r.weights, 3));
}

/// Whether what was gained on the calibration tokens is there on others.
std::string on_unseen(const Data& d, const Ratios& r) {
    const std::string tokens =
        fmt::format("{} calibration tokens for {} columns",
                    format_count(static_cast<double>(d.layer->calibration->count)), d.cols());
    if (r.outputs > 1) {
        return "corrections pile up until they widen the ranges; more damping holds them back";
    }
    if (r.unseen > 1) {
        return fmt::format("worse than rounding to nearest, because it fitted its {}", tokens);
    }
    if (r.unseen > 1.1 * r.outputs) {
        return fmt::format("part of the gain was fitted to {}", tokens);
    }
    return fmt::format("{} are enough", tokens);
}

std::string explanation(const Data& d, const Ratios& r) {
    return fmt::format(
        "Each column's error goes on to later columns along its row of the inverse Hessian. On {} "
        "unseen tokens the ratio is {}: {}.",
        format_count(static_cast<double>(d.layer->unseen->count)), number(r.unseen, 2),
        on_unseen(d, r));
}

void add_metrics(const Data& d, const Look& look, const Ratios& r, Outcome& o) {
    const Origin here{Origin::Kind::measured_here, "this layer"};
    const auto add = [&](const char* name, const char* label, double value, Better better,
                         const char* unit = "", const Origin& origin = {}) {
        o.metrics.push_back({.name = name,
                             .label = label,
                             .value = value,
                             .unit = unit,
                             .origin = origin,
                             .better = better});
    };
    const double seen = d.output_norm, unseen = d.unseen_norm;
    const auto share = [](double a, double norm) { return norm > 0 ? a / norm : 0; };
    add("output_error_ratio", "Output error, of RTN's", r.outputs, Better::lower, "x", here);
    add("unseen_error_ratio", "On unseen tokens", r.unseen, Better::lower, "x", here);
    add("weight_error_ratio", "Weight error, of RTN's", r.weights, Better::neither, "x", here);
    add("bits_per_weight", "Bits a weight, scales counted", d.bits_per_weight, Better::lower,
        "bit");
    add("output_error", "Output error of GPTQ", share(d.gptq.outputs.back(), seen), Better::lower,
        "", here);
    add("rtn_output_error", "Output error to nearest", share(d.nearest.outputs.back(), seen),
        Better::lower, "", here);
    add("unseen_error", "Output error of GPTQ, unseen", share(d.gptq.unseen.back(), unseen),
        Better::lower, "", here);
    add("rtn_unseen_error", "Output error to nearest, unseen",
        share(d.nearest.unseen.back(), unseen), Better::lower, "", here);
    add("calibration_tokens", "Calibration tokens",
        static_cast<double>(d.layer->calibration->count), Better::neither);
    add("dead_columns", "Dead columns", static_cast<double>(d.dead), Better::neither);
    add("step_loss", "Objective added by this column",
        d.trace.loss[static_cast<std::size_t>(look.current)], Better::neither);
}

Table moments_table(const Data& d) {
    Table t{"moments",
            {{"columns_rounded"},
             {"gptq_weight_error"},
             {"gptq_output_error"},
             {"gptq_unseen_error"},
             {"rtn_weight_error"},
             {"rtn_output_error"},
             {"rtn_unseen_error"}},
            {}};
    for (std::size_t k = 0; k < d.moments.size(); ++k) {
        t.rows.push_back({static_cast<std::int64_t>(d.moments[k]), d.gptq.weights[k],
                          d.gptq.outputs[k], d.gptq.unseen[k], d.nearest.weights[k],
                          d.nearest.outputs[k], d.nearest.unseen[k]});
    }
    return t;
}

/// One weight after `steps` columns were rounded: GptqTrace::after for a single element.
double weight_after(const GptqTrace& trace, Index row, Index at, Index steps) {
    double w = static_cast<double>(trace.weights(row, at));
    for (Index k = 0; k < std::min(steps, at + 1); ++k) {
        w -= static_cast<double>(trace.errors(row, k)) * static_cast<double>(trace.factor(k, at));
    }
    return w;
}

/// The current column in the chosen row, and the later column that gets most of its error.
void add_equations(const Data& d, const Look& look, Outcome& o) {
    const Index i = look.current, r = look.row;
    const float* u = d.trace.factor.row(i);
    const auto at = [](double v) { return number(v, 4); };
    const auto signed_at = [&](double v) { return v < 0 ? fmt::format("({})", at(v)) : at(v); };
    const auto before = [&](Index j) { return weight_after(d.trace, r, j, i); };
    const auto after = [&](Index j) { return weight_after(d.trace, r, j, i + 1); };
    const auto e = static_cast<double>(d.trace.errors(r, i));
    o.equations.push_back(
        {"e = (w − q) / U_{ii}",
         fmt::format("({} − {}) / {} = {}", at(before(i)), signed_at(after(i)),
                     at(static_cast<double>(u[i])), at(e)),
         fmt::format("row {}, column {}, step {} of {}", r,
                     d.trace.order[static_cast<std::size_t>(i)], i + 1, d.cols())});
    if (i + 1 < d.cols()) {
        const float* most = std::max_element(
            u + i + 1, u + d.cols(), [](float a, float b) { return std::abs(a) < std::abs(b); });
        const Index j = most - u;
        o.equations.push_back({"w_{j} ← w_{j} − e U_{ij}",
                               fmt::format("{} − {} · {} = {}", at(before(j)), signed_at(e),
                                           signed_at(static_cast<double>(*most)), at(after(j))),
                               fmt::format("column {}, which gets most",
                                           d.trace.order[static_cast<std::size_t>(j)])});
    }
    o.equations.push_back(
        {"H = 2 X^{T}X + d I,  H^{−1} = U^{T}U",
         fmt::format("d = {} · mean H_{{ii}} = {}", number(d.options.damping), number(d.damping)),
         fmt::format("{} tokens", format_count(static_cast<double>(d.layer->calibration->count)))});
}

constexpr std::size_t most_marks = 5;
constexpr Index most_steps = 1024;  // the range of the parameter

/// The columns that add most to the objective: where the scrubber should stop.
std::vector<Timeline::Mark> costliest_columns(const Data& d) {
    const std::vector<double>& loss = d.trace.loss;
    const double all = std::accumulate(loss.begin(), loss.end(), 0.0);
    if (!(all > 0)) {
        return {};
    }
    std::vector<std::size_t> steps(loss.size());
    std::iota(steps.begin(), steps.end(), std::size_t{0});
    std::stable_sort(steps.begin(), steps.end(),
                     [&](std::size_t a, std::size_t b) { return loss[a] > loss[b]; });
    steps.resize(std::min(steps.size(), most_marks));
    std::sort(steps.begin(), steps.end());
    std::vector<Timeline::Mark> marks;
    for (const std::size_t step : steps) {
        marks.push_back({static_cast<std::int64_t>(step) + 1,
                         fmt::format("column {} of W adds {} % of the objective",
                                     d.trace.order[step], number(100 * loss[step] / all, 2))});
    }
    return marks;
}

Timeline timeline(const Data& d) {
    Timeline t;
    t.param = "step";
    t.last = std::min(d.cols(), most_steps);
    t.step_name = "column";
    t.steps_a_second = 16;
    t.marks = costliest_columns(d);
    t.marks_meaning = "the costliest columns";
    return t;
}

}  // namespace

void describe(const Data& d, const Look& look, Outcome& o) {
    const Ratios r = ratios_of(d);
    o.finding = finding(r);
    o.explanation = explanation(d, r);
    add_metrics(d, look, r, o);
    o.tables.push_back(moments_table(d));
    add_equations(d, look, o);
    o.timeline = timeline(d);
    const Layer& layer = *d.layer;
    if (d.rows() < layer.all_rows || d.cols() < layer.all_cols) {
        o.sampling =
            fmt::format("{} of {} rows and {} of {} columns of {}{}", d.rows(), layer.all_rows,
                        d.cols(), layer.all_cols, layer.name, d.is_preview ? ": a preview" : "");
    }
}

}  // namespace nibble::gptq_lab
