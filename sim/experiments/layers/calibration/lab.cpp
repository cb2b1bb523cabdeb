// Where to cut: the activations entering a layer, one threshold, and what it costs. Clipping and
// rounding error trade places while the threshold is dragged; five rules mark what they would
// choose, and the model's own loss says which of them was right.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/layers/calibration/figures.hpp"

namespace nibble::calibration_lab {
namespace {

Growth growth_of(const ClipStudy& study, const RunContext& context) {
    const Matrix<float>& x = study.layer->calibration;
    Growth growth;
    for (Index tokens = 1; tokens < 2 * x.rows(); tokens *= 2) {
        context.check();
        const Index count = std::min(tokens, x.rows());
        const Magnitudes first(
            std::span(x.values()).first(static_cast<std::size_t>(count * x.cols())));
        growth.tokens.push_back(static_cast<double>(count));
        for (std::size_t r = 0; r < growth.thresholds.size(); ++r) {
            growth.thresholds[r].push_back(
                clip_threshold(all_clip_rules[r], first, study.bits, study.share));
        }
    }
    return growth;
}

Data run(const Params& p, const RunContext& context) {
    LayerChoice choice = p.layer;
    if (choice.source != LayerSource::synthetic) {
        choice.outlier_channels = 0;  // the model around the layer would not know of them
    }
    Data d;
    const auto grown = [&](const ClipStudy& study) {
        if (d.growth.tokens.empty()) {
            d.growth = growth_of(study, context);
        }
        d.study = study;
        context.publish(d);
    };
    d.study = study_clipping(choice, p.bits, p.percentile / 100, context, grown);
    if (d.growth.tokens.empty()) {
        d.growth = growth_of(d.study, context);
    }
    return d;
}

/// What the rules cost on the text that the reader judges by, the cheapest first.
struct Verdict {
    ClipRule rule;
    double threshold = 0, mse = 0, added = 0;
};

std::vector<Verdict> verdicts(const Params& p, const Data& d) {
    std::vector<Verdict> list;
    for (const ClipRule rule : all_clip_rules) {
        if (const auto threshold = d.study.threshold(rule)) {
            list.push_back({rule, *threshold, d.study.seen->errors(*threshold, p.bits).total(),
                            d.study.has_losses() ? d.judged(p).increase(*threshold) : 0});
        }
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const Verdict& a, const Verdict& b) { return a.added < b.added; });
    return list;
}

const Verdict& of(const std::vector<Verdict>& list, ClipRule rule) {
    return *std::find_if(list.begin(), list.end(),
                         [&](const Verdict& v) { return v.rule == rule; });
}

void say(const Params& p, const Data& d, Outcome& o) {
    const std::vector<Verdict> list = verdicts(p, d);
    const Verdict &mse = of(list, ClipRule::mse), &uncut = of(list, ClipRule::min_max);
    const double share = mse.threshold / d.largest();
    o.finding =
        share > 0.995
            ? fmt::format("In {} bits nothing should be cut here: rounding error is all there is.",
                          p.bits)
            : fmt::format(
                  "Cut at {:.0f} % of the largest magnitude, {} bits err {} times less than with "
                  "nothing cut.",
                  100 * share, p.bits, format_number(uncut.mse / mse.mse, 2));
    o.explanation =
        fmt::format("At your threshold, {} % of the range, {} % of the values are cut.",
                    format_number(100 * p.threshold, 3),
                    format_number(100 * d.study.seen->share_above(p.threshold * d.largest()), 2));
    if (d.study.has_losses()) {
        const Verdict& last = list.back();
        o.explanation += fmt::format(
            " Judged on {}, the {} rule does best, adding {} to {} {}; the {} rule adds {}.",
            d.judged(p).text, name(list.front().rule), format_number(list.front().added, 2),
            format_number(d.judged(p).exact, 3), cost_unit(d.study), name(last.rule),
            format_number(last.added, 2));
    }
}

void add_metrics(const Params& p, const Data& d, Outcome& o) {
    const double threshold = p.threshold * d.largest();
    const ClipErrors errors = d.study.seen->errors(threshold, p.bits);
    const Origin measured{Origin::Kind::measured_here, d.study.layer->name};
    o.metrics = {
        {"threshold", "Threshold", threshold, "", measured},
        {"clipping_mse", "Clipping error", errors.clipping, "", measured, Better::lower},
        {"rounding_mse", "Rounding error", errors.rounding, "", measured, Better::lower},
    };
    if (d.study.has_losses()) {
        o.metrics.push_back({"added_loss", d.study.is_model() ? "Loss added" : "Output error",
                             d.judged(p).increase(threshold), d.study.is_model() ? "nats" : "",
                             measured, Better::lower});
    }
    o.metrics.push_back({"share_cut", "Values cut", d.study.seen->share_above(threshold), "",
                         measured, Better::neither, NumberStyle::percent});
    Table rules{"rules", {{"rule"}, {"threshold"}, {"mse"}, {"added_loss", "nats"}}, {}};
    for (const Verdict& v : verdicts(p, d)) {
        rules.rows.push_back({std::string(name(v.rule)), v.threshold, v.mse, v.added});
        std::string metric(name(v.rule));
        std::transform(metric.begin(), metric.end(), metric.begin(), [](unsigned char c) {
            return c == '-' ? '_' : static_cast<char>(std::tolower(c));
        });
        o.metrics.push_back({metric + "_threshold", fmt::format("Threshold by {}", name(v.rule)),
                             v.threshold, "", measured});
    }
    o.tables = {std::move(rules)};
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    say(p, d, o);
    o.rows = {histogram_row(p, d), curve_row(p, d), text_row(p, d)};
    add_metrics(p, d, o);
    const int top = (1 << (p.bits - 1)) - 1;
    const double threshold = p.threshold * d.largest();
    o.equations = {{"s = t / (2^{b-1} - 1)",
                    fmt::format("{} / {} = {}", format_number(threshold, 3), top,
                                format_number(threshold / top, 3)),
                    "the step between two codes; beyond t everything is t"}};
    return o;
}

Schema<Params> schema() {
    Schema<Params> all = schema_of_part(layer_schema(), &Params::layer);
    const auto synthetic = [](const Params& p) { return p.layer.source == LayerSource::synthetic; };
    for (Param<Params>& param : all) {
        if (param.name == "outlier_channels") {
            param.is_relevant = synthetic;
        } else if (param.name == "outlier_factor") {
            param.is_relevant = [synthetic](const Params& p) {
                return synthetic(p) && p.layer.outlier_channels > 0;
            };
        } else if (param.name == "calibration_text") {
            param.is_advanced = false;
        }
    }
    all.push_back(integer("bits", &Params::bits, {2, 8})
                      .unit("bit")
                      .help("Fewer bits, coarser steps: cutting pays more."));
    all.push_back(real("threshold", &Params::threshold, {0.01, 1, Scale::log10})
                      .label("Threshold, of the largest")
                      .help("Lower cuts more values and rounds the others more finely.")
                      .view());
    all.push_back(choice("rule", &Params::rule,
                         {{"min_max", "min-max"},
                          {"percentile", "percentile"},
                          {"mse", "MSE"},
                          {"entropy", "entropy"},
                          {"loss", "loss"}})
                      .label("Rule compared by domain")
                      .help("Whose thresholds the bars of the domains take; the loss rule has "
                            "none for each domain and shows those of MSE.")
                      .when([synthetic](const Params& p) { return !synthetic(p); })
                      .view());
    all.push_back(choice("judged_on", &Params::judged_on,
                         {{"all", "all domains"},
                          {"stories", "stories"},
                          {"arithmetic", "sums"},
                          {"code", "code"},
                          {"records", "records"}})
                      .label("Judged on")
                      .help("The unseen text whose loss is shown.")
                      .when([synthetic](const Params& p) { return !synthetic(p); })
                      .view());
    all.push_back(real("percentile", &Params::percentile, {90, 100})
                      .unit("%")
                      .help("The share of values that the percentile rule keeps.")
                      .advanced());
    return all;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("calibration", "Layers", "Calibration",
                                "Where should the range of the activations be cut, and who can "
                                "tell?",
                                schema(), run, show);
}

}  // namespace nibble::calibration_lab
