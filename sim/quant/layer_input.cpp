#include "sim/quant/layer_input.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/arithmetic.hpp"
#include "sim/core/parallel.hpp"
#include "sim/quant/integer_weights.hpp"

namespace nibble {
namespace {

constexpr Index gram_rows = 96;      // as the product's kernel likes them
constexpr Index form_columns = 256;  // of a block of a quadratic form
constexpr std::size_t mirror_tile = 64;

}  // namespace

Matrix<float> gram_of(View<const float> tokens) {
    const Index n = tokens.cols;
    Packed<float> right;
    right.assign(tokens, true);
    Matrix<float> gram(n, n);
    const auto size = static_cast<std::size_t>(n);
    parallel_for(size, gram_rows, [&](std::size_t begin, std::size_t end) {
        const auto first = static_cast<Index>(begin), last = static_cast<Index>(end);
        multiply_packed<float>(tokens.transposed().row_range(first, last - first), right,
                               gram.view().row_range(first, last - first).column_range(0, last));
    });
    // Tiles of 64 x 64, so that a cache line of the other triangle is used while it is there.
    parallel_for(size, mirror_tile, [&](std::size_t begin, std::size_t end) {
        const auto first = static_cast<Index>(begin), last = static_cast<Index>(end);
        for (Index tile = first; tile < n; tile += static_cast<Index>(mirror_tile)) {
            const Index stop = std::min(n, tile + static_cast<Index>(mirror_tile));
            for (Index i = first; i < last; ++i) {
                for (Index j = std::max(i + 1, tile); j < stop; ++j) {
                    gram(i, j) = gram(j, i);
                }
            }
        }
    });
    return gram;
}

LayerInput observe(View<const float> tokens, bool with_gram) {
    check_finite(tokens, "the calibration input");
    LayerInput input;
    input.tokens = tokens;
    const auto cols = static_cast<std::size_t>(tokens.cols);
    input.max_abs.resize(cols);
    std::vector<double> sums(cols);
    for (Index t = 0; t < tokens.rows; ++t) {
        const float* x = tokens.row(t);
        for (std::size_t c = 0; c < cols; ++c) {
            const float size = std::abs(x[c]);
            sums[c] += static_cast<double>(size);
            input.max_abs[c] = std::max(input.max_abs[c], size);
        }
    }
    for (const double sum : sums) {
        input.mean_abs.push_back(static_cast<float>(sum / static_cast<double>(tokens.rows)));
    }
    if (with_gram) {
        input.gram = gram_of(tokens);
    }
    return input;
}

QuadraticForm::QuadraticForm(View<const float> symmetric) : cols_(symmetric.cols) {
    blocks_.resize(static_cast<std::size_t>(ceil_div(cols_, form_columns)));
    parallel_for(blocks_.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t b = begin; b < end; ++b) {
            const Index first = static_cast<Index>(b) * form_columns;
            const Index last = std::min(cols_, first + form_columns);
            Matrix<float> block(last, last - first);
            for (Index i = 0; i < last; ++i) {
                const float factor = i < first ? 2.0F : 1.0F;
                for (Index j = first; j < last; ++j) {
                    block(i, j - first) = factor * symmetric(i, j);
                }
            }
            blocks_[b].assign(block.view());
        }
    });
}

double QuadraticForm::operator()(View<const float> d) const {
    Matrix<float> product;
    double sum = 0;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        const Index first = static_cast<Index>(b) * form_columns;
        product.resize(d.rows, blocks_[b].n());
        multiply_packed<float>(d.column_range(0, blocks_[b].k()), blocks_[b], product.view());
        for (Index r = 0; r < d.rows; ++r) {
            const float* x = d.row(r) + first;
            const float* y = product.row(r);
            double row = 0;
            for (Index j = 0; j < product.cols(); ++j) {
                row += static_cast<double>(x[j]) * static_cast<double>(y[j]);
            }
            sum += row;
        }
    }
    return sum;
}

double squared_distance(View<const float> a, View<const float> b) {
    return parallel_reduce(
        static_cast<std::size_t>(a.rows), 64, 0.0,
        [&](std::size_t begin, std::size_t end) {
            double sum = 0;
            for (auto r = static_cast<Index>(begin); r < static_cast<Index>(end); ++r) {
                for (Index c = 0; c < a.cols; ++c) {
                    const double d = static_cast<double>(a(r, c)) -
                                     (b.empty() ? 0.0 : static_cast<double>(b(r, c)));
                    sum += d * d;
                }
            }
            return sum;
        },
        [](double x, double y) { return x + y; });
}

double output_error(View<const float> weights, View<const float> changed,
                    View<const float> tokens) {
    Matrix<float> change(weights.rows, weights.cols);
    for (Index r = 0; r < weights.rows; ++r) {
        for (Index c = 0; c < weights.cols; ++c) {
            change(r, c) = weights(r, c) - changed(r, c);
        }
    }
    Matrix<float> moved(tokens.rows, weights.rows);
    multiply<float>(tokens, change.view().transposed(), moved.view());
    return squared_distance(moved.view());
}

}  // namespace nibble
