// Integer weights in the layouts that inference engines load.
//
// GPTQ (AutoGPTQ, "checkpoint_format": "gptq"), for 2, 3, 4 and 8 bits:
//   qweight  int32 (in_features x bits / 32, out_features)  codes of a column of W, lowest bits
//   first qzeros   int32 (groups, out_features x bits / 32)        zero points less one (modulo
//   2^bits) scales   fp16  (groups, out_features) g_idx    int32 (in_features) the group of every
//   column
// AWQ (AutoAWQ, "version": "gemm"), for 4 bits:
//   qweight  int32 (in_features, out_features / 8)  eight outputs a word, in the order 0 2 4 6 1 3
//   5 7 qzeros   int32 (groups, out_features / 8)       likewise scales   fp16  (groups,
//   out_features)
// AWQ's codes are those of W diag(s): the layer before has to take 1 / s, or the input be divided.
#pragma once

#include <string>
#include <vector>

#include "sim/quant/integer_weights.hpp"
#include "sim/tensor/stored_tensor.hpp"

namespace nibble {

enum class CheckpointLayout { gptq, awq };

/// The tensors of one layer, named `layer`.qweight and so on. Throws Error::unsupported when the
/// layout has no place for the weights: other bit widths, scales in FP32, features that do not fill
/// whole words, and for AWQ symmetric or scattered groups.
std::vector<StoredTensor> packed_tensors(const IntegerWeights& weights, const std::string& layer,
                                         CheckpointLayout layout);

/// The "quantization_config" of a model's config.json, as JSON.
std::string quantization_config(const IntegerFormat& format, CheckpointLayout layout,
                                bool act_order);

}  // namespace nibble
