#include "sim/quant/quantizer_map.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "sim/core/arithmetic.hpp"

namespace nibble::quant {
namespace {

constexpr std::size_t most_rows = 64, most_cols = 256;  // tiles

}  // namespace

ErrorMap blank_map(std::size_t rows, std::size_t cols, std::size_t stride) {
    ErrorMap map;
    map.tile_rows = ceil_div(ceil_div(rows, most_rows), stride) * stride;
    map.tile_cols = ceil_div(cols, most_cols);
    map.rows = ceil_div(rows, map.tile_rows);
    map.cols = ceil_div(cols, map.tile_cols);
    map.chosen.assign(map.rows * map.cols, std::numeric_limits<float>::quiet_NaN());
    map.tensor = map.chosen;
    return map;
}

double sum_of_squares(std::span<const float> values) {
    constexpr std::size_t lanes = 8, longest = 1024;
    double total = 0;
    for (std::size_t begin = 0; begin < values.size(); begin += longest) {
        const auto piece = values.subspan(begin, std::min(longest, values.size() - begin));
        std::array<float, lanes> sums = {};
        std::size_t i = 0;
        for (; i + lanes <= piece.size(); i += lanes) {
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                sums[lane] += piece[i + lane] * piece[i + lane];
            }
        }
        for (; i < piece.size(); ++i) {
            sums[i % lanes] += piece[i] * piece[i];
        }
        for (const float sum : sums) {
            total += static_cast<double>(sum);
        }
    }
    return total;
}

TileSums::TileSums(const ErrorMap& map, std::size_t first_tile_row, std::size_t tile_rows)
    : first_(first_tile_row),
      tile_rows_(map.tile_rows),
      tile_cols_(map.tile_cols),
      across_(map.cols),
      squares_(tile_rows * map.cols, 0.0),
      rows_(tile_rows, 0.0) {}

void TileSums::add(std::size_t row, double weight, std::span<const float> errors) {
    const std::size_t tile_row = row / tile_rows_ - first_;
    rows_[tile_row] += weight;
    for (std::size_t tile = 0; tile < across_; ++tile) {
        const std::size_t first = tile * tile_cols_;
        const auto piece = errors.subspan(first, std::min(tile_cols_, errors.size() - first));
        squares_[tile_row * across_ + tile] += weight * sum_of_squares(piece);
    }
}

void TileSums::write(std::vector<float>& cells, std::size_t cols, double sigma) const {
    for (std::size_t i = 0; i < squares_.size(); ++i) {
        const std::size_t tile_row = i / across_, tile = i % across_;
        if (rows_[tile_row] > 0) {
            const auto wide = static_cast<double>(std::min(tile_cols_, cols - tile * tile_cols_));
            cells[first_ * across_ + i] =
                static_cast<float>(std::sqrt(squares_[i] / (rows_[tile_row] * wide)) / sigma);
        }
    }
}

}  // namespace nibble::quant
