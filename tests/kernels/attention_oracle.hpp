// Decode attention in double, token after token, over a cache of either layout; and caches of both
// layouts that hold the same tokens.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/attention/ops.hpp"
#include "kernels/formats/float_format.hpp"

namespace nibble::kernels::attention_oracle {

inline double value_of(std::uint16_t half) {
    return static_cast<double>(formats::decode(formats::fp16, half));
}

/// row_of(sequence, kv_head, token): index of the token's row in keys and values.
template <class RowOf>
std::vector<double> attend(const AttentionShape& shape, const AttentionQuery& query,
                           std::span<const std::uint16_t> keys,
                           std::span<const std::uint16_t> values, const RowOf& row_of) {
    std::vector<double> outputs(shape.query_values());
    for (std::size_t s = 0; s < shape.sequences; ++s) {
        const auto length = static_cast<std::size_t>(query.lengths[s]);
        for (std::size_t h = 0; h < shape.heads; ++h) {
            const std::size_t place = (s * shape.heads + h) * shape.head_dim;
            std::vector<double> logits(length);
            for (std::size_t t = 0; t < length; ++t) {
                const std::size_t row = row_of(s, h / shape.group(), t) * shape.head_dim;
                for (std::size_t i = 0; i < shape.head_dim; ++i) {
                    logits[t] +=
                        static_cast<double>(query.queries[place + i]) * value_of(keys[row + i]);
                }
                logits[t] /= std::sqrt(static_cast<double>(shape.head_dim));
            }
            double largest = -INFINITY, sum = 0;
            for (const double logit : logits) {
                largest = std::fmax(largest, logit);
            }
            for (const double logit : logits) {
                sum += std::exp(logit - largest);
            }
            for (std::size_t t = 0; t < length; ++t) {
                const std::size_t row = row_of(s, h / shape.group(), t) * shape.head_dim;
                const double weight = std::exp(logits[t] - largest) / sum;
                for (std::size_t i = 0; i < shape.head_dim; ++i) {
                    outputs[place + i] += weight * value_of(values[row + i]);
                }
            }
        }
    }
    return outputs;
}

}  // namespace nibble::kernels::attention_oracle
