// Values to try a format on: all weights of a source, or runs of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/tensor/weight_source.hpp"

namespace nibble {

struct TensorSample {
    std::string name;           // of the source
    std::int64_t total = 0;     // elements of the whole tensor
    std::vector<float> values;  // all of them, or evenly spaced runs of `run_length`
    double absmax = 0;          // over the finite values of the sample; 0 when there are none
    static constexpr std::size_t run_length = 64;  // a multiple of every block format's block

    bool is_whole() const { return total == static_cast<std::int64_t>(values.size()); }
    std::size_t bytes() const { return values.size() * sizeof(float); }
};

/// At most `limit` values (rounded up to a whole run), each times `scale`. Throws Error::bad_file
/// when none of them is finite.
TensorSample sample_values(const WeightSource& source, double scale, std::size_t limit,
                           const RunContext& context);

}  // namespace nibble
