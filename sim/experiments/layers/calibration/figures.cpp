#include "sim/experiments/layers/calibration/figures.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"

namespace nibble::calibration_lab {
namespace {

constexpr std::size_t bins = 80;

Role role_of(ClipRule rule) {
    return category(static_cast<int>(rule));
}

Handle threshold_handle(const Params& p, const Data& d) {
    Handle handle;
    handle.label = "threshold";
    handle.x = p.threshold * d.largest();
    handle.x_param = "threshold";
    handle.x_scale = d.largest();
    handle.hint = "drag me";
    return handle;
}

Figure histogram(const Params& p, const Data& d) {
    const std::vector<double> counts = d.study.seen->histogram(bins);
    Histogram kept{"activations that calibration saw", Role::subject, {}, {}};
    for (std::size_t i = 0; i <= bins; ++i) {
        kept.edges.push_back(d.largest() * static_cast<double>(i) / bins);
    }
    for (const double count : counts) {  // an empty bin has no place on a logarithmic axis
        kept.counts.push_back(count > 0 ? count : 0.5);
    }
    Figure f;
    f.id = "histogram";
    f.title = fmt::format("Magnitudes entering {}", d.study.layer->name);
    f.alt_text =
        "A histogram of activation magnitudes with the thresholds that the rules choose, and the "
        "reader's own.";
    f.x = {.label = "magnitude", .limits = {{0, 1.02 * d.largest()}}};
    f.y = {.label = "values", .scale = Scale::log10};
    f.marks = {std::move(kept)};
    for (const ClipRule rule : all_clip_rules) {
        if (const auto at = d.study.threshold(rule)) {
            f.marks.push_back(Rule{std::string(name(rule)), role_of(rule), true, *at});
        }
    }
    f.marks.push_back(threshold_handle(p, d));
    f.width = 2;
    return f;
}

Figure two_bars(const Params& p, const Data& d) {
    const auto at = [&](double threshold) { return d.study.seen->errors(threshold, p.bits); };
    const ClipErrors now = at(p.threshold * d.largest()), uncut = at(d.largest());
    Bars bars;
    bars.names = {"clipping", "rounding", "both"};
    bars.series = {{"at the threshold", Role::subject, {now.clipping, now.rounding, now.total()}},
                   {"nothing cut", Role::muted, {uncut.clipping, uncut.rounding, uncut.total()}}};
    Figure f;
    f.id = "two-errors";
    f.title = "Clipping against rounding";
    f.alt_text = "Mean squared errors of clipping and of rounding as bars.";
    f.y = {.label = "mean squared error"};
    f.marks = {std::move(bars)};
    return f;
}

Figure error_curve(const Params& p, const Data& d) {
    Line clipping{"clipping", category(1), {}, {}}, rounding{"rounding", category(2), {}, {}},
        both{"both", Role::subject, {}, {}};
    const ClipChoice choice = mse_clip(*d.study.seen, p.bits);
    for (const double threshold : choice.thresholds) {
        if (threshold < 0.01 * d.largest()) {
            continue;
        }
        const ClipErrors e = d.study.seen->errors(threshold, p.bits);
        both.x.push_back(threshold);
        clipping.y.push_back(e.clipping > 0 ? e.clipping : std::nan(""));
        rounding.y.push_back(e.rounding > 0 ? e.rounding : std::nan(""));
        both.y.push_back(e.total());
    }
    clipping.x = rounding.x = both.x;
    Figure f;
    f.id = "errors";
    f.title = "What the threshold trades";
    f.alt_text =
        "Clipping error falls and rounding error rises with the threshold; their sum has "
        "a valley.";
    f.x = {.label = "threshold", .scale = Scale::log10};
    f.y = {.label = "mean squared error", .scale = Scale::log10};
    f.marks = {std::move(clipping), std::move(rounding), std::move(both), threshold_handle(p, d)};
    return f;
}

Figure cost_curve(const Params& p, const Data& d) {
    Figure f;
    f.id = "loss";
    f.title = d.study.is_model() ? "What the model's loss makes of it"
                                 : "What the layer's output makes of it";
    f.alt_text = "The cost on unseen and on calibration text against the threshold.";
    f.x = {.label = "threshold", .scale = Scale::log10};
    f.y = {.label = cost_unit(d.study)};
    if (!d.study.has_losses()) {
        f.y.limits = {{0, 1}};
        f.marks = {Note{p.threshold * d.largest(), 0.5, "follows when you let go"},
                   threshold_handle(p, d)};
        return f;
    }
    const CostCurve& judged = d.judged(p);
    f.marks = {Line{"calibration text", Role::baseline, d.study.calibration.thresholds,
                    d.study.calibration.costs},
               Line{judged.text + ", unseen", Role::subject, judged.thresholds, judged.costs},
               Rule{"nothing rounded", Role::reference, false, judged.exact},
               threshold_handle(p, d)};
    return f;
}

Figure growth(const Data& d) {
    Figure f;
    f.id = "tokens";
    f.title = "Chosen after reading so many tokens";
    f.alt_text = "The threshold each rule chooses from the first calibration tokens.";
    f.x = {.label = "calibration tokens", .scale = Scale::log2};
    f.y = {.label = "threshold"};
    for (std::size_t r = 0; r < d.growth.thresholds.size(); ++r) {
        const ClipRule rule = all_clip_rules[r];
        f.marks.push_back(
            Line{std::string(name(rule)), role_of(rule), d.growth.tokens, d.growth.thresholds[r]});
    }
    return f;
}

/// The loss rule has no threshold of its own for each domain.
ClipRule judged_rule(const Params& p) {
    return p.rule == ClipRule::loss ? ClipRule::mse : p.rule;
}

Figure domains(const Params& p, const Data& d) {
    const ClipRule rule = judged_rule(p);
    const double chosen = *d.study.threshold(rule);
    Bars bars;
    Bars::Series here{"calibrated as chosen", Role::subject, {}},
        own{"calibrated on the same domain", Role::baseline, {}};
    for (std::size_t k = 1; k < d.study.unseen.size() && d.study.has_losses(); ++k) {
        const CostCurve& curve = d.study.unseen[k];
        bars.names.push_back(curve.text);
        here.values.push_back(curve.increase(chosen));
        own.values.push_back(
            curve.increase(d.study.by_domain.at(k - 1)[static_cast<std::size_t>(rule)]));
    }
    bars.series = {std::move(here), std::move(own)};
    Figure f;
    f.id = "domains";
    f.title = fmt::format("Loss added on each domain, {} rule", name(rule));
    f.alt_text =
        "How much the loss on each domain rises when the threshold comes from the chosen "
        "text and when it comes from that domain.";
    f.y = {.label = "added loss", .unit = "nats"};
    if (bars.names.empty()) {
        f.x.limits = f.y.limits = {{0, 1}};
        f.marks = {Note{0.5, 0.5, "follows when you let go"}};
    } else {
        f.marks = {std::move(bars)};
    }
    return f;
}

}  // namespace

const CostCurve& Data::judged(const Params& p) const {
    return study.unseen.at(study.is_model() ? static_cast<std::size_t>(p.judged_on) : 0);
}

std::string cost_unit(const ClipStudy& study) {
    return study.layer->linear ? "nats a token" : "relative output error";
}

FigureRow histogram_row(const Params& p, const Data& d) {
    return {1.15, {histogram(p, d), two_bars(p, d)}};
}

FigureRow curve_row(const Params& p, const Data& d) {
    return {1, {error_curve(p, d), cost_curve(p, d)}};
}

FigureRow text_row(const Params& p, const Data& d) {
    FigureRow row{0.9, {growth(d)}};
    if (d.study.layer->linear) {
        row.figures.push_back(domains(p, d));
    }
    return row;
}

}  // namespace nibble::calibration_lab
