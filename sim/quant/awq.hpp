// AWQ (Lin et al. 2023, arXiv 2306.00978): weights that meet large activations are made larger
// before rounding, so that their relative error shrinks; the input is divided by the same.
//
//   s_j = (mean |x_j|)^alpha over the calibration tokens, at least 1e-4, then divided by
//   sqrt(max s x min s), so that a uniform factor, which changes nothing, is taken out. AutoAWQ's
//   weight term divides by mean(|w_j| / max|w| of its group)^(1 - alpha) + 1e-4 as well.
//   The layer becomes Q(W diag(s)) diag(s)^-1. alpha is the one of 0, 0.05 ... 0.95 with the
//   smallest output error; the error of a change dW is tr(dW H dW^T) with H = X^T X, so the tokens
//   are gone through once and not for every alpha.
//   Clipping: every group of W diag(s) is cut at 1, 0.95 ... 0.55 of its largest magnitude,
//   whichever gives the least error of that group's own part of the outputs, measured on at most
//   512 tokens, evenly spaced.
//
// Left out: the block's output as the measure (the reference lets q, k and v be judged by the
// output of attention; here every layer is judged by its own), and folding 1 / s into the layer
// before.
#pragma once

#include "sim/quant/integer_weights.hpp"
#include "sim/quant/layer_input.hpp"

namespace nibble {

struct AwqOptions {
    IntegerFormat format = {.rule = RangeRule::awq};
    double alpha = -1;  // -1: the best of the grid
    bool clip = true;
    bool weight_term = false;
};

inline constexpr Index awq_alphas = 20;      // 0, 1/20 ... 19/20
inline constexpr Index awq_clip_steps = 10;  // 1, 1 - 1/20 ... 1 - 9/20
inline constexpr Index awq_clip_tokens = 512;

struct AwqResult {
    IntegerWeights weights;    // of W diag(s)
    std::vector<float> scale;  // (cols) s
    double alpha = 0;
    std::vector<double> curve;        // (alpha) ||X (W - Q)^T||_F^2 before clipping; or empty
    std::vector<std::uint8_t> clips;  // (rows, groups) which cut, 0 .. 9; empty without clipping
    double search_seconds = 0, clip_seconds = 0;

    /// Q(W diag(s)) diag(s)^-1, what the layer's own input meets.
    Matrix<float> effective() const;
};

/// s for one alpha.
std::vector<float> awq_scale(View<const float> weights, const LayerInput& input,
                             const AwqOptions& options, double alpha);

/// input.gram is used unless alpha is given. Throws Error::bad_param when a scale does not fit
/// FP16.
AwqResult awq(View<const float> weights, const LayerInput& input, const AwqOptions& options);

}  // namespace nibble
