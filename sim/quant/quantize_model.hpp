// A method applied to every linear layer of a model, in the order of the forward pass.
//
// Layers that read the same input (q, k and v; gate and up) are quantized as one, their outputs
// stacked: they share the Hessian of GPTQ and the input scale of AWQ and SmoothQuant, as a
// checkpoint needs it. GPTQ calibrates a block on what the blocks before it, already quantized,
// hand over, as its reference does; the other methods on the inputs of the model as it was.
// Embeddings and head stay as they are unless asked for; an embedding is a table to look up, so it
// is rounded to nearest whatever the method.
//
// Left out: recalibrating within a block after each of its layers ("true sequential").
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/model/network.hpp"
#include "sim/quant/layer_methods.hpp"

namespace nibble {

/// What quantizing one matrix did, in sums that can be added up.
struct LayerReport {
    std::string name;
    Index rows = 0, cols = 0;
    double squared_change = 0, squared_weights = 0;  // sums of (w - q)^2 and of w^2
    std::optional<OutputChange> calibration, eval;   // on those tokens, where they were given
    double stored_bits = 0, seconds = 0;

    double weights() const { return static_cast<double>(rows * cols); }
    double weight_mse() const { return squared_change / weights(); }
    double sqnr_db() const;  // infinite when nothing was lost
    double bits_per_weight() const { return stored_bits / weights(); }
};

/// `calibration` and `eval` may be empty views.
LayerReport report_of(std::string name, View<const float> weights, const QuantizedLayer& layer,
                      View<const float> calibration, View<const float> eval);
/// Several matrices as one.
LayerReport total_of(std::span<const LayerReport> reports);

struct ModelQuantization {
    MethodSettings settings;
    std::vector<TokenIds> calibration;  // sequences; may be empty for methods that need none
    bool all = false;                   // head and embeddings too

    /// Weights that an earlier run finished, or nothing.
    std::function<std::optional<Matrix<float>>(LinearId)> finished = {};
    /// Called for every matrix that was quantized now, head and linear layers.
    std::function<void(LinearId, const QuantizedLayer&, const LayerReport&)> done = {};
};

struct QuantizedModel {
    Model<float> model;
    Hooks<float> hooks;  // round the activations, for 8-bit methods
    std::vector<LayerReport> reports;
};

/// Reports progress to `context`. Throws Error::bad_param when the method needs tokens and there
/// are none, what quantize_layer() throws with the layer's name before it, and Error::cancelled.
QuantizedModel quantize_model(const Model<float>& model, const ModelQuantization& how,
                              const RunContext& context);

}  // namespace nibble
