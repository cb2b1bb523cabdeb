// What a method makes of a linear layer y = x W^T, and what that costs and changes.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "sim/quant/integer_weights.hpp"
#include "sim/quant/layer_input.hpp"

namespace nibble {

struct QuantizedLayer {
    Matrix<float> weights;  // (rows, cols) as the layer's own input meets them
    /// (cols) s, where the stored weights are those of W diag(s) and the input is to be divided by
    /// it; empty otherwise. Papers fold 1 / s into the layer before, so it takes no storage here.
    std::vector<float> input_scale;
    /// What 8-bit arithmetic does to the input, in place, (tokens, cols); empty when the input
    /// stays as it is. The layer's output is then round_input(x) weights^T.
    std::function<void(View<float> x)> round_input;
    double stored_bits = 0;  // codes, scales, zero points and whatever else is needed
    std::optional<IntegerWeights> integers;  // of the methods that checkpoints know
    double alpha = 0;                        // of AWQ and SmoothQuant
    double seconds = 0;

    double bits_per_weight() const {
        return stored_bits / static_cast<double>(weights.rows() * weights.cols());
    }
    /// (tokens, rows)
    Matrix<float> output(View<const float> x) const;
};

/// ||Y' - Y||_F^2 and ||Y||_F^2 of the layer's outputs Y = X W^T.
struct OutputChange {
    double moved = 0, outputs = 0;
    double relative() const { return moved == 0 ? 0 : moved / outputs; }
};
OutputChange output_change(View<const float> weights, const QuantizedLayer& layer,
                           View<const float> x);
/// ||Y' - Y||_F^2 / ||Y||_F^2; 0 when nothing moved.
double relative_output_error(View<const float> weights, const QuantizedLayer& layer,
                             View<const float> x);
/// Every row through a quantizer and back: ranges, scales, codes, values. A row is a channel; with
/// Granularity::tensor all rows share the scale.
Matrix<float> quantized_rows(View<const float> rows, const Quantizer& quantizer);

}  // namespace nibble
