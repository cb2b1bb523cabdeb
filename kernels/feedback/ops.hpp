// Quantizing columns one after another, each weight's error fed into the columns that follow.
//
// The inner loop of GPTQ (Frantar et al. 2022, algorithm 1): column i of a block is rounded, and
// e = (w - q) / U_ii is taken, times row i of the factor U, from every later column of the block.
// Rows of the weight matrix do not depend on each other, so they are the lanes: a tile is held with
// its columns as rows. Runs on the calling thread and allocates nothing.
#pragma once

#include <cstddef>

namespace nibble::kernels {

/// Rows of the weight matrix that one call works on.
inline constexpr std::size_t feedback_rows = 32;

/// Part of a matrix held column by column: row r of column c at [c * step + r], r < feedback_rows.
struct FeedbackTile {
    float* weights;  // (columns): in, the weights; out, what they were when their turn came
    float* codes;    // (columns) out, whole numbers
    float* errors;   // (columns) out, (w - q) / U_cc
    std::size_t step;
};

/// How the rows of a column are rounded: code = clamp(round(w / scale) + zero, 0, max_code), halves
/// to even, and back q = (code - zero) * scale.
struct ColumnGrid {
    const float* scale;  // (feedback_rows), > 0
    const float* zero;   // (feedback_rows), whole numbers
};

/// Quantizes columns first .. last - 1 and corrects the later ones up to `columns`.
/// factor: (columns, columns), upper triangle, rows factor_step apart. grids: (columns).
void feed_errors_forward(const FeedbackTile& tile, std::size_t first, std::size_t last,
                         std::size_t columns, const float* factor, std::size_t factor_step,
                         const ColumnGrid* grids, float max_code);

}  // namespace nibble::kernels
