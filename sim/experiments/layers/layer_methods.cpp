// Every method on one layer: what each costs in bits a weight, scales counted, and how far it moves
// the layer's output on tokens it was not calibrated on.
#include "sim/quant/layer_methods.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "kernels/processor.hpp"
#include "sim/core/text.hpp"
#include "sim/quant/lab_layer.hpp"
#include "sim/quant/quantize_model.hpp"

namespace nibble::layer_methods_lab {
namespace {

enum class GroupSize { g32, g64, g128, row };
enum class MapOf { weights, contributions };

struct Params {
    LayerChoice layer;
    int bits = 4;
    GroupSize group_size = GroupSize::g64;
    Method method = Method::gptq;
    MapOf map = MapOf::contributions;
};

constexpr std::array<Method, 8> all_methods = {Method::rtn,         Method::gptq,     Method::awq,
                                               Method::smoothquant, Method::llm_int8, Method::nf4,
                                               Method::fp4,         Method::fp8};
constexpr Index preview_rows = 32;

/// A method's result on the layer.
struct Result {
    LayerReport report;
    Matrix<float> change;  // (rows, cols) Q - W
    bool is_on_front = false;

    double bits() const { return report.bits_per_weight(); }
    double seen() const { return report.calibration->relative(); }
    double unseen() const { return report.eval->relative(); }
};

struct Data {
    std::shared_ptr<const LabLayer> layer;
    std::vector<float> rms;       // (cols) of the unseen activations
    std::vector<Result> results;  // by Method
    int bits = 4;
    Index rows = 0;

    const Result& of(Method m) const { return results[static_cast<std::size_t>(m)]; }
};

Result result_of(Method method, const Params& p, View<const float> weights, const LayerInput& input,
                 const LabLayer& layer) {
    MethodSettings settings = defaults_of(method);
    settings.bits = p.bits;
    constexpr int sizes[] = {32, 64, 128, 0};
    settings.group_size = sizes[static_cast<std::size_t>(p.group_size)];
    const QuantizedLayer quantized = quantize_layer(settings, weights, &input);
    Result result;
    result.report = report_of(std::string(title(method)), weights, quantized,
                              layer.calibration.view(), layer.unseen.view());
    result.change = quantized.weights;
    for (Index r = 0; r < weights.rows; ++r) {
        for (Index c = 0; c < weights.cols; ++c) {
            result.change(r, c) -= weights(r, c);
        }
    }
    return result;
}

/// Whether no other method is better in one of bits and error and at least as good in the other.
void mark_front(std::vector<Result>& results) {
    for (Result& r : results) {
        r.is_on_front = std::none_of(results.begin(), results.end(), [&](const Result& o) {
            return o.bits() <= r.bits() && o.unseen() <= r.unseen() &&
                   (o.bits() < r.bits() || o.unseen() < r.unseen());
        });
    }
}

Data run(const Params& p, const RunContext& context) {
    Data data;
    data.layer = lab_layer(p.layer, context);
    data.bits = p.bits;
    const LabLayer& layer = *data.layer;
    const Index all = layer.weights.rows();
    data.rows = context.preview ? std::min(all, preview_rows) : all;
    const View<const float> weights = layer.weights.view().row_range(0, data.rows);
    const LayerInput input = observe(layer.calibration.view());
    for (Index c = 0; c < weights.cols; ++c) {
        double squares = 0;
        for (Index t = 0; t < layer.unseen.rows(); ++t) {
            squares +=
                static_cast<double>(layer.unseen(t, c)) * static_cast<double>(layer.unseen(t, c));
        }
        data.rms.push_back(
            static_cast<float>(std::sqrt(squares / static_cast<double>(layer.unseen.rows()))));
    }
    for (const Method method : all_methods) {
        context.check();
        const auto result = context.memo<Result>(
            fmt::format("{} {} {} {} {}", layer.key, data.rows, name(method), p.bits,
                        static_cast<int>(p.group_size)),
            [&] { return result_of(method, p, weights, input, layer); },
            [](const Result& r) { return sizeof(float) * r.change.values().size(); });
        data.results.push_back(*result);
        context.progress(static_cast<double>(data.results.size()) / all_methods.size());
    }
    mark_front(data.results);
    return data;
}

/// As short as a label beside a point must be.
std::string label_of(Method method) {
    switch (method) {
        case Method::rtn:
            return "RTN";
        case Method::smoothquant:
            return "SmoothQuant";
        case Method::fp4:
            return "FP4";
        case Method::fp8:
            return "FP8";
        default:
            return std::string(title(method));
    }
}

std::string percent(double share) {
    return format_number(100 * share, 3) + " %";
}

Figure trade_figure(const Params& p, const Data& d) {
    Figure f;
    f.id = "trade-off";
    f.title = "Output error on unseen tokens against what is stored: click a method";
    f.alt_text =
        "Output error of every method on unseen tokens against its bits a weight, and the "
        "line through those that no other method beats.";
    f.x = {.label = "bits a weight, scales counted"};
    f.y = {.label = "error", .unit = "%", .scale = Scale::log10};
    std::vector<const Result*> front;
    Points others{"every method", Role::baseline, {}, {}},
        chosen{label_of(p.method), Role::subject, {}, {}};
    others.pick.param = "method";
    for (const Method m : all_methods) {
        const Result& r = d.of(m);
        if (!(r.unseen() > 0)) {
            continue;  // has no place on a logarithmic axis
        }
        if (r.is_on_front) {
            front.push_back(&r);
        }
        others.x.push_back(r.bits());
        others.y.push_back(100 * r.unseen());
        others.names.emplace_back(label_of(m));
        others.pick.values.emplace_back(std::string(name(m)));
        if (m == p.method) {
            chosen.x = {r.bits()};
            chosen.y = {100 * r.unseen()};
        }
    }
    std::sort(front.begin(), front.end(),
              [](const Result* a, const Result* b) { return a->bits() < b->bits(); });
    Line line{"Pareto front", Role::reference, {}, {}};
    line.steps = true;
    for (const Result* r : front) {
        line.x.push_back(r->bits());
        line.y.push_back(100 * r->unseen());
    }
    if (line.x.size() > 1) {
        f.marks.emplace_back(std::move(line));
    }
    f.marks.emplace_back(std::move(others));
    f.marks.emplace_back(std::move(chosen));
    return f;
}

/// The colours of all methods' maps reach equally far: to the 99th percentile of round to nearest.
double reach_of_map(const Params& p, const Data& d) {
    std::vector<float> sizes;
    const Matrix<float>& change = d.of(Method::rtn).change;
    for (Index r = 0; r < change.rows(); ++r) {
        for (Index c = 0; c < change.cols(); ++c) {
            const float weight = p.map == MapOf::weights ? 1 : d.rms[static_cast<std::size_t>(c)];
            sizes.push_back(std::abs(change(r, c)) * weight);
        }
    }
    const auto at = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() * 99 / 100);
    std::nth_element(sizes.begin(), at, sizes.end());
    return *at > 0 ? static_cast<double>(*at) : 1;
}

Figure map_figure(const Params& p, const Data& d) {
    const Matrix<float>& change = d.of(p.method).change;
    const bool plain = p.map == MapOf::weights;
    Heatmap map;
    map.rows = static_cast<int>(change.rows());
    map.cols = static_cast<int>(change.cols());
    map.cells = change.values();
    for (std::size_t i = 0; i < map.cells.size() && !plain; ++i) {
        map.cells[i] *= d.rms[i % d.rms.size()];
    }
    map.label = plain ? "change" : "change × activation";
    map.high = reach_of_map(p, d);
    map.low = -map.high;
    map.is_signed = true;
    Figure f;
    f.id = "error-map";
    f.title = fmt::format("Where {} errs", title(p.method));
    f.alt_text =
        "A cell for every weight, coloured by what quantization changed it by; colours reach "
        "as far for every method, and rounded activations are not part of it.";
    f.x = {.label = "input channel"};
    f.y = {.label = "output"};
    f.marks = {std::move(map)};
    if (rounds_activations(p.method)) {
        f.footnote = "Weights only.";
    }
    return f;
}

/// Bars of both errors, in percent of the output's energy.
Figure generalisation_figure(const Params& p, const Data& d) {
    Bars bars;
    Bars::Series seen{"calibration tokens", Role::baseline, {}},
        unseen{"unseen tokens", Role::subject, {}};
    for (const Method m : all_methods) {
        bars.names.emplace_back(label_of(m));
        seen.values.push_back(100 * d.of(m).seen());
        unseen.values.push_back(100 * d.of(m).unseen());
    }
    bars.series = {std::move(seen), std::move(unseen)};
    bars.horizontal = true;
    bars.chosen = static_cast<int>(p.method);
    bars.pick.param = "method";
    for (const Method m : all_methods) {
        bars.pick.values.emplace_back(std::string(name(m)));
    }
    Figure f;
    f.id = "generalisation";
    f.title = "What calibration promised, and what came";
    f.alt_text = "Output error of every method on the tokens it was calibrated on and on others.";
    f.x = {.label = "output error", .unit = "%"};
    f.marks = {std::move(bars)};
    return f;
}

Table results_table(const Data& d) {
    Table table{"methods",
                {{"method"},
                 {"bits_per_weight", "bit"},
                 {"calibration_error"},
                 {"unseen_error"},
                 {"weight_mse"},
                 {"on_front"}},
                {}};
    for (const Method m : all_methods) {
        const Result& r = d.of(m);
        table.rows.push_back({std::string(name(m)), r.bits(), r.seen(), r.unseen(),
                              r.report.weight_mse(), std::string(r.is_on_front ? "yes" : "no")});
    }
    return table;
}

Table times_table(const Data& d) {
    Table table{"times", {{"method"}, {"seconds", "s"}}, {}};
    table.timed = true;
    for (const Method m : all_methods) {
        table.rows.push_back({std::string(name(m)), d.of(m).report.seconds});
    }
    return table;
}

std::string finding(const Data& d) {
    const Method low_bit[] = {Method::rtn, Method::gptq, Method::awq};
    const Method best =
        *std::min_element(std::begin(low_bit), std::end(low_bit),
                          [&](Method a, Method b) { return d.of(a).unseen() < d.of(b).unseen(); });
    if (best == Method::rtn) {
        return fmt::format(
            "In {} bits, neither GPTQ nor AWQ beats rounding to nearest on tokens "
            "that calibration has not seen.",
            d.bits);
    }
    return fmt::format(
        "In {} bits, {} leaves {} of the output's energy as error, where rounding to nearest "
        "leaves {}.",
        d.bits, title(best), percent(d.of(best).unseen()), percent(d.of(Method::rtn).unseen()));
}

std::string explanation(const Params& p, const Data& d) {
    const Result &chosen = d.of(p.method), &rtn = d.of(Method::rtn);
    const std::string errors = fmt::format(
        "{} stores {} bits a weight and errs by {} on the tokens it was calibrated on "
        "and {} on others.",
        title(p.method), format_number(chosen.bits(), 4), percent(chosen.seen()),
        percent(chosen.unseen()));
    if (p.method == Method::rtn || rounds_activations(p.method)) {
        return errors;
    }
    const double weights = chosen.report.weight_mse() / rtn.report.weight_mse();
    const double output = chosen.unseen() / rtn.unseen();
    if (!std::isfinite(weights) || !std::isfinite(output)) {
        return errors;
    }
    return errors + fmt::format(
                        " Against rounding to nearest in {} bits that is {} times the "
                        "error of the weights and {} times that of the output.",
                        format_number(rtn.bits(), 4), format_number(weights, 3),
                        format_number(output, 3));
}

void add_metrics(const Params& p, const Data& d, Outcome& o) {
    const Origin measured{Origin::Kind::measured_here, d.layer->name};
    const Result& r = d.of(p.method);
    o.metrics = {
        {"unseen_error", "Output error, unseen tokens", r.unseen(), "", measured, Better::lower,
         NumberStyle::percent},
        {"calibration_error", "Output error, calibration", r.seen(), "", measured, Better::lower,
         NumberStyle::percent},
        {"bits_per_weight", "Bits a weight", r.bits(), "bit", {}, Better::lower},
        {"weight_mse", "Mean squared error of weights", r.report.weight_mse(), "", measured,
         Better::lower},
    };
    o.metrics.push_back({"seconds", "Time taken", r.report.seconds, "s",
                         Origin{Origin::Kind::measured_here, kernels::processor_name()},
                         Better::lower});
    o.metrics.back().timed = true;
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    o.finding = finding(d);
    o.explanation = explanation(p, d);
    o.explanation += fmt::format(" The layer: {}.", d.layer->name);
    o.rows = {{1, {trade_figure(p, d)}}, {1, {map_figure(p, d), generalisation_figure(p, d)}}};
    add_metrics(p, d, o);
    o.tables = {results_table(d), times_table(d)};
    const Result& r = d.of(p.method);
    o.equations = {{"error = ‖X (Q - W)^{T}‖^{2} / ‖X W^{T}‖^{2}",
                    fmt::format("{} / {} = {}", format_number(r.report.eval->moved, 4),
                                format_number(r.report.eval->outputs, 4), percent(r.unseen())),
                    "on unseen tokens"}};
    if (d.rows < d.layer->all_rows) {
        o.sampling = fmt::format("{} of the layer's {} output channels", d.rows, d.layer->all_rows);
    }
    return o;
}

Schema<Params> schema() {
    Schema<Params> all = schema_of_part(layer_schema(), &Params::layer);
    all.push_back(
        integer("bits", &Params::bits, {2, 8})
            .unit("bit")
            .help("Of round to nearest, GPTQ and AWQ; the other methods have their own."));
    all.push_back(choice("group_size", &Params::group_size,
                         {{"32", "32"}, {"64", "64"}, {"128", "128"}, {"row", "whole row"}})
                      .help("Weights that share a scale: larger groups cost fewer bits and more "
                            "error. W8A8 methods have one scale a row."));
    std::vector<Choice> methods;
    for (const Method m : all_methods) {
        methods.push_back({std::string(name(m)), std::string(title(m))});
    }
    all.push_back(choice("method", &Params::method, methods)
                      .help("Whose error map is shown; clicking a point chooses it.")
                      .view());
    all.push_back(
        choice("map", &Params::map, {{"weights", "weights"}, {"contributions", "times activation"}})
            .label("Map shows")
            .help("The change of each weight, or what the output feels of it.")
            .view()
            .advanced());
    return all;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "layer-methods", "Layers", "All methods on one layer",
        "Which method keeps a layer's output best, and how many bits does it really take?",
        schema(), run, show);
}

}  // namespace nibble::layer_methods_lab
