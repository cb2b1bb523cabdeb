// Where to cut: thresholds for symmetric quantization of weights or activations, and what each
// costs.
//
// A threshold t gives b-bit codes the step t / (2^(b-1) - 1). Values beyond it are cut (clipping
// error), values within are rounded (rounding error); a smaller t trades the second for the first.
//
//   min-max      the largest magnitude: nothing is cut
//   percentile   the magnitude that a given share of values stays below
//   mse          the least sum of both squared errors
//   entropy      the least Kullback-Leibler divergence between the histogram and what 2^(b-1)
//                levels leave of it (Migacz, "8-bit inference with TensorRT", GTC 2017)
//   loss         the least of any loss, such as a model's own, among thresholds that are tried
//
// Errors are exact and take no pass over the values: magnitudes are sorted once, and sums over a
// stretch of them are differences of running sums, so a threshold can be dragged over millions.
// Left out: ranges that are not symmetric.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace nibble {

/// Mean squared errors over all values.
struct ClipErrors {
    double clipping = 0, rounding = 0;
    double total() const { return clipping + rounding; }
};

class Magnitudes {
public:
    /// Throws Error::bad_param for no values, a NaN or an infinity.
    explicit Magnitudes(std::span<const float> values);

    double largest() const { return static_cast<double>(sorted_.back()); }
    std::size_t size() const { return sorted_.size(); }
    /// The magnitude below which `share` of the values lie, 0 .. 1, interpolated.
    double quantile(double share) const;
    /// threshold > 0, bits 2 .. 16. A threshold above largest() cuts nothing.
    ClipErrors errors(double threshold, int bits) const;
    /// Share of values above the threshold.
    double share_above(double threshold) const;
    /// Values by magnitude: `bins` equal parts of 0 .. largest().
    std::vector<double> histogram(std::size_t bins) const;

private:
    /// Index of the first magnitude above `value`.
    std::size_t first_above(double value) const;

    std::vector<float> sorted_;           // rising
    std::vector<double> sums_, squares_;  // of the first i magnitudes
};

/// A threshold and the curve that it is the lowest point of; the rules without one leave it empty.
struct ClipChoice {
    double threshold = 0;
    std::vector<double> thresholds, costs;  // rising thresholds
};

ClipChoice min_max_clip(const Magnitudes& values);
/// share: 0 .. 1, 0.9999 by convention.
ClipChoice percentile_clip(const Magnitudes& values, double share = 0.9999);
ClipChoice mse_clip(const Magnitudes& values, int bits);
/// Costs are divergences in nats.
ClipChoice entropy_clip(const Magnitudes& values, int bits);
/// Tries every threshold. Throws what `loss` throws.
ClipChoice loss_clip(std::vector<double> thresholds, const std::function<double(double)>& loss);

}  // namespace nibble
