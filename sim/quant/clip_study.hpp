// One threshold for everything that enters a layer: what each rule of calibration.hpp chooses from
// the activations that were read, and what the layer's input, cut there and rounded to b bits, then
// costs.
//
// The cost is the model's own loss, in nats a token, on documents of each domain; the rest of the
// model stays as it is. A synthetic layer has no model around it: there the cost is the layer's
// relative output error. Losses are tried at thresholds on a logarithmic grid and interpolated
// between.
//
// Left out: thresholds by channel, and several layers at once.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/quant/calibration.hpp"
#include "sim/quant/lab_layer.hpp"

namespace nibble {

enum class ClipRule { min_max, percentile, mse, entropy, loss };
inline constexpr std::array<ClipRule, 5> all_clip_rules = {
    ClipRule::min_max, ClipRule::percentile, ClipRule::mse, ClipRule::entropy, ClipRule::loss};
/// "min-max", "percentile", "MSE", "entropy", "loss".
std::string_view name(ClipRule rule);

/// What a threshold costs on one kind of text.
struct CostCurve {
    std::string text;  // "stories", "all domains"
    double exact = 0;  // nothing cut, nothing rounded
    std::vector<double> thresholds, costs;

    /// Interpolated over the logarithm of the threshold; the ends hold beyond them.
    double at(double threshold) const;
    double increase(double threshold) const { return at(threshold) - exact; }
};

/// The choices of the rules that look at the activations alone. `share`: of the percentile.
/// ClipRule::loss is not among them.
double clip_threshold(ClipRule rule, const Magnitudes& values, int bits, double share);

struct ClipStudy {
    std::shared_ptr<const LabLayer> layer;
    int bits = 4;
    double share = 0.9999;
    std::optional<Magnitudes> seen;  // of the calibration tokens; always there
    /// What the loss rule minimises: the cost on the calibration text itself.
    CostCurve calibration;
    /// Unseen text: of all domains together, then of each. One curve for a synthetic layer.
    std::vector<CostCurve> unseen;
    /// Of each domain, its thresholds by rule when calibrated on that domain alone, without the
    /// loss rule; empty for a synthetic layer.
    std::vector<std::array<double, 4>> by_domain;

    /// Absent for the loss rule before a loss is known.
    std::optional<double> threshold(ClipRule rule) const;
    bool has_losses() const { return !calibration.costs.empty(); }
    bool is_model() const { return unseen.size() > 1; }
};

/// Calls `partial` as the curves grow. A preview stops before the losses. Throws what lab_layer()
/// and Magnitudes throw, and Error::bad_param for activations that are all zero.
ClipStudy study_clipping(const LayerChoice& choice, int bits, double share,
                         const RunContext& context,
                         const std::function<void(const ClipStudy&)>& partial = {});

}  // namespace nibble
