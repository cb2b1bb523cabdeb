// A model as speculation uses it: a sequence that it has read, what it expects next after every
// token of a drafted tree, and the part of that tree which stays.
//
// The network is one such model; a table of probabilities, small enough to know every answer by
// arithmetic, is another.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/model/loaded_model.hpp"

namespace nibble {

class SequenceModel {
public:
    virtual ~SequenceModel() = default;

    virtual Index vocab() const = 0;
    /// The longest sequence that it can read.
    virtual Index positions() const = 0;
    /// Tokens read so far.
    virtual Index length() const = 0;
    /// Reads on; logits after the last token, (vocab).
    virtual std::vector<float> read(std::span<const std::int32_t> ids) = 0;
    /// Reads a tree behind the sequence in one pass, parents as in extend_tree(); logits after each
    /// token, (ids, vocab).
    virtual Matrix<float> read_tree(std::span<const std::int32_t> ids,
                                    std::span<const Index> parents) = 0;
    /// Of the tokens from position `first` on, keeps those at first + rows[i], increasing.
    virtual void keep(Index first, std::span<const Index> rows) = 0;
};

/// The network with its cache.
class NetworkSequence : public SequenceModel {
public:
    explicit NetworkSequence(const Model<float>& model) : model_(model), cache_(model.config) {}

    Index vocab() const override { return model_.config.vocab; }
    Index positions() const override { return model_.config.max_positions; }
    Index length() const override { return cache_.length(); }
    std::vector<float> read(std::span<const std::int32_t> ids) override;
    Matrix<float> read_tree(std::span<const std::int32_t> ids,
                            std::span<const Index> parents) override;
    void keep(Index first, std::span<const Index> rows) override { cache_.keep(first, rows); }

private:
    const Model<float>& model_;
    KvCache<float> cache_;
};

/// Throws Error::bad_param naming the first difference when two models do not give the same meaning
/// to the same ids, so that the one cannot draft for the other.
void check_same_tokens(const Tokenizer& target, const Tokenizer& draft,
                       const ModelConfig& target_config, const ModelConfig& draft_config);

}  // namespace nibble
