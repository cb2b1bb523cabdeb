// Where guesses come from: a smaller model, or the text itself.
//
// A guess is a tree of tokens behind the text so far, cut at a number of levels; a chain is a tree
// with one child a level. Each token carries the distribution it was drawn from, which the
// acceptance rule needs.
#pragma once

#include <span>
#include <vector>

#include "sim/speculative/next_token.hpp"
#include "sim/speculative/sequence_model.hpp"

namespace nibble {

/// Children of every token, by level: {1, 1, 1} is a chain of three, {2, 2, 1} has ten tokens.
using Branching = std::vector<Index>;

/// Tokens in all levels.
Index size_of(const Branching& branching);
/// A chain of `drafts` tokens.
Branching chain_of(Index drafts);
inline bool is_chain(const Branching& branching) {
    return size_of(branching) == static_cast<Index>(branching.size());
}

struct DraftTree {
    TokenIds ids;                 // level by level
    std::vector<Index> parents;   // as in extend_tree()
    std::vector<Distribution> q;  // of each token

    std::size_t size() const { return ids.size(); }
};

class Drafter {
public:
    virtual ~Drafter() = default;

    /// A tree behind the sequence, at most as wide and as deep as `branching`; it may be empty.
    virtual DraftTree draft(std::span<const std::int32_t> sequence, const Branching& branching,
                            Dice& dice) = 0;
};

/// Guesses of a smaller model, drawn under its own sampling. Siblings are drawn without replacement
/// (each from what its elder siblings leave of q, renormalised; Jeon et al. 2024); at temperature 0
/// they are the likeliest tokens. Keeps its cache from call to call, however the sequence went on.
class ModelDrafter : public Drafter {
public:
    ModelDrafter(std::unique_ptr<SequenceModel> model, const Sampling& sampling)
        : model_(std::move(model)), sampling_(sampling) {}

    DraftTree draft(std::span<const std::int32_t> sequence, const Branching& branching,
                    Dice& dice) override;

private:
    std::vector<float> catch_up(std::span<const std::int32_t> sequence);
    void add_children(DraftTree& tree, Index parent, Index count, std::span<const float> logits,
                      Dice& dice) const;

    std::unique_ptr<SequenceModel> model_;
    Sampling sampling_;
    TokenIds read_;  // what the model has read
};

/// Prompt lookup (Saxena 2023): what followed the last time when the text's last tokens, three of
/// them if possible, stood somewhere before. Costs no model, and proposes nothing where nothing
/// repeats. Only chains.
class NgramDrafter : public Drafter {
public:
    explicit NgramDrafter(Index vocab) : vocab_(vocab) {}

    DraftTree draft(std::span<const std::int32_t> sequence, const Branching& branching,
                    Dice& dice) override;

private:
    Index vocab_;
};

}  // namespace nibble
