// What a linear layer reads, as calibration sees it: activations of some tokens, and what methods
// want to know of them. A layer is y = x W^T with W (rows = out_features, cols = in_features).
#pragma once

#include <memory>
#include <vector>

#include "sim/model/matrix.hpp"

namespace nibble {

struct LayerInput {
    View<const float> tokens;     // (tokens, cols)
    Matrix<float> gram;           // (cols, cols) X^T X; empty when not wanted
    std::vector<float> mean_abs;  // (cols) mean |x|
    std::vector<float> max_abs;   // (cols) max |x|
};

/// `tokens` must outlive the result. Throws Error::bad_param for no tokens, a NaN or an infinity.
LayerInput observe(View<const float> tokens, bool with_gram = true);

/// X^T X, (cols, cols), symmetric to the bit; every element summed over the tokens in order.
Matrix<float> gram_of(View<const float> tokens);

/// tr(D H D^T) = sum over rows d of d H d^T, for many D and one symmetric H: the squared error that
/// a change D of the weights makes in the outputs when H = X^T X. Each pair of columns is
/// multiplied once.
class QuadraticForm {
public:
    explicit QuadraticForm(View<const float> symmetric);
    /// On the calling thread. d: (any, cols).
    double operator()(View<const float> d) const;

private:
    Index cols_;
    std::vector<Packed<float>> blocks_;  // of columns: rows 0 .. end of the block
};

/// Sum of squares of a - b over all elements, in double; `b` may be empty.
double squared_distance(View<const float> a, View<const float> b = {});

/// How far a layer's output moves when its weights become `changed`: ||X (W - Q)^T||_F^2.
double output_error(View<const float> weights, View<const float> changed, View<const float> tokens);

}  // namespace nibble
