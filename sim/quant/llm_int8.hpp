// LLM.int8() (Dettmers et al. 2022, arXiv 2208.07339): 8-bit products, except for the few input
// channels that carry outliers, which are multiplied in 16 bits.
//
// A channel is an outlier when any |x| in it reaches the threshold. The others: INT8, +-127, one
// scale a token (the largest |x| below the threshold) and one a row of W. As in bitsandbytes the
// scale of a row of W covers all its columns.
//
// Which channels are outliers is found anew in every batch of activations, as the paper does; the
// weights that stay in 16 bits are those of the channels that were outliers in calibration. Left
// out: zero-point INT8, which the paper compares with.
#pragma once

#include "sim/quant/quantized_layer.hpp"

namespace nibble {

/// Channels with an |x| of at least `threshold`, rising.
std::vector<Index> outlier_channels(View<const float> x, double threshold);

QuantizedLayer llm_int8(View<const float> weights, const LayerInput& input, double threshold = 6);

}  // namespace nibble
