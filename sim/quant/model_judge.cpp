#include "sim/quant/model_judge.hpp"

#include <algorithm>
#include <cmath>

#include "sim/core/one_thread.hpp"
#include "sim/core/parallel.hpp"
#include "sim/model/evaluate.hpp"
#include "sim/quant/lab_layer.hpp"

namespace nibble {
namespace {

/// Numbers at `step` apart, brought onto the grid of b bits between the least and the largest.
void round_group(float* first, Index count, Index step, int bits) {
    float low = *first, high = *first;
    for (Index i = 1; i < count; ++i) {
        low = std::min(low, first[i * step]);
        high = std::max(high, first[i * step]);
    }
    const float scale = (high - low) / static_cast<float>((1 << bits) - 1);
    if (scale <= 0) {
        return;  // all alike
    }
    for (Index i = 0; i < count; ++i) {
        float& x = first[i * step];
        x = low + scale * std::nearbyint((x - low) / scale);
    }
}

void round_cache(View<float> x, int bits, CacheAxis axis) {
    if (bits >= 16) {
        return;
    }
    const bool down = axis == CacheAxis::channel;
    const View<float> lines = down ? x.transposed() : x;  // groups lie along the rows of this
    for (Index r = 0; r < lines.rows; ++r) {
        for (Index begin = 0; begin < lines.cols; begin += cache_group) {
            round_group(&lines(r, begin), std::min(cache_group, lines.cols - begin),
                        lines.column_step, bits);
        }
    }
}

}  // namespace

double DomainLosses::mean() const {
    double sum = 0;
    for (const double loss : by_domain) {
        sum += loss;
    }
    return sum / static_cast<double>(by_domain.size());
}

double DomainLosses::perplexity() const {
    return std::exp(mean());
}

ModelJudge::ModelJudge(std::string model, Index tokens, const RunContext& context)
    : loaded_(loaded_model(model, context)) {
    for (const Domain d : all_domains) {
        text_[static_cast<std::size_t>(d)] =
            lab_documents(*loaded_, text_of(d), Split::validation, tokens, context.seed);
    }
}

std::vector<TokenIds> ModelJudge::calibration(Index count, const RunContext& context) const {
    return lab_documents(*loaded_, CalibrationText::mixed, Split::train, count, context.seed);
}

DomainLosses ModelJudge::losses(const Model<float>& model, const Hooks<float>& hooks,
                                const RunContext& context) const {
    DomainLosses found;
    parallel_for(text_.size(), 1, [&](std::size_t begin, std::size_t end) {
        const OneThread alone;  // the domains are what is shared out
        for (std::size_t d = begin; d < end; ++d) {
            context.check();
            found.by_domain[d] = score(model, text_[d], hooks, context.stop).loss();
        }
    });
    return found;
}

RoundedMatrices rounded_matrices(const Model<float>& model, int bits, int group_size,
                                 const RunContext& context) {
    MethodSettings settings = defaults_of(Method::rtn);
    settings.bits = bits;
    settings.group_size = group_size;
    RoundedMatrices rounded;
    for (const LinearId id : linear_layers(model.config)) {
        if (id.kind == Linear::head) {
            continue;
        }
        context.check();
        QuantizedLayer layer = quantize_layer(settings, model.layer(id.layer)[id.kind], nullptr);
        rounded.ids.push_back(id);
        rounded.weights.push_back(std::move(layer.weights));
        rounded.stored_bits.push_back(layer.stored_bits);
    }
    return rounded;
}

Hooks<float> cache_hooks(const CacheRounding& rounding) {
    Hooks<float> hooks;
    hooks.on_cache = [rounding](Index, Index, View<float> keys, View<float> values) {
        round_cache(keys, rounding.key_bits, rounding.keys);
        round_cache(values, rounding.value_bits, rounding.values);
    };
    return hooks;
}

}  // namespace nibble
