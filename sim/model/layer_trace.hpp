// One layer's forward pass and what it leaves behind for the backward pass.
#pragma once

#include <span>
#include <vector>

#include "sim/model/network.hpp"

namespace nibble {

/// Every matrix has one row a token.
template <class S>
struct LayerTrace {
    Matrix<S> input;                      // (., hidden) residual stream before the layer
    Matrix<S> attention_in, inverse_rms;  // (., hidden), (., 1)
    Matrix<S> q, k, v;                    // q and k rotated
    Matrix<S> mixed, log_sums;            // (., q_width), (., heads)
    Matrix<S> middle;                     // (., hidden) residual stream after attention
    Matrix<S> mlp_in, middle_inverse_rms;
    Matrix<S> gate, up, act;  // (., inner)
};

/// The tokens of a batch as rows.
struct Rows {
    TokenIds ids;
    std::vector<Index> positions;
    std::vector<Index> starts, lengths;  // by sequence
    /// Of a tree of tokens behind one sequence: the row before each row, -1 at the sequence's end;
    /// empty otherwise. Rows of a tree are computed as if each were the only one.
    std::vector<Index> parents = {};

    bool is_tree() const { return !parents.empty(); }
};

/// The sequences one after another; `past` positions lie before each. Throws as check_tokens does.
Rows rows_of(const ModelConfig& config, std::span<const TokenIds> batch, Index past = 0);

template <class S>
void embed(const Model<S>& model, const Rows& rows, Matrix<S>& out);

/// x becomes what the layer makes of it. With a cache, rows are the new positions of its sequence.
template <class S>
void forward_layer(const Model<S>& model, Index index, const Rows& rows,
                   const RotaryTable<S>& table, LayerTrace<S>& trace, Matrix<S>& x,
                   KvCache<S>* cache, Index past, const Hooks<S>& hooks);

/// The last norm: out (rows, hidden) goes into the head.
template <class S>
void final_norm(const Model<S>& model, const Matrix<S>& x, Matrix<S>& out, Matrix<S>& inverse_rms,
                const Hooks<S>& hooks);

}  // namespace nibble
