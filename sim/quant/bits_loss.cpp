#include "sim/quant/bits_loss.hpp"

#include <fmt/format.h>

#include "sim/quant/model_judge.hpp"

namespace nibble {
namespace {

constexpr Index judged_tokens = 64;  // of each domain

DomainLosses losses_of(int weight_bits, int kv_bits, int group_size, const RunContext& context) {
    const ModelJudge judge("target", judged_tokens, context);
    Model<float> model = judge.model();
    if (weight_bits < 16) {
        RoundedMatrices rounded = rounded_matrices(model, weight_bits, group_size, context);
        for (std::size_t i = 0; i < rounded.ids.size(); ++i) {
            model = with_weights(std::move(model), rounded.ids[i], std::move(rounded.weights[i]));
        }
    }
    return judge.losses(model, cache_hooks({kv_bits, kv_bits}), context);
}

}  // namespace

double measured_loss(int weight_bits, int kv_bits, int group_size, const RunContext& context) {
    const auto mean = [&](int weights, int cache) {
        return *context.memo<double>(
            fmt::format("loss of target W{} KV{} g{} {}", weights, cache, group_size, context.seed),
            [&] { return losses_of(weights, cache, group_size, context).mean(); },
            [](const double&) { return sizeof(double); });
    };
    return weight_bits >= 16 && kv_bits >= 16 ? 0 : mean(weight_bits, kv_bits) - mean(16, 16);
}

}  // namespace nibble
