// Products of dense float matrices on the CPU, for one thread; the caller shares out the rows.
//
// The right factor is packed once into panels that fit the first-level cache (Goto and van de Geijn
// 2008) and is then multiplied by any number of row blocks. Every element of the result is summed
// over k in ascending order, whatever the cut into rows, so results do not depend on who computes
// which rows; instruction sets with fused multiply-add agree with each other.
#pragma once

#include <cstddef>

namespace nibble::kernels {

/// A matrix anywhere in memory: element (i, j) at data[i * row_step + j * column_step].
struct StridedMatrix {
    const float* data;
    std::ptrdiff_t row_step, column_step;
};

/// What pack() made of a (k, n) matrix; does not own it.
struct PackedMatrix {
    const float* data;
    std::size_t k, n;
};

/// Columns of a panel on this machine.
std::size_t panel_width();
std::size_t panel_count(std::size_t n);
/// Floats that pack() writes.
std::size_t packed_size(std::size_t k, std::size_t n);
/// Packs the panels [first, last) of the (k, n) matrix `b` into their places in `packed`.
void pack(StridedMatrix b, std::size_t k, std::size_t n, std::size_t first, std::size_t last,
          float* packed);

/// c (m, n) = a (m, k) b, or c += when `accumulate`; c has rows of c_step floats. Uses the first
/// k <= b.k rows and n <= b.n columns of b.
void multiply(StridedMatrix a, std::size_t m, PackedMatrix b, std::size_t k, std::size_t n,
              float* c, std::size_t c_step, bool accumulate);

/// y (m, n) = x (m, k) w^T for few rows m: each row of w (n, k) is read from memory once.
void multiply_few(const float* x, std::size_t x_step, std::size_t m, const float* w,
                  std::size_t w_step, std::size_t n, std::size_t k, float* y, std::size_t y_step);

}  // namespace nibble::kernels
