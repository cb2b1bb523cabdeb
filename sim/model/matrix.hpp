// Row-major matrices and views of them: what the model's mathematics takes and gives.
//
// The scalar is float in use and double where gradients are checked. Products run on the CPU
// kernels (float) or on Eigen (double); both are the same for any number of threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "sim/core/error.hpp"

namespace nibble {

using Index = std::int64_t;

/// An index that is not negative, as the standard library counts.
constexpr std::size_t extent(Index i) {
    return static_cast<std::size_t>(i);
}

/// A part of somebody else's matrix: element (i, j) at data[i * row_step + j * column_step].
template <class S>
struct View {
    S* data = nullptr;
    Index rows = 0, cols = 0;
    Index row_step = 0, column_step = 1;

    View() = default;
    View(S* values, Index row_count, Index col_count)
        : data(values), rows(row_count), cols(col_count), row_step(col_count) {}
    View(S* values, Index row_count, Index col_count, Index row_stride, Index column_stride)
        : data(values),
          rows(row_count),
          cols(col_count),
          row_step(row_stride),
          column_step(column_stride) {}

    operator View<const S>() const {  // NOLINT(google-explicit-constructor): adding const is safe
        return {data, rows, cols, row_step, column_step};
    }
    S* row(Index i) const { return data + i * row_step; }
    S& operator()(Index i, Index j) const { return data[i * row_step + j * column_step]; }
    bool empty() const { return data == nullptr; }
    View transposed() const { return {data, cols, rows, column_step, row_step}; }
    View row_range(Index first, Index count) const {
        return {data + first * row_step, count, cols, row_step, column_step};
    }
    View column_range(Index first, Index count) const {
        return {data + first * column_step, rows, count, row_step, column_step};
    }
};

/// A read-only view in a signature from which S is not to be deduced.
template <class S>
using In = View<const std::type_identity_t<S>>;

/// Owns its elements. resize() keeps the memory, so a buffer used again and again costs nothing.
template <class S>
class Matrix {
public:
    Matrix() = default;
    Matrix(Index row_count, Index col_count) { resize(row_count, col_count); }

    /// Elements are zero when new, and whatever they were when the memory is used again.
    void resize(Index row_count, Index col_count) {
        rows_ = row_count;
        cols_ = col_count;
        values_.resize(static_cast<std::size_t>(row_count * col_count));
    }
    Index rows() const { return rows_; }
    Index cols() const { return cols_; }
    S* row(Index i) { return values_.data() + i * cols_; }
    const S* row(Index i) const { return values_.data() + i * cols_; }
    S& operator()(Index i, Index j) { return values_[static_cast<std::size_t>(i * cols_ + j)]; }
    const S& operator()(Index i, Index j) const {
        return values_[static_cast<std::size_t>(i * cols_ + j)];
    }
    std::vector<S>& values() { return values_; }
    const std::vector<S>& values() const { return values_; }
    View<S> view() { return {values_.data(), rows_, cols_}; }
    View<const S> view() const { return {values_.data(), rows_, cols_}; }

private:
    Index rows_ = 0, cols_ = 0;
    std::vector<S> values_;
};

/// Rows one after another, whatever the steps of `v`.
template <class S>
Matrix<std::remove_const_t<S>> copy_of(View<S> v) {
    Matrix<std::remove_const_t<S>> out(v.rows, v.cols);
    for (Index r = 0; r < v.rows; ++r) {
        std::copy_n(v.row(r), v.cols, out.row(r));
    }
    return out;
}

/// The right factor of many products, rearranged once.
template <class S>
class Packed {
public:
    /// Packs b (k, n); `parallel` shares out the work.
    void assign(View<const S> b, bool parallel = false);
    Index k() const { return k_; }
    Index n() const { return n_; }
    const S* data() const { return values_.data(); }

private:
    Index k_ = 0, n_ = 0;
    std::vector<S> values_;
};

/// c = a b, or c += a b, on this thread: the first a.cols rows and c.cols columns of b. The columns
/// of c are adjacent.
template <class S>
void multiply_packed(In<S> a, const Packed<std::type_identity_t<S>>& b, View<S> c,
                     bool accumulate = false);

/// c = a b, or c += a b, on all threads. The columns of c are adjacent. With few rows in a, and a b
/// that is the transpose of a weight matrix, every weight is read once.
template <class S>
void multiply(In<S> a, In<S> b, View<S> c, bool accumulate = false);

/// c = a b where every row of c has the bits that multiply() gives it when it comes alone, however
/// many rows there are.
template <class S>
void multiply_rows_alike(In<S> a, In<S> b, View<S> c);

}  // namespace nibble
