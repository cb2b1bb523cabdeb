// How the errors of single weights become the tiles of a map that fits a screen.
#pragma once

#include <span>
#include <vector>

#include "sim/quant/quantizer_sweep.hpp"

namespace nibble::quant {

/// A map of a matrix whose every stride-th row is looked at, with nothing on it yet: no tile lacks
/// a row.
ErrorMap blank_map(std::size_t rows, std::size_t cols, std::size_t stride);

/// In eight lanes, so that compilers vectorise it, and in double from 1024 values on.
double sum_of_squares(std::span<const float> values);

/// The squared errors in some rows of tiles, row of the matrix by row.
class TileSums {
public:
    TileSums(const ErrorMap& map, std::size_t first_tile_row, std::size_t tile_rows);

    /// errors: (column) of a row of the matrix that stands for `weight` rows.
    void add(std::size_t row, double weight, std::span<const float> errors);
    /// Writes root mean squares in sigma into `cells` of the map, whose rows have `cols` weights.
    void write(std::vector<float>& cells, std::size_t cols, double sigma) const;

private:
    std::size_t first_, tile_rows_, tile_cols_, across_;
    std::vector<double> squares_;  // (tile row, tile column)
    std::vector<double> rows_;     // (tile row): how many rows went in
};

}  // namespace nibble::quant
