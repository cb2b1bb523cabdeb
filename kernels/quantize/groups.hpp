// Group-wise quantization of a matrix on a device of choice: ops.hpp for many rows at once.
//
// The matrix is laid on the device once and quantized again and again, with other scales and on
// other grids. Codes and values have the same bits on every machine, and so has the squared error
// of each group; only sums over several groups may differ in their last digits, where the processor
// goes on adding in float lanes across groups (ops.hpp).
//
//     DeviceWeights weights(device(Machine::cuda), {rows, columns, group_size});
//     weights.load(values);
//     group_ranges(weights, low, high);                 // from which the caller makes scales
//     quantize(weights, scales, IntegerGrid{-7, 7}, {.rows = errors, .dequantized = values});
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "kernels/device.hpp"
#include "kernels/quantize/ops.hpp"

namespace nibble::kernels {

/// Rows of weights, each cut into groups; the last group of a row may be shorter.
struct GroupShape {
    std::size_t rows = 0, columns = 0, group_size = 1;

    std::size_t values() const { return rows * columns; }
    std::size_t groups_per_row() const { return (columns + group_size - 1) / group_size; }
    std::size_t groups() const { return rows * groups_per_row(); }
};

/// Where the results of a matrix go; an empty span is not filled.
struct MatrixOut {
    std::span<RoundingError> rows = {};    // (row): the error of all its groups together
    std::span<RoundingError> groups = {};  // (row, group)
    std::span<std::int16_t> codes = {};    // (row, column)
    std::span<float> dequantized = {};     // (row, column)
};

/// What codes stand for.
using Grid = std::variant<IntegerGrid, Codebook, FloatFormat>;

class DeviceWeights {
public:
    /// Memory for matrices of at most this shape. Throws DeviceError when the device refuses.
    DeviceWeights(const Device& where, const GroupShape& largest);
    ~DeviceWeights();
    DeviceWeights(DeviceWeights&&) noexcept;
    DeviceWeights& operator=(DeviceWeights&&) noexcept;

    /// values: (rows, columns) finite weights; `rows` may be fewer than there is memory for. On the
    /// processor they stay where they are, and must outlive what is done with them.
    void load(std::span<const float> values);

    const Device& where() const;
    const GroupShape& shape() const;  // of what is loaded

    struct Inside;
    Inside& inside() const { return *inside_; }

private:
    std::unique_ptr<Inside> inside_;
};

// On the processor these run on the calling thread. They throw DeviceError when the device refuses.

/// Smallest and largest value of each group. low, high: (row, group).
void group_ranges(const DeviceWeights& weights, std::span<float> low, std::span<float> high);

/// scales: (row, group).
void quantize(const DeviceWeights& weights, const GroupScales& scales, const Grid& grid,
              const MatrixOut& out);

/// Seconds that a GPU takes, by its own clock, from weights in its memory to ranges and codes in
/// its memory, with given scales; the best of `passes`. Nothing on machines without such a clock:
/// the processor, whose callers measure it as they use it, and the emulator, whose time says
/// nothing.
std::optional<double> seconds_for_codes(const DeviceWeights& weights, const GroupScales& scales,
                                        const Grid& grid, int passes);

}  // namespace nibble::kernels
