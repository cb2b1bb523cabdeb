// Small layers with inputs as real ones have them: channels share causes, some are large.
#pragma once

#include <cmath>

#include "sim/core/rng.hpp"
#include "sim/quant/layer_input.hpp"

namespace nibble::testing {

struct TestLayer {
    Matrix<float> weights;  // (rows, cols)
    Matrix<float> x;        // (tokens, cols)
    LayerInput input() const { return observe(x.view()); }
};

inline TestLayer make_layer(Index rows, Index cols, Index tokens, std::uint64_t seed,
                            bool with_outliers = false) {
    TestLayer layer;
    layer.weights.resize(rows, cols);
    layer.x.resize(tokens, cols);
    const Rng w = Rng(seed).stream("weights"), own = Rng(seed).stream("own"),
              cause = Rng(seed).stream("cause"), mix = Rng(seed).stream("mix");
    for (Index i = 0; i < rows * cols; ++i) {
        layer.weights.values()[static_cast<std::size_t>(i)] =
            static_cast<float>(0.05 * w.normal(static_cast<std::uint64_t>(i)));
    }
    const Index causes = std::max<Index>(2, cols / 8);
    for (Index t = 0; t < tokens; ++t) {
        for (Index c = 0; c < cols; ++c) {
            double v = 0.5 * own.normal(static_cast<std::uint64_t>(t * cols + c));
            for (Index k = 0; k < causes; ++k) {
                v += cause.normal(static_cast<std::uint64_t>(t * causes + k)) *
                     mix.normal(static_cast<std::uint64_t>(k * cols + c)) /
                     std::sqrt(static_cast<double>(causes));
            }
            layer.x(t, c) = static_cast<float>(with_outliers && c % 11 == 3 ? 12 * v : v);
        }
    }
    return layer;
}

/// tr(D H D^T) with H = X^T X in double, D = a - b: sum over tokens of ||D x||^2.
inline double plain_output_error(const Matrix<float>& a, const Matrix<float>& b,
                                 const Matrix<float>& x) {
    double sum = 0;
    for (Index t = 0; t < x.rows(); ++t) {
        for (Index r = 0; r < a.rows(); ++r) {
            double y = 0;
            for (Index c = 0; c < a.cols(); ++c) {
                y += (static_cast<double>(a(r, c)) - static_cast<double>(b(r, c))) *
                     static_cast<double>(x(t, c));
            }
            sum += y * y;
        }
    }
    return sum;
}

}  // namespace nibble::testing
