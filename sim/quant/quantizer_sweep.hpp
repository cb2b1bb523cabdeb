// The work of the quantizer lab: one matrix, every bit width, per tensor and at the chosen
// granularity, while each row is in cache;
// on a GPU or the emulator, batch after batch of rows.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/quant/double_quantization.hpp"
#include "sim/quant/quantizer.hpp"
#include "sim/quant/weights.hpp"

namespace nibble::quant {

inline constexpr int fewest_bits = 2, most_bits = 8;
using BitsArray = std::array<double, most_bits - fewest_bits + 1>;

/// Sums over all weights; where rows were sampled, the estimate for all.
struct Totals {
    double squared_error = 0, zeros = 0;
    double largest_error = 0;
};

struct GroupError {
    std::size_t row = 0, group = 0;  // of the row
    double squared_error = 0, tensor_squared_error = 0;
};

/// |error| of tiles of weights, root mean square where a tile holds several, in sigma; NaN where
/// nothing was sampled.
struct ErrorMap {
    std::size_t tile_rows = 1, tile_cols = 1;
    std::size_t rows = 0, cols = 0;     // in tiles
    std::vector<float> chosen, tensor;  // (tile row, tile column)
};

/// How fast the quantizer ran: FP32 weights in, one code out for each.
struct Rate {
    double weights_per_second = 0;
    std::string source;  // "Intel Xeon, AVX-512, 16 threads, 16.4 kB of weights": what was timed
};

struct Data {
    std::shared_ptr<const WeightSource> source;
    Outliers outliers;
    Quantizer chosen, tensor;                         // tensor: the same codes, one scale for all
    kernels::Machine device = kernels::Machine::cpu;  // that was asked for
    std::size_t stride = 1;                           // of the rows that were looked at
    std::vector<std::size_t> rows;                    // those rows
    double sigma = 1;                                 // of the weights without outliers
    double signal = 0;                                // sum of squared weights
    float low = 0, high = 0;                          // smallest and largest weight
    /// The same without the lone outlier; NaN when there is none, or nothing beside it.
    float others_low = 0, others_high = 0;
    Totals chosen_totals, tensor_totals;
    /// Squared errors of integer codes of 2 .. 8 bits: of the chosen scheme, or absmax.
    BitsArray chosen_by_bits = {}, tensor_by_bits = {};
    ErrorMap map;
    /// Mean squared error in sigma^2 of the worst group in each run of `groups_per_bin` groups.
    std::size_t groups_per_bin = 1;
    std::vector<double> chosen_by_group, tensor_by_group;
    std::vector<GroupError> worst_groups;  // worst first
    std::vector<double> histogram;         // bins of WeightSample
    DoubleQuantized stored_extents;        // (row of rows, group); empty unless double-quantized
    std::optional<Rate> rate;              // none on the emulator

    std::size_t weights() const { return source->rows * source->cols; }
    std::size_t groups() const { return source->rows * chosen.groups_per_row(source->cols); }
    /// Mean squared error in sigma^2.
    double mse(double squared_error) const {
        return squared_error / static_cast<double>(weights()) / (sigma * sigma);
    }
    double sqnr(double squared_error) const;
};

/// Times the quantizer on the first rows of the sample, best of a few passes. On the processor that
/// is ranges, scales and codes on all threads; on a GPU ranges and codes, by its own clock, with
/// the weights in its memory. Nothing on the emulator, whose time is not a speed.
std::optional<Rate> measure_rate(const WeightSample& sample, const Quantizer& quantizer,
                                 const RunContext& context);

/// Worst groups that are kept for the table.
inline constexpr std::size_t groups_in_table = 64;

/// Quantizes `sample` with `outliers` over it. Throws Error::cancelled, and Error::bad_param when
/// nothing but zeros is left.
Data sweep(std::shared_ptr<const WeightSource> source, const WeightSample& sample,
           const Outliers& outliers, const Quantizer& chosen, const RunContext& context);

/// One group, looked at again: what the equation and the levels on the histogram show.
struct GroupView {
    std::size_t row = 0, group = 0, first_col = 0, size = 0;
    float low = 0, high = 0;  // the range that made the scale
    double scale = 1, stored_scale = 1, zero_point = 0;
    double squared_error = 0;
    std::vector<double> levels;  // in sigma, rising
};
/// The group that holds the weight at (row, col), clamped into the matrix.
GroupView look_at_group(const Data& data, std::size_t row, std::size_t col);
/// The levels of one scale for the whole tensor, in sigma.
std::vector<double> tensor_levels(const Data& data);

}  // namespace nibble::quant
