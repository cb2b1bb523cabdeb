// Where a lab's weights come from: random ones, each of which can be made again at any time, or a
// tensor of the reader's file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "sim/core/experiment.hpp"

namespace nibble {

/// A matrix that hands out any piece of a row. Immutable; any number of threads may read.
struct WeightSource {
    std::size_t rows = 0, cols = 0;
    std::string name;  // "normal", or the tensor's name
    std::string key;   // equal keys, equal values
    bool synthetic = true;
    /// Fills `out` with the weights from column `first` of the row on, within the row.
    std::function<void(std::size_t row, std::size_t first, std::span<float> out)> read;
};

enum class WeightDistribution { normal, student_t, uniform };

/// Independent weights of variance 1. `dof` of Student t, above 2.
std::shared_ptr<const WeightSource> synthetic_weights(WeightDistribution distribution, double dof,
                                                      std::size_t rows, std::size_t cols,
                                                      std::uint64_t seed);

/// A tensor of a .npy, .safetensors or .gguf file; an empty name takes the first matrix. One axis
/// is one row; more than two are flattened to rows x last axis. Throws what TensorFile throws, and
/// Error::bad_param for a tensor without elements.
std::shared_ptr<const WeightSource> file_weights(const std::string& path,
                                                 const std::string& tensor);

/// The weights from the `index`-th on, row after row.
void read_in_order(const WeightSource& source, std::size_t index, std::span<float> out);

}  // namespace nibble
