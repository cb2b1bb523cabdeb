// What quantization leaves of a model, judged by its loss on unseen text of every domain; and three
// ways of taking bits from it: all layers by a method, one matrix at a time (its sensitivity), and
// the cache.
//
//   sensitivity     the loss added when one linear layer alone is rounded to nearest; the others
//                   are exact (Dong et al. 2019, HAWQ, does it by the Hessian; here it is measured)
//   mixed           the most sensitive matrices in 8 bits, the others in few: the idea behind the
//                   mixes of llama.cpp's K formats
//   cache           keys and values rounded with a minimum and a scale, in groups of 32: along the
//                   positions of a channel or along the channels of a position (Liu et al. 2024,
//                   KIVI, arXiv 2402.02750: keys by channel, values by token)
//
// Left out: the residual window that KIVI keeps exact.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "sim/model/corpus.hpp"
#include "sim/model/loaded_model.hpp"
#include "sim/quant/quantize_model.hpp"

namespace nibble {

/// Mean loss in nats a token: of each domain, and over the domains.
struct DomainLosses {
    std::array<double, 4> by_domain{};

    double mean() const;
    double perplexity() const;  // e to the mean
};

class ModelJudge {
public:
    /// Reads validation documents, about `tokens` of each domain. Throws what loading throws.
    ModelJudge(std::string model, Index tokens, const RunContext& context);

    const Model<float>& model() const { return loaded_->model; }
    const LoadedModel& loaded() const { return *loaded_; }
    /// Training documents of all domains, about `count` tokens.
    std::vector<TokenIds> calibration(Index count, const RunContext& context) const;
    DomainLosses losses(const Model<float>& model, const Hooks<float>& hooks,
                        const RunContext& context) const;

private:
    std::shared_ptr<const LoadedModel> loaded_;
    std::array<std::vector<TokenIds>, 4> text_;
};

/// Every linear layer of the model rounded to nearest on its own: (matrix) in the order of
/// linear_layers(), without the head.
struct RoundedMatrices {
    std::vector<LinearId> ids;
    std::vector<Matrix<float>> weights;
    std::vector<double> stored_bits;
};
RoundedMatrices rounded_matrices(const Model<float>& model, int bits, int group_size,
                                 const RunContext& context);

/// Along what the numbers of the cache share a scale.
enum class CacheAxis { channel, token };

struct CacheRounding {
    int key_bits = 16, value_bits = 16;  // 16: as they are
    CacheAxis keys = CacheAxis::channel, values = CacheAxis::token;
};
inline constexpr Index cache_group = 32;

/// Rounds keys and values on their way into the cache.
Hooks<float> cache_hooks(const CacheRounding& rounding);

}  // namespace nibble
