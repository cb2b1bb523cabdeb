// GPTQ (Frantar et al. 2022, arXiv 2210.17323): columns are rounded one after another, and what
// each loses is made up for by the columns that are still to come.
//
//   H = 2 X^T X over the calibration tokens. An input channel that is always 0 is dead: H_ii = 1
//   and its weights become 0. Damping: a fraction of the mean diagonal, dead channels counted, is
//   added to the diagonal. U is the upper Cholesky factor of the inverse, H^-1 = U^T U.
//   For column i in order: q = round(w_i);  e = (w_i - q) / U_ii;  w_j -= e U_ij for all j > i.
//
// That is done in blocks of columns: inside a block at once, to all later columns when the block is
// done, as one matrix product. The rows of W do not know of each other, so tiles of rows go through
// all blocks on their own, each in one core's cache.
//
// Scale and zero of a row come from W as it was given. Those of a group come from the weights as
// they are when its first column's turn comes. The reference implementations read them from a copy
// that inside a block is not up to date, which matters for groups smaller than a block:
// `reference_groups` does the same. Blocks are cut so that otherwise no group is read half changed.
//
// Act-order takes the columns by falling H_ii; groups are then made of neighbours in that order,
// or, with `static_groups`, of neighbours in W, their parameters fixed before anything is changed.
//
// Left out: the search for a smaller range that minimises the weight error (the references' mse).
#pragma once

#include "sim/quant/integer_weights.hpp"
#include "sim/quant/layer_input.hpp"

namespace nibble {

struct GptqOptions {
    IntegerFormat format;
    double damping = 0.01;  // of the mean diagonal element of H
    Index block_size = 128;
    bool act_order = false;
    bool static_groups = false;
    bool reference_groups = false;
};

/// Everything that happened, in the order in which columns were taken ("steps"), so that any moment
/// can be shown without running again.
struct GptqTrace {
    std::vector<Index> order;  // (step) the column of W
    Matrix<float> factor;      // (step, step) U
    Matrix<float> weights;     // (rows, step) W in that order, dead columns zero
    Matrix<float> errors;      // (rows, step) e
    std::vector<double> loss;  // (step) sum over rows of e^2: what the step adds to the objective
                               // tr(dW (H + d I) dW^T)

    /// The weights after `steps` columns were rounded: (rows, step), rounded ones first.
    Matrix<float> after(Index steps) const;
};

struct GptqTimes {
    double factor = 0, sweep = 0;  // seconds
};

struct GptqResult {
    IntegerWeights weights;
    std::vector<Index> order;  // (step) the column taken
    Index dead = 0;            // columns
    double damping = 0;        // what was added to the diagonal of H
    bool in_double = false;    // whether the factor had to be found in double
    GptqTimes times;
};

/// gram: (cols, cols) X^T X. With `trace`, fills it. Throws Error::bad_param when the damped
/// Hessian is not positive definite, or a scale does not fit FP16.
GptqResult gptq(View<const float> weights, View<const float> gram, const GptqOptions& options,
                GptqTrace* trace = nullptr);

}  // namespace nibble
