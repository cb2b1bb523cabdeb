#include "sim/quant/inverse_factor.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/parallel.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

constexpr Index block = 128;       // columns factored together
constexpr Index factor_rows = 96;  // as the product's kernel likes them
constexpr double trusted = 1e-4;   // pivot over diagonal element below which floats are not enough

using Dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// `rows` of a task, shared out.
void for_rows(Index first, Index last, const std::function<void(Index, Index)>& body) {
    parallel_for(extent(last - first), extent(factor_rows), [&](std::size_t begin, std::size_t end) {
        body(first + static_cast<Index>(begin), static_cast<Index>(end - begin));
    });
}

/// Packs -b.
void pack_negated(View<const float> b, Packed<float>& out) {
    Matrix<float> negated(b.rows, b.cols);
    for (Index i = 0; i < b.rows; ++i) {
        for (Index j = 0; j < b.cols; ++j) {
            negated(i, j) = -b(i, j);
        }
    }
    out.assign(negated.view(), true);
}

/// The lower factor of a small block and its inverse. False when a pivot is not to be trusted:
/// `diagonal` holds what the elements were before anything was subtracted from them.
bool factor_block(View<float> a, const double* diagonal, Dense& inverse) {
    const Index n = a.rows;
    Dense l = Dense::Zero(n, n);
    for (Index j = 0; j < n; ++j) {
        double pivot = static_cast<double>(a(j, j));
        for (Index k = 0; k < j; ++k) {
            pivot -= l(j, k) * l(j, k);
        }
        if (!(pivot > trusted * diagonal[j])) {
            return false;
        }
        l(j, j) = std::sqrt(pivot);
        for (Index i = j + 1; i < n; ++i) {
            double sum = static_cast<double>(a(i, j));
            for (Index k = 0; k < j; ++k) {
                sum -= l(i, k) * l(j, k);
            }
            l(i, j) = sum / l(j, j);
        }
    }
    inverse = l.triangularView<Eigen::Lower>().solve(Dense::Identity(n, n));
    return true;
}

/// a: (n, n), its lower triangle; becomes its Cholesky factor below the diagonal blocks, whose
/// inverses go to `inverses`.
bool factor(Matrix<float>& a, std::vector<Matrix<float>>& inverses) {
    const Index n = a.rows();
    std::vector<double> diagonal;
    for (Index i = 0; i < n; ++i) {
        diagonal.push_back(static_cast<double>(a(i, i)));
    }
    Packed<float> right;
    Dense inverse;
    for (Index first = 0; first < n; first += block) {
        const Index width = std::min(block, n - first), last = first + width;
        const auto rows = [&](Index begin, Index count) {
            return a.view().row_range(begin, count);
        };
        if (first > 0) {
            pack_negated(View<const float>(rows(first, width).column_range(0, first)).transposed(),
                         right);
            for_rows(first, n, [&](Index begin, Index count) {
                multiply_packed<float>(rows(begin, count).column_range(0, first), right,
                                       rows(begin, count).column_range(first, width), true);
            });
        }
        if (!factor_block(rows(first, width).column_range(first, width), diagonal.data() + first,
                          inverse)) {
            return false;
        }
        Matrix<float>& kept = inverses.emplace_back(width, width);
        std::copy_n(inverse.data(), width * width, kept.row(0));
        if (last < n) {
            right.assign(kept.view().transposed());
            for_rows(last, n, [&](Index begin, Index count) {
                Matrix<float> left(count, width);
                for (Index i = 0; i < count; ++i) {
                    std::copy_n(a.row(begin + i) + first, width, left.row(i));
                }
                multiply_packed<float>(left.view(), right,
                                       rows(begin, count).column_range(first, width));
            });
        }
    }
    return true;
}

/// The inverse of the lower factor. Block row after block row is finished and at once subtracted
/// from those below.
Matrix<float> invert(const Matrix<float>& l, const std::vector<Matrix<float>>& inverses) {
    const Index n = l.rows();
    Matrix<float> inverse(n, n);
    Packed<float> right;
    for (Index first = 0; first < n; first += block) {
        const Matrix<float>& own = inverses[extent(first / block)];
        const Index width = own.rows(), last = first + width;
        const View<float> mine = inverse.view().row_range(first, width);
        if (first > 0) {
            Matrix<float> sums(width, first);
            for (Index i = 0; i < width; ++i) {
                std::copy_n(mine.row(i), first, sums.row(i));
            }
            multiply<float>(own.view(), sums.view(), mine.column_range(0, first));
        }
        for (Index i = 0; i < width; ++i) {
            std::copy_n(own.row(i), width, mine.row(i) + first);
        }
        if (last < n) {
            pack_negated(mine.column_range(0, last), right);
            for_rows(last, n, [&](Index begin, Index count) {
                multiply_packed<float>(
                    l.view().row_range(begin, count).column_range(first, width), right,
                    inverse.view().row_range(begin, count).column_range(0, last), true);
            });
        }
    }
    return inverse;
}

/// Row and column i of the result are row and column n - 1 - i.
template <class Out>
void turn_round(View<const float> from, double damping, Out& out) {
    const Index n = from.rows;
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j <= i; ++j) {
            out(i, j) = from(n - 1 - i, n - 1 - j);
        }
        using Scalar = std::remove_reference_t<decltype(out(i, i))>;
        out(i, i) = static_cast<Scalar>(static_cast<double>(from(n - 1 - i, n - 1 - i)) + damping);
    }
}

Matrix<float> invert_in_double(View<const float> h, double damping) {
    const Index n = h.rows;
    Dense a = Dense::Zero(n, n);
    turn_round(h, damping, a);
    const Eigen::LLT<Dense, Eigen::Lower> l(a);
    const double smallest = l.info() == Eigen::Success ? l.matrixLLT().diagonal().minCoeff() : 0;
    if (!(smallest > 0) || !std::isfinite(smallest)) {
        throw Error(Error::Code::bad_param,
                    fmt::format("the Hessian plus a damping of {} is not positive definite: some "
                                "input channels are combinations of others",
                                format_number(damping)),
                    "raise --damping, or calibrate on more tokens");
    }
    const Dense inverse = l.matrixL().solve(Dense::Identity(n, n));
    Matrix<float> out(n, n);
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j <= i; ++j) {
            out(i, j) = static_cast<float>(inverse(i, j));
        }
    }
    return out;
}

}  // namespace

InverseFactor inverse_factor(View<const float> h, double damping) {
    const Index n = h.rows;
    InverseFactor result;
    Matrix<float> lower(n, n), inverse;
    std::vector<Matrix<float>> block_inverses;
    turn_round(h, damping, lower);
    if (factor(lower, block_inverses)) {
        inverse = invert(lower, block_inverses);
    } else {
        inverse = invert_in_double(h, damping);
        result.in_double = true;
    }
    result.upper.resize(n, n);
    parallel_for(extent(n), 64, [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<Index>(begin); i < static_cast<Index>(end); ++i) {
            const float* from = inverse.row(n - 1 - i);
            float* to = result.upper.row(i);
            for (Index j = i; j < n; ++j) {
                to[j] = from[n - 1 - j];
            }
        }
    });
    return result;
}

}  // namespace nibble
