// What must lie in a device's memory: weights, cache, activations and the runtime, and how many
// requests fit beside them.
//
//   blocks = floor((capacity utilisation - weights - overhead) / (block_size bytes per token))
//
// with overhead = activations + runtime (Kwon et al. 2023 size their pool so).
#pragma once

#include <cstdint>

#include "sim/roofline/device_sheet.hpp"
#include "sim/roofline/operators.hpp"

namespace nibble {

/// All of them on one device. Matrices and the head take the weights' bits and scales; a separate
/// embedding, norms and biases stay in 16.
struct WeightBytes {
    Bytes codes, scales, sixteen_bit;
    Bytes total() const { return codes + scales + sixteen_bit; }
};
WeightBytes weight_bytes(const ModelShape& model, const Precision& precision,
                         std::int64_t tensor_parallel);

/// Of `parameters` weights in so many bits: 7e9 in 4 bits are 3.5 GB.
constexpr Bytes bytes_of(double parameters, double bits) {
    return {parameters * bits / 8};
}

/// 2 layers kv_heads head_dim bits / 8, or layers latent bits / 8, on one device of those that
/// share the heads: one more token in a context shorter than every window.
Bytes kv_bytes_per_token(const ModelShape& model, const Precision& precision,
                         std::int64_t tensor_parallel);
/// Of a sequence of `context` tokens; windowed layers keep min(context, window).
Bytes kv_bytes(const ModelShape& model, const Precision& precision, std::int64_t tensor_parallel,
               std::int64_t context);

/// The widest moment of a layer for `tokens` tokens at once: the residual stream, a copy to work
/// on, and either queries, keys and values or the inner layer; then the scores of `sequences`
/// last positions over the vocabulary, in FP32.
Bytes activation_bytes(const ModelShape& model, const Precision& precision,
                       std::int64_t tensor_parallel, std::int64_t tokens, std::int64_t sequences);

struct MemoryPlan {
    Bytes capacity, usable, weights, activations, runtime;

    /// What is left for the cache; negative when not even the weights fit.
    Bytes free() const { return usable - weights - activations - runtime; }
    /// Requests of so many cache bytes each.
    std::int64_t requests(Bytes each) const;
    /// Blocks of a pool.
    std::int64_t blocks(std::int64_t block_size, Bytes per_token) const;
};

/// The longest context that `requests` sequences can all have, at most `limit`; 0 when none.
std::int64_t longest_context(const ModelShape& model, const Precision& precision,
                             std::int64_t tensor_parallel, Bytes free, std::int64_t requests,
                             std::int64_t limit);

}  // namespace nibble
