// The matrix that GPTQ sends errors along: U, upper triangular, with (H + d I)^-1 = U^T U.
//
// Row i of U, divided by U_ii, is the row of the inverse Hessian that is left once the columns
// before i are fixed: all the inverses of the paper's algorithm at once (arXiv 2210.17323, "Step
// 3"). It is found without inverting H: with the order of the columns turned round, H + d I = L L^T
// is an ordinary Cholesky factorisation, and U is L^-1 turned round again.
//
// Works in floats, as the reference does, but with diagonal blocks in double; a pivot that floats
// would get wrong (below 1e-4 of its diagonal element) starts it over in double throughout.
#pragma once

#include "sim/model/matrix.hpp"

namespace nibble {

struct InverseFactor {
    Matrix<float> upper;  // (n, n) U, zeros below the diagonal
    bool in_double = false;
};

/// h: (n, n) symmetric; `damping` is what is added to its diagonal.
/// Throws Error::bad_param when the sum is not positive definite, naming the damping.
InverseFactor inverse_factor(View<const float> h, double damping);

}  // namespace nibble
