// Models whose every answer is known: the next token depends on the last one through a table.
#pragma once

#include <cmath>
#include <map>
#include <vector>

#include "sim/speculative/sequence_model.hpp"

namespace nibble::testing {

/// Row a of `logits` (vocab, vocab) is what follows token a.
class TableModel : public SequenceModel {
public:
    TableModel(Matrix<float> logits, Index positions)
        : logits_(std::move(logits)), positions_(positions) {}

    Index vocab() const override { return logits_.cols(); }
    Index positions() const override { return positions_; }
    Index length() const override { return static_cast<Index>(read_.size()); }
    std::vector<float> read(std::span<const std::int32_t> ids) override {
        read_.insert(read_.end(), ids.begin(), ids.end());
        return {logits_.row(read_.back()), logits_.row(read_.back()) + vocab()};
    }
    Matrix<float> read_tree(std::span<const std::int32_t> ids, std::span<const Index>) override {
        Matrix<float> out(static_cast<Index>(ids.size()), vocab());
        for (std::size_t i = 0; i < ids.size(); ++i) {
            std::copy_n(logits_.row(ids[i]), vocab(), out.row(static_cast<Index>(i)));
        }
        read_.insert(read_.end(), ids.begin(), ids.end());
        return out;
    }
    void keep(Index first, std::span<const Index> rows) override {
        TokenIds kept(read_.begin(), read_.begin() + first);
        for (const Index row : rows) {
            kept.push_back(read_[static_cast<std::size_t>(first + row)]);
        }
        read_ = std::move(kept);
    }
    const TokenIds& text() const { return read_; }

private:
    Matrix<float> logits_;
    Index positions_;
    TokenIds read_;
};

}  // namespace nibble::testing
