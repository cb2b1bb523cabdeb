#include "sim/model/matrix.hpp"

#include <Eigen/Dense>

#include "kernels/gemm/ops.hpp"
#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

constexpr Index few_rows = 8;               // below this, packing costs more than it saves
constexpr Index rows_a_task = 96;           // what the kernel keeps in its second-level cache
constexpr Index products_a_task = 1 << 20;  // 4 MB of weights; less is not worth handing over

kernels::StridedMatrix strided(View<const float> v) {
    return {v.data, v.row_step, v.column_step};
}

using AnyStride = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const RowMajor, 0, AnyStride> eigen(View<const double> v) {
    return {v.data, v.rows, v.cols, AnyStride(v.row_step, v.column_step)};
}

Eigen::Map<RowMajor, 0, AnyStride> eigen(View<double> v) {
    return {v.data, v.rows, v.cols, AnyStride(v.row_step, v.column_step)};
}

void eigen_multiply(View<const double> a, View<const double> b, View<double> c, bool accumulate) {
    if (accumulate) {
        eigen(c).noalias() += eigen(a) * eigen(b);
    } else {
        eigen(c).noalias() = eigen(a) * eigen(b);
    }
}

}  // namespace

template <>
void Packed<float>::assign(View<const float> b, bool parallel) {
    k_ = b.rows;
    n_ = b.cols;
    values_.resize(kernels::packed_size(extent(k_), extent(n_)));
    const auto pack = [&](std::size_t first, std::size_t last) {
        kernels::pack(strided(b), extent(k_), extent(n_), first, last, values_.data());
    };
    const std::size_t panels = kernels::panel_count(extent(n_));
    if (parallel) {
        parallel_for(panels, 4, pack);
    } else {
        pack(0, panels);
    }
}

template <>
void Packed<double>::assign(View<const double> b, bool) {
    k_ = b.rows;
    n_ = b.cols;
    values_.resize(extent(k_ * n_));
    eigen(View<double>(values_.data(), k_, n_)) = eigen(b);
}

template <>
void multiply_packed<float>(In<float> a, const Packed<float>& b, View<float> c, bool accumulate) {
    NIBBLE_ASSERT(a.rows == c.rows && a.cols <= b.k() && c.cols <= b.n() && c.column_step == 1,
                  "the shapes of a product agree");
    kernels::multiply(strided(a), extent(a.rows), {b.data(), extent(b.k()), extent(b.n())}, extent(a.cols),
                      extent(c.cols), c.data, extent(c.row_step), accumulate);
}

template <>
void multiply_packed<double>(In<double> a, const Packed<double>& b, View<double> c,
                             bool accumulate) {
    NIBBLE_ASSERT(a.rows == c.rows && a.cols <= b.k() && c.cols <= b.n() && c.column_step == 1,
                  "the shapes of a product agree");
    eigen_multiply(a, View<const double>(b.data(), a.cols, c.cols, b.n(), 1), c, accumulate);
}

template <>
void multiply<float>(In<float> a, In<float> b, View<float> c, bool accumulate) {
    NIBBLE_ASSERT(a.rows == c.rows && a.cols == b.rows && b.cols == c.cols && c.column_step == 1,
                  "the shapes of a product agree");
    if (a.rows <= few_rows && b.row_step == 1 && a.column_step == 1 && !accumulate) {
        const Index grain = std::max<Index>(16, products_a_task / (a.rows * a.cols));
        parallel_for(extent(b.cols), extent(grain), [&](std::size_t first, std::size_t last) {
            kernels::multiply_few(a.data, extent(a.row_step), extent(a.rows),
                                  b.data + static_cast<Index>(first) * b.column_step,
                                  extent(b.column_step), last - first, extent(a.cols), c.data + first,
                                  extent(c.row_step));
        });
        return;
    }
    Packed<float> packed;
    packed.assign(b, true);
    parallel_for(extent(a.rows), rows_a_task, [&](std::size_t first, std::size_t last) {
        const auto begin = static_cast<Index>(first), count = static_cast<Index>(last - first);
        multiply_packed(a.row_range(begin, count), packed, c.row_range(begin, count), accumulate);
    });
}

template <>
void multiply_rows_alike<float>(In<float> a, In<float> b, View<float> c) {
    for (Index first = 0; first < a.rows; first += few_rows) {
        const Index count = std::min(few_rows, a.rows - first);
        multiply<float>(a.row_range(first, count), b, c.row_range(first, count));
    }
}

template <>
void multiply<double>(In<double> a, In<double> b, View<double> c, bool accumulate) {
    NIBBLE_ASSERT(a.rows == c.rows && a.cols == b.rows && b.cols == c.cols && c.column_step == 1,
                  "the shapes of a product agree");
    eigen_multiply(a, b, c, accumulate);
}

template <>
void multiply_rows_alike<double>(In<double> a, In<double> b, View<double> c) {
    for (Index i = 0; i < a.rows; ++i) {
        multiply<double>(a.row_range(i, 1), b, c.row_range(i, 1));
    }
}

}  // namespace nibble
