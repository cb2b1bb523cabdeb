// Outliers on demand: the same function with activations that are hard to quantize.
//
// Some channels of a norm's gain are multiplied by a factor and the matching columns of the linear
// layers behind it divided by it. Their products stay what they were; the channels' activations
// grow. It is the outlier channels of large models (Dettmers et al. 2022) made to order, and the
// migration of SmoothQuant (Xiao et al. 2023) run backwards.
#pragma once

#include <span>
#include <vector>

#include "sim/model/network.hpp"

namespace nibble {

/// `site` is behind a norm: attention_in, mlp_in or head_in. Throws Error::bad_param for another
/// site, a layer or channel out of range, or a factor that is not positive and finite.
Model<float> with_outliers(Model<float> model, Index layer, Site site,
                           std::span<const Index> channels, double factor);

/// Largest magnitude of each channel at a site, over a batch.
std::vector<float> activation_ranges(const Model<float>& model, Index layer, Site site,
                                     std::span<const TokenIds> batch);

}  // namespace nibble
