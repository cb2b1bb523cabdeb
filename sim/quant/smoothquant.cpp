#include "sim/quant/smoothquant.hpp"

#include <algorithm>
#include <cmath>

namespace nibble {
namespace {

constexpr Quantizer int8 = {.scheme = Scheme::absmax,
                            .bits = 8,
                            .granularity = Granularity::channel,
                            .scale_format = ScaleFormat::fp32};

/// Columns times their factor, or divided by it.
void scale_columns(View<float> x, const std::vector<float>& factors, bool divide) {
    for (Index r = 0; r < x.rows; ++r) {
        float* row = x.row(r);
        for (Index c = 0; c < x.cols; ++c) {
            const float factor = factors[static_cast<std::size_t>(c)];
            row[c] = divide ? row[c] / factor : row[c] * factor;
        }
    }
}

void copy_into(View<float> to, const Matrix<float>& from) {
    for (Index r = 0; r < to.rows; ++r) {
        std::copy_n(from.row(r), to.cols, to.row(r));
    }
}

}  // namespace

std::vector<float> smoothing(View<const float> weights, const LayerInput& input, double alpha) {
    constexpr double smallest = 1e-5;
    std::vector<float> s;
    for (Index c = 0; c < weights.cols; ++c) {
        float most = 0;
        for (Index r = 0; r < weights.rows; ++r) {
            most = std::max(most, std::abs(weights(r, c)));
        }
        const auto x = static_cast<double>(input.max_abs[static_cast<std::size_t>(c)]);
        const auto w = std::max(static_cast<double>(most), smallest);
        const bool silent = x == 0 || most == 0;
        s.push_back(silent ? 1.0F
                           : static_cast<float>(
                                 std::max(smallest, std::pow(x, alpha) / std::pow(w, 1 - alpha))));
    }
    return s;
}

void round_activations(View<float> x, Quantizer quantizer, ActivationScales scales) {
    quantizer.granularity =
        scales == ActivationScales::tensor ? Granularity::tensor : Granularity::channel;
    if (scales != ActivationScales::channel) {
        copy_into(x, quantized_rows(x, quantizer));
        return;
    }
    Matrix<float> columns(x.cols, x.rows);
    for (Index c = 0; c < x.cols; ++c) {
        for (Index r = 0; r < x.rows; ++r) {
            columns(c, r) = x(r, c);
        }
    }
    const Matrix<float> rounded = quantized_rows(columns.view(), quantizer);
    for (Index r = 0; r < x.rows; ++r) {
        for (Index c = 0; c < x.cols; ++c) {
            x(r, c) = rounded(c, r);
        }
    }
}

QuantizedLayer smoothquant(View<const float> weights, const LayerInput& input,
                           const SmoothQuantOptions& options) {
    QuantizedLayer layer;
    layer.input_scale = smoothing(weights, input, options.alpha);
    layer.alpha = options.alpha;
    Matrix<float> larger(weights.rows, weights.cols);
    for (Index r = 0; r < weights.rows; ++r) {
        std::copy_n(weights.row(r), weights.cols, larger.row(r));
    }
    scale_columns(larger.view(), layer.input_scale, false);
    layer.weights = quantized_rows(larger.view(), int8);
    scale_columns(layer.weights.view(), layer.input_scale, true);
    layer.stored_bits =
        static_cast<double>(weights.rows) * (8.0 * static_cast<double>(weights.cols) + 32.0);
    layer.round_input = [s = layer.input_scale, options](View<float> x) {
        scale_columns(x, s, true);
        round_activations(x, int8, options.activations);
        scale_columns(x, s, false);
    };
    return layer;
}

}  // namespace nibble
