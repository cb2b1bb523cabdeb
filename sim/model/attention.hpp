// Causal grouped-query attention and the rotation of queries and keys, forward and backward.
//
// Rows are token positions; a head's elements are adjacent columns. Scores are never stored whole:
// the forward pass keeps the log-sum-exp of each row, from which the backward pass makes the
// probabilities again, a block of queries at a time (Dao et al. 2022).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "sim/model/config.hpp"
#include "sim/model/matrix.hpp"

namespace nibble {

/// cos and sin of every rotation for positions [first, first + count): (position, head_dim / 2).
template <class S>
struct RotaryTable {
    Matrix<S> cosine, sine;
    Index first = 0;
    RotaryTable(const ModelConfig& config, Index first_position, Index count);
};

/// Rotates each head of the rows of x, row i by the angle of its position; `sign` -1 turns back.
template <class S>
void rotate(const RotaryTable<S>& table, const ModelConfig& config, Index heads,
            std::span<const Index> positions, View<S> x, int sign = 1);

/// The queries of one sequence and the keys and values they look at, in rows of the matrices that
/// attend() gets. Query i has position past + i among the keys.
template <class S>
struct Segment {
    Index first_query = 0, queries = 0;
    Index past = 0;
    View<const S> keys, values;  // (past + queries, kv_heads * head_dim)
};

/// Called with (segment, head, probabilities (queries, past + queries)).
template <class S>
using AttentionMap = std::function<void(Index, Index, View<const S>)>;

/// out (rows, heads * head_dim) = softmax(q k^T / sqrt(head_dim)) v. log_sums: (rows, heads).
template <class S>
void attend(const ModelConfig& config, View<const S> q, std::span<const Segment<S>> segments,
            View<S> out, View<S> log_sums, const AttentionMap<S>& map = {});

/// Gradients of q, k and v from that of out. Only for segments without past, whose keys and values
/// lie in the same rows as their queries; dk and dv are (rows, kv_heads * head_dim).
template <class S>
void attend_backward(const ModelConfig& config, View<const S> q,
                     std::span<const Segment<S>> segments, View<const S> out,
                     View<const S> log_sums, View<const S> d_out, View<S> dq, View<S> dk,
                     View<S> dv);

}  // namespace nibble
