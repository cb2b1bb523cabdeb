// A small Llama learning one kind of text in front of the reader, or the losses of a run that
// `nibble train` did before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/core/outcome.hpp"
#include "sim/model/train.hpp"

namespace nibble::training_lab {

enum class Text { stories, arithmetic, code, records, all };

struct Setup {
    Text text = Text::stories;
    Index hidden = 64, layers = 2;
    Index steps = 200, batch = 4, warm_up = 10;
    double rate = 0.01;
};

/// What the model wrote after some steps, beginning with nothing.
struct Sample {
    Index step = 0;
    std::vector<std::string> pieces;
    TokenIds ids;              // the begin token first
    std::vector<double> bits;  // of each piece, to the model as it is now: its surprise
};

struct Point {
    Index step = 0;
    double loss = 0;  // nats a token
};

struct Data {
    std::string source;  // the file of an earlier run; empty for one that runs here
    TrainOptions options;
    Index steps_wanted = 0, steps_done = 0, tokens = 0;
    std::vector<LossPoint> train;
    std::vector<Point> validation;
    std::optional<double> floor;    // nats a token of a perfect reader
    double guess = 0;               // nats a token of a reader who knows nothing; 0: unknown
    double counting = 0;            // of one who knows only how often each piece occurs
    std::optional<Index> burst_at;  // the step whose gradient was not finite
    std::vector<Sample> samples;    // rising by step

    bool from_file() const { return !source.empty(); }
    double validation_loss() const { return validation.back().loss; }
};

/// Trains, and publishes what there is now and then. In a preview only the first few steps.
Data train_here(const Setup& setup, const RunContext& context);

/// The losses at `path` (see read_losses()), and the floor of the corpus when the tokenizer of the
/// run lies beside them.
Data train_before(const std::string& path, const RunContext& context);

/// Mean training loss around each step, over at most a twentieth of the run and half of the steps
/// so far: what the noise of single batches hides.
std::vector<Point> smoothed(const std::vector<LossPoint>& losses);
/// Mean over the tokens of the last twentieth of the steps.
double last_loss(const std::vector<LossPoint>& losses);

void describe(const Data& data, Outcome& outcome);
std::vector<FigureRow> figures(const Data& data);

}  // namespace nibble::training_lab
