// What the GPTQ lab knows of one layer: its weights and inputs, and every moment of its rounding.
//
// W (rows, cols), X (tokens, cols), y = x W^T. Distances are squared: of the weights
// ||Q - W||_F^2, of the outputs tr((Q - W) X^T X (Q - W)^T).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/model/weights.hpp"
#include "sim/quant/gptq.hpp"

namespace nibble::gptq_lab {

enum class From { target, draft, file, synthetic };

/// Where the layer and its tokens come from.
struct Source {
    From from = From::target;
    std::string file;  // a model of the reader's
    Index layer = 0;   // beyond the model's last: the last
    Linear kind = Linear::q;
    int documents = 8;   // of calibration
    double decay = 1;    // synthetic: the k-th eigenvalue of the inputs is k^-decay
    double outlier = 8;  // synthetic: factor of a few channels
};

/// Some tokens that a layer read, summed up.
struct Tokens {
    Index count = 0;
    Matrix<float> gram;            // (cols, cols) X^T X
    std::vector<double> spectrum;  // of 2 X^T X, largest first; of calibration tokens only
};

struct Layer {
    std::string name;
    Matrix<float> weights;                              // (rows, cols)
    Index all_rows = 0, all_cols = 0;                   // of the layer that these are taken from
    std::shared_ptr<const Tokens> calibration, unseen;  // shared by matrices that read the same
};

/// Shared between runs that differ in how the layer is rounded only. Throws what opening a model
/// throws, and Error::bad_param when no file is named.
std::shared_ptr<const Layer> load_layer(const Source& source, const RunContext& context);

/// Squared distances after some columns were rounded.
struct Distances {
    std::vector<double> weights, outputs, unseen;  // one a moment
};

struct Data {
    std::shared_ptr<const Layer> layer;
    GptqOptions options;
    GptqTrace trace;             // of the rows that are rounded
    Matrix<float> rounded, rtn;  // (rows, cols) in the order of W's columns
    double damping = 0;
    Index dead = 0;
    double bits_per_weight = 0;
    std::vector<Index> moments;               // columns rounded, rising from 0 to all
    Distances gptq, nearest;                  // after these
    double output_norm = 0, unseen_norm = 0;  // ||X W^T||_F^2
    bool is_preview = false;

    Index rows() const { return trace.weights.rows(); }
    Index cols() const { return trace.weights.cols(); }
};

/// Rounds the layer both ways. Throws what gptq() throws.
Data quantize(std::shared_ptr<const Layer> layer, const GptqOptions& options,
              const RunContext& context);

}  // namespace nibble::gptq_lab
