#include "sim/quant/llm_int8.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/formats/float_format.hpp"
#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

float rounded_to_fp16(float value) {
    return formats::to_float<formats::fp16>(formats::float_to_f16(value));
}

/// In place: outlier channels in 16 bits, the rest through INT8 token by token.
void round_input(View<float> x, double threshold) {
    const std::vector<Index> outliers = outlier_channels(x, threshold);
    parallel_for(static_cast<std::size_t>(x.rows), 32, [&](std::size_t begin, std::size_t end) {
        for (auto t = static_cast<Index>(begin); t < static_cast<Index>(end); ++t) {
            float* row = x.row(t);
            float most = 0;
            for (Index c = 0; c < x.cols; ++c) {
                const float size = std::abs(row[c]);
                most = static_cast<double>(size) < threshold ? std::max(most, size) : most;
            }
            const float scale = most > 0 ? most / 127 : 1.0F;
            auto next = outliers.begin();
            for (Index c = 0; c < x.cols; ++c) {
                if (next != outliers.end() && *next == c) {
                    row[c] = rounded_to_fp16(row[c]);
                    ++next;
                } else {
                    row[c] = std::nearbyint(row[c] / scale) * scale;
                }
            }
        }
    });
}

}  // namespace

std::vector<Index> outlier_channels(View<const float> x, double threshold) {
    std::vector<float> most(static_cast<std::size_t>(x.cols));
    for (Index t = 0; t < x.rows; ++t) {
        const float* row = x.row(t);
        for (std::size_t c = 0; c < most.size(); ++c) {
            most[c] = std::max(most[c], std::abs(row[c]));
        }
    }
    std::vector<Index> channels;
    for (std::size_t c = 0; c < most.size(); ++c) {
        if (static_cast<double>(most[c]) >= threshold) {
            channels.push_back(static_cast<Index>(c));
        }
    }
    return channels;
}

QuantizedLayer llm_int8(View<const float> weights, const LayerInput& input, double threshold) {
    const std::vector<Index> outliers = outlier_channels(input.tokens, threshold);
    QuantizedLayer layer;
    layer.weights = quantized_rows(weights, {.scheme = Scheme::absmax,
                                             .bits = 8,
                                             .granularity = Granularity::channel,
                                             .scale_format = ScaleFormat::fp32});
    for (Index r = 0; r < weights.rows; ++r) {
        for (const Index c : outliers) {
            layer.weights(r, c) = rounded_to_fp16(weights(r, c));
        }
    }
    const auto rows = static_cast<double>(weights.rows);
    const auto kept = static_cast<double>(outliers.size());  // each also needs its number
    layer.stored_bits =
        rows * (8 * (static_cast<double>(weights.cols) - kept) + 16 * kept + 32) + 32 * kept;
    layer.round_input = [threshold](View<float> x) { round_input(x, threshold); };
    return layer;
}

}  // namespace nibble
