// Times of single kernels that others measured and published, one file of data/measured a machine:
// matrix products and attention, each beside what the roofline says of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/published/published_file.hpp"
#include "sim/roofline/roofline.hpp"

namespace nibble {

/// C[tokens, outputs] = A[tokens, inputs] W[inputs, outputs], on the whole device.
struct MeasuredGemm {
    double tokens, outputs, inputs;
    Seconds time;
};

struct GemmSeries {
    std::string kernel;  // "INT4 weights, 16-bit activations"
    double weight_bits, activation_bits;
    std::vector<MeasuredGemm> rows;
};

/// One layer of attention with heads of 128.
struct MeasuredAttention {
    double heads, kv_heads, batch, context;
    Seconds time;
};

struct AttentionSeries {
    bool decode;  // else the whole prompt at once
    double kv_bits;
    std::vector<MeasuredAttention> rows;
};

struct Measurements : Citation {
    std::string device;   // id of the sheet: the file's name
    std::string machine;  // what they ran on
    std::vector<GemmSeries> gemms;
    std::vector<AttentionSeries> attentions;

    Origin origin() const { return {Origin::Kind::recorded, machine}; }
};

/// The same as an operator, for the roofline.
Operator operator_of(const GemmSeries& series, const MeasuredGemm& row);
Operator operator_of(const AttentionSeries& series, const MeasuredAttention& row);
Precision precision_of(const GemmSeries& series);

/// Throws Error::bad_file naming the line and key, Error::io when unreadable.
Measurements read_measurements(const std::filesystem::path& path);

}  // namespace nibble
