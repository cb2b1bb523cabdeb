// The row-wise parts of a layer, forward and backward: norm, gated activation, cross entropy.
//
// Each works on rows in pieces of fixed size, so sums have the same bits on any number of threads.
#pragma once

#include <cstdint>
#include <span>

#include "sim/model/matrix.hpp"

namespace nibble {

/// out = x / sqrt(mean(x^2) + eps) * gain, row by row (Zhang and Sennrich 2019).
/// inverse_rms: (rows, 1), what the backward pass needs again.
template <class S>
void rms_norm(In<S> x, In<S> gain, double eps, View<S> out, View<S> inverse_rms);

/// Adds to dx and d_gain (1, cols).
template <class S>
void rms_norm_backward(In<S> x, In<S> gain, In<S> inverse_rms, In<S> d_out, View<S> dx,
                       View<S> d_gain);

/// out = silu(gate) * up (Shazeer 2020).
template <class S>
void swiglu(In<S> gate, In<S> up, View<S> out);
/// Writes d_gate and d_up over gate and up.
template <class S>
void swiglu_backward(In<S> d_out, View<S> gate, View<S> up);

/// losses[i] = -log softmax(logits row i)[targets[i]]. With a weight, each row of logits becomes
/// its gradient times that weight.
template <class S>
void cross_entropy(View<S> logits, std::span<const std::int32_t> targets, std::span<S> losses,
                   const S* gradient_weight = nullptr);

}  // namespace nibble
