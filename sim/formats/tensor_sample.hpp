// Values to try a format on: synthetic weights, or a tensor of the reader's file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"

namespace nibble {

enum class SampleDistribution { normal, student_t, uniform };

struct TensorSample {
    std::string name;           // "normal weights", or the tensor's name
    std::int64_t total = 0;     // elements of the whole tensor
    std::vector<float> values;  // all of them, or evenly spaced runs of `run_length`
    double absmax = 0;          // over the finite values of the sample; 0 when there are none
    static constexpr std::size_t run_length = 64;  // a multiple of every block format's block

    bool is_whole() const { return total == static_cast<std::int64_t>(values.size()); }
    std::size_t bytes() const { return values.size() * sizeof(float); }
};

/// `count` independent draws with standard deviation `spread`; Student t has 5 degrees of freedom.
TensorSample synthetic_sample(SampleDistribution distribution, double spread, std::int64_t count,
                              const RunContext& context);

/// At most `limit` values (rounded up to a whole run) of a .npy, .safetensors or .gguf tensor; an
/// empty name takes the first matrix. Throws what TensorFile throws, Error::bad_param for a
/// tensor without elements, and Error::bad_file when the sample has no finite value.
TensorSample file_sample(const std::string& path, const std::string& tensor, std::int64_t limit,
                         const RunContext& context);

}  // namespace nibble
