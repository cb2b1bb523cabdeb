#include "sim/model/layer_math.hpp"

#include <Eigen/Dense>
#include <cmath>

#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

constexpr std::size_t rows_a_piece = 64;

template <class S>
using Row = Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>>;
template <class S>
using ConstRow = Eigen::Map<const Eigen::Array<S, 1, Eigen::Dynamic>>;

template <class S>
Row<S> row(View<S> m, std::size_t i) {
    return {m.row(static_cast<Index>(i)), m.cols};
}

template <class S>
ConstRow<S> row(View<const S> m, std::size_t i) {
    return {m.row(static_cast<Index>(i)), m.cols};
}

template <class S, class Body>
void each_row(View<S> m, const Body& body) {
    parallel_for(static_cast<std::size_t>(m.rows), rows_a_piece,
                 [&](std::size_t begin, std::size_t end) {
                     for (std::size_t i = begin; i < end; ++i) {
                         body(i);
                     }
                 });
}

}  // namespace

template <class S>
void rms_norm(In<S> x, In<S> gain, double eps, View<S> out, View<S> inverse_rms) {
    each_row(out, [&](std::size_t i) {
        const auto xi = row<S>(x, i);
        const S inverse = 1 / std::sqrt(xi.square().mean() + static_cast<S>(eps));
        inverse_rms(static_cast<Index>(i), 0) = inverse;
        row<S>(out, i) = xi * inverse * row<S>(gain, 0);
    });
}

template <class S>
void rms_norm_backward(In<S> x, In<S> gain, In<S> inverse_rms, In<S> d_out, View<S> dx,
                       View<S> d_gain) {
    using Sums = Eigen::Array<S, 1, Eigen::Dynamic>;
    row<S>(d_gain, 0) += parallel_reduce(
        static_cast<std::size_t>(x.rows), rows_a_piece, Sums(Sums::Zero(x.cols)),
        [&](std::size_t begin, std::size_t end) {
            Sums sums = Sums::Zero(x.cols);
            for (std::size_t i = begin; i < end; ++i) {
                const S inverse = inverse_rms(static_cast<Index>(i), 0);
                const auto xi = row<S>(x, i), di = row<S>(d_out, i);
                const S slope = (di * row<S>(gain, 0) * xi).mean() * inverse * inverse;
                sums += di * xi * inverse;
                row<S>(dx, i) += (di * row<S>(gain, 0) - xi * slope) * inverse;
            }
            return sums;
        },
        [](Sums a, const Sums& b) { return Sums(a + b); });
}

template <class S>
void swiglu(In<S> gate, In<S> up, View<S> out) {
    each_row(out, [&](std::size_t i) {
        const auto g = row<S>(gate, i);
        row<S>(out, i) = g / (1 + (-g).exp()) * row<S>(up, i);
    });
}

template <class S>
void swiglu_backward(In<S> d_out, View<S> gate, View<S> up) {
    each_row(gate, [&](std::size_t i) {
        auto g = row<S>(gate, i);
        auto u = row<S>(up, i);
        const auto d = row<S>(d_out, i);
        constexpr Index at_once = 64;  // short enough to stay in registers and cache
        for (Index j = 0; j < gate.cols; j += at_once) {
            using Part = Eigen::Array<S, 1, Eigen::Dynamic, Eigen::RowMajor, 1, at_once>;
            const Index n = std::min(at_once, gate.cols - j);
            const Part sigmoid = 1 / (1 + (-g.segment(j, n)).exp());
            const Part silu = g.segment(j, n) * sigmoid;
            const Part slope = sigmoid * (1 + g.segment(j, n) - silu);
            g.segment(j, n) = d.segment(j, n) * u.segment(j, n) * slope;
            u.segment(j, n) = d.segment(j, n) * silu;
        }
    });
}

template <class S>
void cross_entropy(View<S> logits, std::span<const std::int32_t> targets, std::span<S> losses,
                   const S* gradient_weight) {
    each_row(logits, [&](std::size_t i) {
        auto z = row<S>(logits, i);
        const auto target = static_cast<Index>(targets[i]);
        const S top = z.maxCoeff(), at_target = z[target];
        if (gradient_weight) {
            z = (z - top).exp();
            const S sum = z.sum();
            losses[i] = std::log(sum) + top - at_target;
            z *= *gradient_weight / sum;
            z[target] -= *gradient_weight;
        } else {
            losses[i] = std::log((z - top).exp().sum()) + top - at_target;
        }
    });
}

#define NIBBLE_INSTANTIATE(S)                                                      \
    template void rms_norm(In<S>, In<S>, double, View<S>, View<S>);                \
    template void rms_norm_backward(In<S>, In<S>, In<S>, In<S>, View<S>, View<S>); \
    template void swiglu(In<S>, In<S>, View<S>);                                   \
    template void swiglu_backward(In<S>, View<S>, View<S>);                        \
    template void cross_entropy(View<S>, std::span<const std::int32_t>, std::span<S>, const S*);
NIBBLE_INSTANTIATE(float)
NIBBLE_INSTANTIATE(double)
#undef NIBBLE_INSTANTIATE

}  // namespace nibble
