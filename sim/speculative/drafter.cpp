#include "sim/speculative/drafter.hpp"

#include <algorithm>

namespace nibble {
namespace {

constexpr std::size_t longest_ngram = 3;

Distribution certain(std::int32_t token, std::size_t vocab) {
    Distribution q(vocab);
    q[static_cast<std::size_t>(token)] = 1;
    return q;
}

/// Takes a token out of a distribution; false when nothing is left.
bool take_out(std::int32_t token, Distribution& q) {
    q[static_cast<std::size_t>(token)] = 0;
    double sum = 0;
    for (const double x : q) {
        sum += x;
    }
    if (sum <= 0) {
        return false;
    }
    for (double& x : q) {
        x /= sum;
    }
    return true;
}

}  // namespace

Index size_of(const Branching& branching) {
    Index level = 1, all = 0;
    for (const Index children : branching) {
        level *= children;
        all += level;
    }
    return all;
}

Branching chain_of(Index drafts) {
    return Branching(static_cast<std::size_t>(drafts), 1);
}

/// Logits after the sequence.
std::vector<float> ModelDrafter::catch_up(std::span<const std::int32_t> sequence) {
    // The last token is read again if need be: its logits are wanted.
    const std::size_t most = std::min(read_.size(), sequence.size() - 1);
    const auto same =
        std::mismatch(read_.begin(), read_.begin() + static_cast<std::ptrdiff_t>(most),
                      sequence.begin())
            .first;
    read_.erase(same, read_.end());
    model_->keep(static_cast<Index>(read_.size()), {});
    const auto rest = sequence.subspan(read_.size());
    read_.insert(read_.end(), rest.begin(), rest.end());
    return model_->read(rest);
}

void ModelDrafter::add_children(DraftTree& tree, Index parent, Index count,
                                std::span<const float> logits, Dice& dice) const {
    if (sampling_.temperature == 0) {
        for (const std::int32_t id : likeliest(logits, static_cast<std::size_t>(count))) {
            tree.ids.push_back(id);
            tree.parents.push_back(parent);
            tree.q.push_back(certain(id, logits.size()));
        }
        return;
    }
    Distribution q = next_token(logits, sampling_, "the draft");
    for (Index i = 0; i < count; ++i) {
        const std::int32_t id = draw(q, dice.roll());
        tree.ids.push_back(id);
        tree.parents.push_back(parent);
        tree.q.push_back(q);
        if (i + 1 < count && !take_out(id, q)) {
            break;
        }
    }
}

DraftTree ModelDrafter::draft(std::span<const std::int32_t> sequence, const Branching& branching,
                              Dice& dice) {
    DraftTree tree;
    const auto levels = static_cast<Index>(branching.size());
    if (levels == 0 || static_cast<Index>(sequence.size()) + levels - 1 > model_->positions()) {
        return tree;
    }
    add_children(tree, -1, branching[0], catch_up(sequence), dice);
    std::size_t level = 0;  // first token of the last level
    for (std::size_t depth = 1; depth < branching.size(); ++depth) {
        const std::size_t end = tree.size();
        if (is_chain(branching)) {
            const std::int32_t last = tree.ids.back();
            read_.push_back(last);
            add_children(tree, static_cast<Index>(end) - 1, 1, model_->read(std::span(&last, 1)),
                         dice);
        } else {
            const Matrix<float> z = model_->read_tree(tree.ids, tree.parents);
            model_->keep(static_cast<Index>(sequence.size()), {});
            for (std::size_t i = level; i < end; ++i) {
                const auto row = static_cast<Index>(i);
                add_children(tree, row, branching[depth],
                             {z.row(row), static_cast<std::size_t>(z.cols())}, dice);
            }
        }
        level = end;
    }
    return tree;
}

DraftTree NgramDrafter::draft(std::span<const std::int32_t> sequence, const Branching& branching,
                              Dice&) {
    DraftTree tree;
    const std::size_t n = sequence.size();
    for (std::size_t length = std::min(longest_ngram, n - 1); length > 0; --length) {
        const auto ending = sequence.last(length);
        for (std::size_t at = n - length; at-- > 0;) {  // the latest place before the ending itself
            if (!std::equal(ending.begin(), ending.end(),
                            sequence.begin() + static_cast<Index>(at))) {
                continue;
            }
            const std::size_t first = at + length;
            const std::size_t count = std::min(branching.size(), n - first);
            for (std::size_t i = 0; i < count; ++i) {
                tree.ids.push_back(sequence[first + i]);
                tree.parents.push_back(static_cast<Index>(i) - 1);
                tree.q.push_back(certain(sequence[first + i], static_cast<std::size_t>(vocab_)));
            }
            return tree;
        }
    }
    return tree;
}

}  // namespace nibble
