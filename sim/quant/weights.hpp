// A lab's weight matrix: the rows of it that are looked at, and outliers laid over them on the fly,
// so that moving one costs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/tensor/weight_source.hpp"

namespace nibble {

/// Some rows of a source, and what they tell of the whole.
struct WeightSample {
    std::vector<std::size_t> rows;  // rising: 0, stride, 2 stride, ...
    std::size_t stride = 1;
    std::size_t cols = 0;
    std::vector<float> values;  // (sampled row, column)
    double sigma = 1;           // 1 for synthetic weights, else the standard deviation
    /// Weights by value: bin i of 1024 starts at (i - 512) / 8 sigma; the ends take what is beyond.
    std::vector<double> histogram;

    std::span<const float> row(std::size_t i) const {
        return std::span(values).subspan(i * cols, cols);
    }
    std::size_t bytes() const { return values.size() * sizeof(float); }
};
inline constexpr std::size_t histogram_bins = 1024;
inline constexpr double histogram_bins_per_sigma = 8;
std::size_t histogram_bin(double value_in_sigma);

/// Reads every stride-th row, in parallel, reporting to `context`. Throws Error::bad_param naming
/// the first NaN, infinity or magnitude whose square FP32 cannot hold, and for all zeros.
WeightSample sample_weights(const WeightSource& source, std::size_t stride,
                            const RunContext& context);

enum class OutlierKind { weight, rows, columns, none };

/// What is laid over the base: one weight set to `magnitude` sigma, or whole rows or columns made
/// `magnitude` times larger.
struct Outliers {
    OutlierKind kind = OutlierKind::none;
    double magnitude = 0;  // in sigma
    double sigma = 1;
    std::vector<std::size_t> rows, cols;  // rising; the weight at rows[0], cols[0]

    bool touches(std::size_t row) const;
    /// Whether this row stands for itself only, and not for its neighbours.
    bool is_special(std::size_t row) const;
    /// Changes the weights of that row from column `first` on.
    void apply(std::size_t row, std::size_t first, std::span<float> values) const;
};

/// `count` rows (or columns) evenly spaced from the chosen one; positions wrap into the matrix.
Outliers place_outliers(OutlierKind kind, double magnitude, double sigma, std::size_t row,
                        std::size_t col, std::size_t count, std::size_t rows, std::size_t cols);

}  // namespace nibble
