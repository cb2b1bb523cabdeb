#include "sim/roofline/memory.hpp"

#include <algorithm>
#include <cmath>

#include "sim/core/arithmetic.hpp"

namespace nibble {
namespace {

double cached_elements(const ModelShape& m, std::int64_t tensor_parallel) {
    return static_cast<double>(m.latent ? m.latent->cached()
                                        : 2 * ceil_div(m.kv_heads, tensor_parallel) * m.head_dim);
}

}  // namespace

WeightBytes weight_bytes(const ModelShape& model, const Precision& precision,
                         std::int64_t tensor_parallel) {
    const auto n = static_cast<double>(tensor_parallel);
    const auto matrices =
        static_cast<double>(model.layer_matrix_parameters() + model.embedding_parameters());
    const auto wide = static_cast<double>(model.small_parameters() +
                                          (model.tied ? 0 : model.embedding_parameters()));
    return {bytes_of(matrices, precision.weight_bits) / n,
            bytes_of(matrices, precision.scale_bits_per_weight()) / n, bytes_of(wide, 16) / n};
}

Bytes kv_bytes_per_token(const ModelShape& model, const Precision& precision,
                         std::int64_t tensor_parallel) {
    return bytes_of(static_cast<double>(model.layers) * cached_elements(model, tensor_parallel),
                    precision.kv_bits_with_scales());
}

Bytes kv_bytes(const ModelShape& model, const Precision& precision, std::int64_t tensor_parallel,
               std::int64_t context) {
    const auto windowed = static_cast<double>(model.windowed_layers());
    const double full = static_cast<double>(model.layers) - windowed;
    const auto kept = static_cast<double>(std::min(context, model.window));
    const double layer_tokens = full * static_cast<double>(context) + windowed * kept;
    return bytes_of(layer_tokens * cached_elements(model, tensor_parallel),
                    precision.kv_bits_with_scales());
}

Bytes activation_bytes(const ModelShape& model, const Precision& precision,
                       std::int64_t tensor_parallel, std::int64_t tokens, std::int64_t sequences) {
    const std::int64_t attention = (model.heads / tensor_parallel) * model.head_dim +
                                   2 * ceil_div(model.kv_heads, tensor_parallel) * model.head_dim;
    const std::int64_t inner =
        model.experts
            ? std::max(model.expert_layers() < model.layers ? model.inner : 0,
                       model.experts->inner * (model.experts->active + model.experts->shared))
            : model.inner;
    const std::int64_t wide = (model.gated ? 2 : 1) * ceil_div(inner, tensor_parallel);
    const double elements = static_cast<double>(tokens) *
                            static_cast<double>(2 * model.hidden + std::max(attention, wide));
    // A step of fewer bits still keeps its residual stream in 16.
    return bytes_of(elements, std::max(16.0, precision.activation_bits)) +
           bytes_of(static_cast<double>(sequences) *
                        static_cast<double>(ceil_div(model.vocab, tensor_parallel)),
                    32);
}

std::int64_t MemoryPlan::requests(Bytes each) const {
    return static_cast<std::int64_t>(std::floor(std::max(0.0, ratio(free(), each))));
}

std::int64_t MemoryPlan::blocks(std::int64_t block_size, Bytes per_token) const {
    return requests(static_cast<double>(block_size) * per_token);
}

std::int64_t longest_context(const ModelShape& model, const Precision& precision,
                             std::int64_t tensor_parallel, Bytes free, std::int64_t requests,
                             std::int64_t limit) {
    std::int64_t fits = 0, too_long = limit + 1;
    while (too_long - fits > 1) {
        const std::int64_t middle = fits + (too_long - fits) / 2;
        const Bytes needed =
            static_cast<double>(requests) * kv_bytes(model, precision, tensor_parallel, middle);
        (needed <= free ? fits : too_long) = middle;
    }
    return fits;
}

}  // namespace nibble
