// SmoothQuant (Xiao et al. 2022, arXiv 2211.10438): 8-bit weights and 8-bit activations, after the
// outliers of the activations have been moved into the weights.
//
//   s_j = max|X_j|^alpha / max|W_j|^(1 - alpha), at least 1e-5, over the calibration tokens;
//   X diag(s)^-1 meets W diag(s), and both are rounded to INT8, restricted to +-127: the weights
//   with one scale an output channel, the activations with one scale a token, or one for all tokens
//   that are multiplied together. One scale an input channel is offered to compare with: no integer
//   product can apply it. Scales of activations are taken from the tokens at hand ("dynamic").
//
// A channel without activations or without weights keeps s = 1. Left out: static scales for
// activations, and which layers the paper leaves in FP16.
#pragma once

#include "sim/quant/quantized_layer.hpp"

namespace nibble {

/// Which activations share a scale.
enum class ActivationScales { token, tensor, channel };

struct SmoothQuantOptions {
    double alpha = 0.5;
    ActivationScales activations = ActivationScales::token;
};

/// (cols) s
std::vector<float> smoothing(View<const float> weights, const LayerInput& input, double alpha);

QuantizedLayer smoothquant(View<const float> weights, const LayerInput& input,
                           const SmoothQuantOptions& options);

/// Activations through `quantizer`'s codes and back, in place; its granularity is overridden.
void round_activations(View<float> x, Quantizer quantizer, ActivationScales scales);

}  // namespace nibble
