// Training a model on the corpus, step by step, so that it can be watched, stopped and gone on
// with.
//
// Step s of a run reads documents s * batch, s * batch + 1, ..., the domains in turn; no document
// comes twice. Everything a step does is a function of the options, the step's number and the
// weights and moments before it, on any number of threads: a run that was saved and resumed ends
// with the same bits as one that was not.
//
// AdamW (Loshchilov and Hutter 2019) with bias correction, decay on matrices only, the gradient
// clipped by its global norm, the rate warmed up linearly and lowered along a cosine.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "sim/model/evaluate.hpp"

namespace nibble {

struct TrainOptions {
    ModelConfig config;
    std::uint64_t seed = 1;
    Index steps = 1000;
    Index batch = 32;  // documents a step
    double rate = 2e-3, final_rate = 2e-4;
    Index warm_up = 100;  // steps
    double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
    double decay = 0.1;
    double clip = 1;
    std::vector<Domain> domains = {all_domains.begin(), all_domains.end()};

    friend bool operator==(const TrainOptions&, const TrainOptions&) = default;
};

/// Throws Error::bad_param naming the option.
void check(const TrainOptions& options);

/// Rate at a step (0 is the first).
double learning_rate(const TrainOptions& options, Index step);

/// One decoupled AdamW update; `step` counts from 1. m and v are the moments.
void adamw(const TrainOptions& options, Index step, double rate,
           const std::vector<Parameter>& parameters, std::span<const float> gradient,
           std::span<float> values, std::span<float> m, std::span<float> v);

/// Euclidean norm, the same on any number of threads.
double norm_of(std::span<const float> values);

struct LossPoint {
    Index step = 0;
    Index tokens = 0;  // predicted so far
    double loss = 0;   // of the step's batch, nats a token
};

class Trainer {
public:
    /// Throws what check() and check_vocabulary() throw.
    Trainer(TrainOptions options, ByteBpe tokenizer);
    /// Goes on where save() left off. Throws Error::bad_file naming what is wrong with the folder.
    static Trainer resume(const std::filesystem::path& folder);

    /// One step; its loss. With `forward_weights` the loss and gradient are those of the model it
    /// makes of the weights being trained (quantized ones), the update is theirs.
    LossPoint step(const std::function<Model<float>(Model<float>)>& forward_weights = {});

    bool done() const { return steps_done_ >= options_.steps; }
    Index steps_done() const { return steps_done_; }
    const TrainOptions& options() const { return options_; }
    const std::vector<LossPoint>& losses() const { return losses_; }
    const Tokenizer& tokenizer() const { return *tokenizer_; }
    /// The weights as they are now; the view lasts until the next step.
    Model<float> model() const;
    std::span<const float> weights() const { return values_; }

    /// checkpoint.safetensors with all there is, and beside it the model as others read it (FP16)
    /// and the curve of its losses, losses.csv.
    void save(const std::filesystem::path& folder) const;

private:
    std::vector<TokenIds> batch_of(Index step) const;

    TrainOptions options_;
    ByteBpe tokenizer_parts_;
    std::shared_ptr<const Tokenizer> tokenizer_;
    std::vector<Parameter> parameters_;
    std::vector<float> values_, m_, v_, gradient_;
    Index steps_done_ = 0;
    std::vector<LossPoint> losses_;
    std::unique_ptr<Trainee<float>> trainee_;
};

/// The losses in a checkpoint.safetensors. Throws Error::bad_file when it is none.
std::vector<LossPoint> checkpoint_losses(const std::filesystem::path& path);

/// What a person watching wants to know.
struct TrainProgress {
    LossPoint point;
    Index steps = 0;
    double rate = 0;
    double tokens_per_second = 0;  // of late
    double seconds_left = 0;
};

/// Steps until done or stopped; true when done. Saves nothing.
bool train(Trainer& trainer, const std::stop_token& stop,
           const std::function<void(const TrainProgress&)>& progress);

/// The tokenizer for a run: trained on the first documents of the training split.
ByteBpe corpus_tokenizer(std::uint64_t seed, std::size_t pieces = 1024,
                         std::uint64_t documents_a_domain = 1500);

/// The shapes that `nibble train --preset` offers.
ModelConfig target_config();
ModelConfig draft_config();

}  // namespace nibble
