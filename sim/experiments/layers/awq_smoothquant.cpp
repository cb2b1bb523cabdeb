// AWQ and SmoothQuant turn one knob: how much of a channel's range moves from the activations into
// the weights. The valley of the output's error over alpha, the ranges on both sides, and what
// keeping one channel in a hundred exact would do instead.
//
// Left out here: AWQ's clipping, which comes after alpha.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "sim/core/text.hpp"
#include "sim/quant/lab_layer.hpp"
#include "sim/quant/layer_methods.hpp"

namespace nibble::awq_smoothquant_lab {
namespace {

enum class Scaling { awq, smoothquant };

struct Params {
    LayerChoice layer = {
        .layer = 3, .linear = Linear::down, .outlier_channels = 3, .outlier_factor = 1};
    Scaling scaling = Scaling::awq;
    int bits = 3;
    int group_size = 64;
    double alpha = 0.5;
};

constexpr int alphas = 21;  // 0, 0.05 ... 1
constexpr int random_draws = 8;
constexpr std::size_t shown_channels = 12;
constexpr Index preview_rows = 32;

struct Data {
    std::shared_ptr<const LabLayer> layer;
    LayerInput input;                  // of the calibration tokens
    Matrix<float> weights;             // (rows, cols)
    std::vector<float> ranges;         // (cols) max |w|
    std::vector<double> seen, unseen;  // (alpha) relative output errors
    /// Of unseen tokens, rounded to nearest: nothing kept, a random 1 %, ...
    double none = 0, random = 0, largest = 0, salient = 0;
    Index kept = 0;  // channels that are 1 %

    std::size_t best() const {
        return static_cast<std::size_t>(std::min_element(seen.begin(), seen.end()) - seen.begin());
    }
    double at(double alpha) const {  // between the two nearest
        const double x = alpha * (alphas - 1);
        const auto i = static_cast<std::size_t>(std::min(x, alphas - 2.0));
        const double share = x - static_cast<double>(i);
        return unseen[i] * (1 - share) + unseen[i + 1] * share;
    }
};

/// Indices of the `count` largest, the largest first.
std::vector<std::size_t> largest(const std::vector<float>& values, std::size_t count) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    order.resize(std::min(count, order.size()));
    return order;
}

/// Error on unseen tokens when these columns of the rounded matrix are the exact ones.
double error_keeping(const std::vector<std::size_t>& columns, const QuantizedLayer& rounded,
                     const Data& d) {
    QuantizedLayer kept;
    kept.weights = rounded.weights;
    for (Index r = 0; r < d.weights.rows(); ++r) {
        for (const std::size_t c : columns) {
            kept.weights(r, static_cast<Index>(c)) = d.weights(r, static_cast<Index>(c));
        }
    }
    return relative_output_error(d.weights.view(), kept, d.layer->unseen.view());
}

void protect(const MethodSettings& settings, const RunContext& context, Data& d) {
    MethodSettings nearest = settings;
    nearest.method = Method::rtn;
    const QuantizedLayer rounded = quantize_layer(nearest, d.weights.view(), nullptr);
    const auto cols = static_cast<std::size_t>(d.weights.cols());
    const std::size_t count = (cols + 99) / 100;
    d.kept = static_cast<Index>(count);
    d.none = error_keeping({}, rounded, d);
    d.salient = error_keeping(largest(d.input.mean_abs, count), rounded, d);
    d.largest = error_keeping(largest(d.ranges, count), rounded, d);
    for (int draw = 0; draw < random_draws; ++draw) {
        const Rng rng = context.rng(fmt::format("protected {}", draw));
        std::vector<float> keys;
        for (std::size_t c = 0; c < cols; ++c) {
            keys.push_back(static_cast<float>(rng.uniform(c)));
        }
        d.random += error_keeping(largest(keys, count), rounded, d) / random_draws;
    }
}

Data run(const Params& p, const RunContext& context) {
    Data d;
    d.layer = lab_layer(p.layer, context);
    const Matrix<float>& all = d.layer->weights;
    const Index rows = context.preview ? std::min(all.rows(), preview_rows) : all.rows();
    d.weights.resize(rows, all.cols());
    std::copy_n(all.row(0), rows * all.cols(), d.weights.row(0));
    d.ranges.assign(static_cast<std::size_t>(all.cols()), 0.0F);
    for (Index r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < d.ranges.size(); ++c) {
            d.ranges[c] = std::max(d.ranges[c], std::abs(d.weights(r, static_cast<Index>(c))));
        }
    }
    d.input = observe(d.layer->calibration.view(), false);
    MethodSettings settings;
    settings.bits = p.bits;
    settings.group_size = p.group_size;
    settings.clip = false;
    settings.method = p.scaling == Scaling::awq ? Method::awq : Method::smoothquant;
    protect(settings, context, d);
    for (int i = 0; i < alphas; ++i) {
        context.check();
        settings.alpha = static_cast<double>(i) / (alphas - 1);
        const QuantizedLayer q = quantize_layer(settings, d.weights.view(), &d.input);
        d.seen.push_back(relative_output_error(d.weights.view(), q, d.layer->calibration.view()));
        d.unseen.push_back(relative_output_error(d.weights.view(), q, d.layer->unseen.view()));
        context.progress(static_cast<double>(i + 1) / alphas);
    }
    return d;
}

std::string percent(double share) {
    return format_number(100 * share, 3) + " %";
}

std::string method_of(const Params& p) {
    return p.scaling == Scaling::awq ? "AWQ" : "SmoothQuant";
}

std::vector<float> scale_at(const Params& p, const Data& d) {
    if (p.scaling == Scaling::smoothquant) {
        return smoothing(d.weights.view(), d.input, p.alpha);
    }
    return awq_scale(d.weights.view(), d.input, AwqOptions{}, p.alpha);
}

Figure valley_figure(const Params& p, const Data& d) {
    Line seen{"calibration tokens", Role::baseline, {}, {}},
        unseen{"unseen tokens", Role::subject, {}, {}};
    for (std::size_t i = 0; i < d.seen.size(); ++i) {
        seen.x.push_back(static_cast<double>(i) / (alphas - 1));
        seen.y.push_back(100 * d.seen[i]);
        unseen.y.push_back(100 * d.unseen[i]);
    }
    unseen.x = seen.x;
    Handle handle;
    handle.label = fmt::format("α {}", format_number(p.alpha, 3));
    handle.x = p.alpha;
    handle.x_param = "alpha";
    handle.hint = "drag me";
    Figure f;
    f.id = "valley";
    f.title = fmt::format("Output error over α, {}", method_of(p));
    f.alt_text = "The layer's output error against alpha, on calibration and on unseen tokens.";
    f.x = {.label = "α: how far the weights take over the range", .limits = {{0, 1}}};
    f.y = {.label = "error", .unit = "%"};
    f.marks = {std::move(seen), std::move(unseen), std::move(handle)};
    return f;
}

Figure protect_figure(const Params& p, const Data& d) {
    Bars bars;
    bars.names = {"nothing", "a random 1 %", "largest weights' 1 %", "salient 1 %"};
    bars.series = {{"rounded to nearest, but exact",
                    Role::baseline,
                    {100 * d.none, 100 * d.random, 100 * d.largest, 100 * d.salient}}};
    bars.horizontal = true;
    Figure f;
    f.id = "protect";
    f.title = fmt::format("{}-bit rounding with some channels kept exact", p.bits);
    f.alt_text =
        "Output error when no channel, random ones, those of the largest weights or those "
        "of the largest activations stay exact.";
    f.x = {.label = "error", .unit = "%"};
    f.marks = {std::move(bars)};
    return f;
}

/// Each side as a share of its own largest range before anything was scaled.
Figure ranges_figure(const Data& d, const std::vector<float>& scale) {
    const float x_most = *std::max_element(d.input.max_abs.begin(), d.input.max_abs.end());
    const float w_most = *std::max_element(d.ranges.begin(), d.ranges.end());
    Bars bars;
    Bars::Series x{"activations / s", Role::subject, {}}, w{"weights × s", Role::baseline, {}};
    for (const std::size_t c : largest(d.input.max_abs, shown_channels)) {
        bars.names.push_back(std::to_string(c));
        x.values.push_back(x_most > 0 ? static_cast<double>(d.input.max_abs[c] / scale[c] / x_most)
                                      : 0);
        w.values.push_back(w_most > 0 ? -static_cast<double>(d.ranges[c] * scale[c] / w_most) : 0);
    }
    bars.series = {std::move(x), std::move(w)};
    bars.stacked = true;
    bars.value_labels = false;
    Figure f;
    f.id = "ranges";
    f.title = "Channel ranges: activations up, weights down";
    f.alt_text =
        "For the channels with the largest activations, the range of the activations "
        "divided by s upwards and that of the weights times s downwards.";
    f.x = {.label = "input channel, largest activations first"};
    f.y = {.label = "share"};
    f.marks = {std::move(bars)};
    f.width = 1.3;
    return f;
}

Equation equation_of(const Params& p, const Data& d, const std::vector<float>& scale) {
    const std::size_t c = largest(d.input.max_abs, 1).at(0);
    const std::string alpha = format_number(p.alpha, 3);
    const std::string s = format_number(static_cast<double>(scale[c]), 3);
    if (p.scaling == Scaling::smoothquant) {
        return {"s_{j} = max|x_{j}|^{α} / max|w_{j}|^{1 - α}",
                fmt::format("{}^{{{}}} / {}^{{{}}} = {}",
                            format_number(static_cast<double>(d.input.max_abs[c]), 3), alpha,
                            format_number(static_cast<double>(d.ranges[c]), 3),
                            format_number(1 - p.alpha, 3), s),
                fmt::format("channel {}", c)};
    }
    const double raw = std::pow(std::max(static_cast<double>(d.input.mean_abs[c]), 1e-4), p.alpha);
    return {
        "s = mean|x|^{α} / √(max × min)",
        fmt::format("{}^{{{}}} / {} = {}",
                    format_number(static_cast<double>(d.input.mean_abs[c]), 3), alpha,
                    format_number(raw / static_cast<double>(scale[c]), 3), s),
        fmt::format("channel {}; max and min are over the powers of all channels: the largest and "
                    "the smallest s multiply to 1",
                    c)};
}

Outcome show(const Params& p, const Data& d) {
    const std::vector<float> scale = scale_at(p, d);
    const std::size_t best = d.best();
    const double best_alpha = static_cast<double>(best) / (alphas - 1);
    Outcome o;
    o.finding = fmt::format(
        "{} at the α that calibration chooses, {}, errs by {}; α = 0 errs by {}.", method_of(p),
        format_number(best_alpha, 2), percent(d.unseen[best]), percent(d.unseen.front()));
    o.explanation = fmt::format(
        "Rounding to nearest in {} bits errs by {}. Keeping {} of {} input channels exact, at "
        "random, leaves {}; those with the largest weights {}; those with the largest activations "
        "{}.",
        p.bits, percent(d.none), d.kept, d.weights.cols(), percent(d.random), percent(d.largest),
        percent(d.salient));
    o.explanation += fmt::format(" The layer: {}.", d.layer->name);
    o.rows = {{1.2, {valley_figure(p, d)}}, {1, {ranges_figure(d, scale), protect_figure(p, d)}}};
    const Origin measured{Origin::Kind::measured_here, d.layer->name};
    const auto error = [&](const char* name, const char* label, double value) {
        o.metrics.push_back(
            {name, label, value, "", measured, Better::lower, NumberStyle::percent});
    };
    error("error", "Output error at α", d.at(p.alpha));
    error("best_error", "Output error at the best α", d.unseen[best]);
    o.metrics.push_back({"best_alpha", "Best α by calibration", best_alpha, "", measured});
    error("none_protected", "Rounded to nearest", d.none);
    error("random_protected", "A random 1 % exact", d.random);
    error("largest_weights_protected", "Largest weights' 1 % exact", d.largest);
    error("salient_protected", "Salient 1 % exact", d.salient);
    o.equations = {equation_of(p, d, scale)};
    Table valley{"valley", {{"alpha"}, {"calibration_error"}, {"unseen_error"}}, {}};
    for (std::size_t i = 0; i < d.seen.size(); ++i) {
        valley.rows.push_back({static_cast<double>(i) / (alphas - 1), d.seen[i], d.unseen[i]});
    }
    o.tables = {std::move(valley)};
    if (d.weights.rows() < d.layer->all_rows) {
        o.sampling = fmt::format("{} of the layer's {} output channels", d.weights.rows(),
                                 d.layer->all_rows);
    }
    return o;
}

Schema<Params> schema() {
    Schema<Params> all = schema_of_part(layer_schema(), &Params::layer);
    for (Param<Params>& param : all) {
        param.is_advanced = param.is_advanced && param.name != "outlier_factor";
    }
    all.push_back(
        choice("scaling", &Params::scaling, {{"awq", "AWQ"}, {"smoothquant", "SmoothQuant W8A8"}})
            .label("Method")
            .help("AWQ rounds weights only; SmoothQuant rounds both sides to 8 bits."));
    all.push_back(integer("bits", &Params::bits, {2, 8})
                      .unit("bit")
                      .help("Of AWQ and of rounding to nearest; SmoothQuant has 8."));
    all.push_back(integer("group_size", &Params::group_size, {16, 1024, Scale::log2})
                      .unit("weight")
                      .help("Neighbours that share a scale: in a large group a scaled channel "
                            "costs more of the others.")
                      .advanced());
    all.push_back(real("alpha", &Params::alpha, {0, 1})
                      .label("α")
                      .help("0 leaves the weights alone; 1 evens out the activations altogether.")
                      .view());
    return all;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "awq-smoothquant", "Layers", "AWQ and SmoothQuant",
        "How far should the range of the activations move into the weights?", schema(), run, show);
}

}  // namespace nibble::awq_smoothquant_lab
