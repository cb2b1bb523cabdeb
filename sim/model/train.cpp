#include "sim/model/train.hpp"

#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <numbers>

#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

constexpr std::size_t values_a_piece = 16384;

void require(bool fine, const char* option, double value, const char* range) {
    if (!fine) {
        throw Error(Error::Code::bad_param, fmt::format("{} = {} is out of range", option, value),
                    fmt::format("{} is {}", option, range));
    }
}

}  // namespace

void check(const TrainOptions& o) {
    require(o.steps >= 1, "steps", static_cast<double>(o.steps), "at least 1");
    require(o.batch >= 1 && o.batch <= 4096, "batch", static_cast<double>(o.batch), "1 to 4096");
    require(o.rate > 0 && o.rate < 1, "rate", o.rate, "between 0 and 1");
    require(o.final_rate >= 0 && o.final_rate <= o.rate, "final_rate", o.final_rate,
            "from 0 to rate");
    require(o.warm_up >= 0, "warm_up", static_cast<double>(o.warm_up), "not negative");
    require(o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1, "from 0 to below 1");
    require(o.beta2 >= 0 && o.beta2 < 1, "beta2", o.beta2, "from 0 to below 1");
    require(o.epsilon > 0, "epsilon", o.epsilon, "positive");
    require(o.decay >= 0, "decay", o.decay, "not negative");
    require(o.clip > 0, "clip", o.clip, "positive");
    require(!o.domains.empty(), "domains", 0, "at least one");
    check(o.config);
}

double learning_rate(const TrainOptions& o, Index step) {
    if (step < o.warm_up) {
        return o.rate * static_cast<double>(step + 1) / static_cast<double>(o.warm_up);
    }
    const auto length = static_cast<double>(std::max<Index>(1, o.steps - o.warm_up));
    const double share = std::min(1.0, static_cast<double>(step - o.warm_up) / length);
    return o.final_rate + (o.rate - o.final_rate) * (1 + std::cos(std::numbers::pi * share)) / 2;
}

double norm_of(std::span<const float> values) {
    return std::sqrt(parallel_reduce(
        values.size(), values_a_piece, 0.0,
        [&](std::size_t begin, std::size_t end) {
            double sum = 0;
            for (std::size_t i = begin; i < end; ++i) {
                sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
            }
            return sum;
        },
        [](double a, double b) { return a + b; }));
}

void adamw(const TrainOptions& o, Index step, double rate, const std::vector<Parameter>& parameters,
           std::span<const float> gradient, std::span<float> values, std::span<float> m,
           std::span<float> v) {
    const double norm = norm_of(gradient);
    if (!std::isfinite(norm)) {
        throw Error(Error::Code::bad_param,
                    fmt::format("training diverged at step {}: the gradient is not finite", step),
                    "lower the rate, or warm up longer");
    }
    const auto clip = static_cast<float>(norm > o.clip ? o.clip / norm : 1.0);
    const auto b1 = static_cast<float>(o.beta1), b2 = static_cast<float>(o.beta2);
    const auto n = static_cast<double>(step);
    const auto correct1 = static_cast<float>(1 / (1 - std::pow(o.beta1, n)));
    const auto correct2 = static_cast<float>(1 / (1 - std::pow(o.beta2, n)));
    const auto epsilon = static_cast<float>(o.epsilon), size = static_cast<float>(rate);
    for (const Parameter& p : parameters) {
        const auto shrink = static_cast<float>(p.is_matrix ? 1 - rate * o.decay : 1.0);
        const auto offset = static_cast<std::size_t>(p.offset);
        parallel_for(static_cast<std::size_t>(p.size()), values_a_piece,
                     [&](std::size_t begin, std::size_t end) {
                         for (std::size_t i = offset + begin; i < offset + end; ++i) {
                             const float g = gradient[i] * clip;
                             m[i] = b1 * m[i] + (1 - b1) * g;
                             v[i] = b2 * v[i] + (1 - b2) * g * g;
                             const float spread = std::sqrt(v[i] * correct2) + epsilon;
                             values[i] = values[i] * shrink - size * m[i] * correct1 / spread;
                         }
                     });
    }
}

Trainer::Trainer(TrainOptions options, ByteBpe tokenizer)
    : options_(std::move(options)),
      tokenizer_parts_(std::move(tokenizer)),
      tokenizer_(make_tokenizer(tokenizer_parts_)),
      trainee_(std::make_unique<Trainee<float>>()) {
    check(options_);
    check_vocabulary(*tokenizer_, options_.config, "the model to train");
    parameters_ = parameters_of(options_.config);
    values_ = initial_weights(options_.config, options_.seed);
    m_.resize(values_.size());
    v_.resize(values_.size());
    gradient_.resize(values_.size());
}

std::vector<TokenIds> Trainer::batch_of(Index step) const {
    const auto count = static_cast<std::size_t>(options_.batch), kinds = options_.domains.size();
    std::vector<TokenIds> batch(count);
    parallel_for(count, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const std::uint64_t index = static_cast<std::uint64_t>(step) * count + i;
            const Document document = make_document(options_.seed, Split::train,
                                                    options_.domains[index % kinds], index / kinds);
            batch[i] = tokens_of(document, *tokenizer_, options_.config);
            const auto most = static_cast<std::size_t>(options_.config.max_positions) + 1;
            batch[i].resize(std::min(batch[i].size(), most));
        }
    });
    return batch;
}

LossPoint Trainer::step(const std::function<Model<float>(Model<float>)>& forward_weights) {
    const std::vector<TokenIds> batch = batch_of(steps_done_);
    const Model<float> used = forward_weights ? forward_weights(model()) : model();
    LossPoint point;
    point.loss = static_cast<double>(trainee_->loss_and_gradient(used, batch, gradient_));
    adamw(options_, steps_done_ + 1, learning_rate(options_, steps_done_), parameters_, gradient_,
          values_, m_, v_);
    point.step = ++steps_done_;
    point.tokens = losses_.empty() ? 0 : losses_.back().tokens;
    for (const TokenIds& ids : batch) {
        point.tokens += static_cast<Index>(ids.size()) - 1;
    }
    losses_.push_back(point);
    return point;
}

Model<float> Trainer::model() const {
    return model_over<float>(options_.config, values_);
}

bool train(Trainer& trainer, const std::stop_token& stop,
           const std::function<void(const TrainProgress&)>& progress) {
    using Clock = std::chrono::steady_clock;
    double pace = 0;  // seconds a step, recent ones weighing most
    while (!trainer.done()) {
        if (stop.stop_requested()) {
            return false;
        }
        const Index before = trainer.losses().empty() ? 0 : trainer.losses().back().tokens;
        const auto begin = Clock::now();
        TrainProgress now;
        now.rate = learning_rate(trainer.options(), trainer.steps_done());
        now.point = trainer.step();
        const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        pace = pace == 0 ? seconds : 0.9 * pace + 0.1 * seconds;
        now.steps = trainer.options().steps;
        now.tokens_per_second = static_cast<double>(now.point.tokens - before) / seconds;
        now.seconds_left = pace * static_cast<double>(now.steps - now.point.step);
        progress(now);
    }
    return true;
}

ByteBpe corpus_tokenizer(std::uint64_t seed, std::size_t pieces, std::uint64_t documents_a_domain) {
    std::vector<std::string> texts;
    for (const Domain domain : all_domains) {
        for (std::uint64_t i = 0; i < documents_a_domain; ++i) {
            texts.push_back(make_document(seed, Split::train, domain, i).text);
        }
    }
    return train_byte_bpe(texts, pieces);
}

ModelConfig target_config() {
    ModelConfig c;
    c.bos = 0;
    c.eos = {1};
    return c;
}

ModelConfig draft_config() {
    ModelConfig c = target_config();
    c.hidden = 64;
    c.inner = 256;
    c.layers = 3;
    c.heads = 2;
    c.kv_heads = 1;
    c.head_dim = 32;
    return c;
}

}  // namespace nibble
