// How well a model predicts: perplexity of token sequences, and of domains beside their floor.
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "sim/model/corpus.hpp"
#include "sim/model/tokenizer.hpp"

namespace nibble {

struct Score {
    Index tokens = 0;  // predicted
    double nats = 0;   // summed over them
    double seconds = 0;
    std::vector<float> losses;  // of each, in order

    double loss() const { return nats / static_cast<double>(tokens); }
    double perplexity() const;
};

/// Every token after the first of each sequence is predicted once. A sequence longer than the
/// model's positions is read in windows that overlap by half, so that each token is predicted from
/// at least half a window. Throws Error::bad_param when nothing is predicted, Error::cancelled.
Score score(const Model<float>& model, std::span<const TokenIds> sequences,
            const Hooks<float>& hooks = {}, const std::stop_token& stop = {},
            const std::function<void(double)>& progress = {});

/// A document between the begin and the end token.
TokenIds tokens_of(const Document& document, const Tokenizer& tokenizer, const ModelConfig& config);

struct DomainScore {
    Domain domain;
    Score score;
    double floor_nats = 0;  // of the same documents
    double floor_loss() const { return floor_nats / static_cast<double>(score.tokens); }
    double floor_perplexity() const;
    /// Perplexity over that of a perfect reader, less one.
    double excess() const;
};

/// Documents 0 .. count-1 of a split; those longer than the model's positions are left out of both
/// the score and the floor.
DomainScore score_domain(const Model<float>& model, const Tokenizer& tokenizer, Domain domain,
                         Split split, std::uint64_t seed, std::uint64_t count,
                         const std::stop_token& stop = {});

}  // namespace nibble
