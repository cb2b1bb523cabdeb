// Every method under one roof: which one, its settings with their declaration, and one function
// that quantizes a layer with it. The command line and the layer panels read the same schema.
//
//   rtn           round to nearest, integers
//   gptq          sim/quant/gptq.hpp
//   awq           sim/quant/awq.hpp
//   smoothquant   W8A8, sim/quant/smoothquant.hpp
//   llm_int8      W8A8 with outlier channels in 16 bits, sim/quant/llm_int8.hpp
//   nf4, fp4      bitsandbytes' tables, blocks of group_size weights of a row with an FP32 scale,
//   or
//                 double-quantized ones. (bitsandbytes lets a block run over the end of a row.)
//   fp8           W8A8 in E4M3: one scale an output channel, and one a token, FP32
#pragma once

#include <string_view>

#include "sim/core/param.hpp"
#include "sim/quant/awq.hpp"
#include "sim/quant/gptq.hpp"
#include "sim/quant/llm_int8.hpp"
#include "sim/quant/smoothquant.hpp"

namespace nibble {

enum class Method { rtn, gptq, awq, smoothquant, llm_int8, nf4, fp4, fp8 };

/// "gptq"; "LLM.int8()" and the like are titles.
std::string_view name(Method method);
std::string_view title(Method method);
/// Whether a layer's input must be known.
bool needs_calibration(Method method);
/// Whether the products are of 8-bit activations, too.
bool rounds_activations(Method method);

/// What an integer scale is stored as.
enum class StoredScale { fp16, fp32 };

struct MethodSettings {
    Method method = Method::gptq;
    int bits = 4;
    int group_size = 128;  // 0: the whole row
    bool symmetric = false;
    StoredScale scale_format = StoredScale::fp16;
    double damping = 0.01;
    bool act_order = false;
    bool static_groups = false;
    int block_size = 128;
    bool reference_groups = false;
    double alpha = -1;  // -1: AWQ searches, SmoothQuant takes 0.5
    bool clip = true;
    bool weight_term = false;
    ActivationScales activations = ActivationScales::token;
    double threshold = 6;
    bool double_quant = false;

    IntegerFormat integer_format() const;
    GptqOptions gptq_options() const;
    AwqOptions awq_options() const;
};

const Schema<MethodSettings>& method_schema();
/// The defaults of a method: nf4 and fp4 have blocks of 64.
MethodSettings defaults_of(Method method);

/// `input` may be null for methods that need no calibration. Throws Error::bad_param for weights or
/// inputs that are not finite or do not fit together, for a missing input, and what the methods
/// throw.
QuantizedLayer quantize_layer(const MethodSettings& settings, View<const float> weights,
                              const LayerInput* input);

}  // namespace nibble
