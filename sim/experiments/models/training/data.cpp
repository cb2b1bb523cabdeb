#include "sim/experiments/models/training/data.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <numbers>

#include "sim/core/input_file.hpp"
#include "sim/core/one_thread.hpp"
#include "sim/model/generate.hpp"
#include "sim/model/loss_curve.hpp"

namespace nibble::training_lab {
namespace {

constexpr std::size_t pieces = 384;  // of the tokenizer
constexpr std::uint64_t tokenizer_documents = 80, validation_documents = 8;
constexpr std::uint64_t floor_documents = 50;  // of each domain, of an earlier run
constexpr Index preview_steps = 4;
constexpr Index publications = 24;  // beside the early ones
constexpr Index sample_tokens = 48;
constexpr double sample_temperature = 0.5;

/// Below, a step's loops are too short to be shared out: 30 ms of one core.
constexpr double flops_worth_sharing = 1e9;

std::vector<Domain> domains_of(Text text) {
    return text == Text::all ? std::vector<Domain>(all_domains.begin(), all_domains.end())
                             : std::vector{static_cast<Domain>(text)};
}

/// What choosing the domain costs is in every document's floor; a reader of one kind knows it.
double known_domain(const std::vector<Domain>& domains) {
    return domains.size() == 1 ? std::log(static_cast<double>(all_domains.size())) : 0;
}

ByteBpe tokenizer_for(const std::vector<Domain>& domains, std::uint64_t seed) {
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < tokenizer_documents; ++i) {
        texts.push_back(make_document(seed, Split::train, domains[i % domains.size()], i).text);
    }
    return train_byte_bpe(texts, pieces);
}

TrainOptions options_of(const Setup& s, Index vocab, std::uint64_t seed) {
    constexpr Index head_dim = 16;
    TrainOptions o;
    o.config = draft_config();
    o.config.hidden = s.hidden;
    o.config.inner = 3 * s.hidden;
    o.config.layers = s.layers;
    o.config.head_dim = head_dim;
    o.config.heads = o.config.kv_heads = std::max<Index>(1, s.hidden / head_dim);
    o.config.vocab = vocab;
    o.config.max_positions = 256;
    o.seed = seed;
    o.steps = s.steps;
    o.batch = s.batch;
    o.rate = s.rate;
    o.final_rate = s.rate / 10;
    o.warm_up = std::min(s.warm_up, s.steps);
    o.domains = domains_of(s.text);
    return o;
}

/// Documents that fit the model, and their floor in nats a token.
struct Held {
    std::vector<TokenIds> sequences;
    double floor = 0;
};

Held held_out(const std::vector<Domain>& domains, std::uint64_t seed, std::uint64_t count,
              const Tokenizer& tokenizer, const ModelConfig& config) {
    Held held;
    double nats = 0, tokens = 0;
    for (std::uint64_t i = 0; held.sequences.size() < count; ++i) {
        const Document document =
            make_document(seed, Split::validation, domains[i % domains.size()], i);
        TokenIds ids = tokens_of(document, tokenizer, config);
        if (static_cast<Index>(ids.size()) <= config.max_positions + 1) {
            nats += document.nats - known_domain(domains);
            tokens += static_cast<double>(ids.size() - 1);
            held.sequences.push_back(std::move(ids));
        }
    }
    held.floor = nats / tokens;
    return held;
}

/// Loss of predicting each token by its share of some training text, one more of each than seen.
double counting_loss(const std::vector<Domain>& domains, std::uint64_t seed, const Held& held,
                     const Tokenizer& tokenizer, const ModelConfig& config) {
    std::vector<double> seen(static_cast<std::size_t>(tokenizer.size()), 1.0);
    double all = static_cast<double>(seen.size());
    for (std::uint64_t i = 0; i < tokenizer_documents; ++i) {
        const TokenIds ids = tokens_of(
            make_document(seed, Split::train, domains[i % domains.size()], i), tokenizer, config);
        for (std::size_t k = 1; k < ids.size(); ++k) {
            seen[static_cast<std::size_t>(ids[k])] += 1;
            all += 1;
        }
    }
    double nats = 0, tokens = 0;
    for (const TokenIds& ids : held.sequences) {
        for (std::size_t k = 1; k < ids.size(); ++k) {
            nats -= std::log(seen[static_cast<std::size_t>(ids[k])] / all);
            tokens += 1;
        }
    }
    return nats / tokens;
}

/// About what a step computes: two for each weight and token forward, four backward.
double step_flops(const TrainOptions& o) {
    constexpr double tokens_a_document = 170;
    return 6 * tokens_a_document * static_cast<double>(o.config.parameters() * o.batch);
}

/// Dense at first, when much happens: 1, 2, 4, 8, ..., then evenly.
bool is_landmark(Index step, Index steps) {
    const Index evenly = std::max<Index>(1, steps / publications);
    return step == steps || step % evenly == 0 || (step < evenly && (step & (step - 1)) == 0);
}

/// After a thirtieth of the steps, a fifth, and all of them.
bool is_sampled(Index step, Index steps) {
    return step == steps || step == (steps + 29) / 30 || step == (steps + 4) / 5;
}

Sample sample_of(const Trainer& trainer, std::uint64_t seed) {
    Sample sample{trainer.steps_done(), {}, {0}, {}};
    const TokenIds begin = {static_cast<std::int32_t>(trainer.options().config.bos)};
    sample.ids = begin;
    for (const GeneratedToken& token :
         generate(trainer.model(), begin, sample_tokens, {sample_temperature, 0, seed})) {
        sample.ids.push_back(token.id);
        sample.pieces.push_back(trainer.tokenizer().piece(token.id));
    }
    return sample;
}

/// Every sample as the model now sees it: text that follows the rules surprises it little.
void judge(const Trainer& trainer, std::vector<Sample>& samples) {
    for (Sample& sample : samples) {
        if (sample.pieces.empty()) {
            continue;
        }
        const std::vector<float> losses =
            token_losses<float>(trainer.model(), std::vector<TokenIds>{sample.ids});
        sample.bits.clear();
        for (const float nats : losses) {
            sample.bits.push_back(static_cast<double>(nats) / std::numbers::ln2);
        }
    }
}

double mean_loss(std::span<const LossPoint> losses) {
    double sum = 0;
    for (const LossPoint& p : losses) {
        sum += p.loss;
    }
    return sum / static_cast<double>(losses.size());
}

}  // namespace

Data train_here(const Setup& setup, const RunContext& context) {
    const std::vector<Domain> domains = domains_of(setup.text);
    const auto parts = context.memo<ByteBpe>(
        fmt::format("pieces of text {} seed {}", static_cast<int>(setup.text), context.seed),
        [&] { return tokenizer_for(domains, context.seed); },
        [](const ByteBpe& b) { return 64 * b.pieces.size(); });
    context.check();
    Data data;
    data.options = options_of(setup, static_cast<Index>(parts->pieces.size()), context.seed);
    data.steps_wanted = setup.steps;
    data.guess = std::log(static_cast<double>(data.options.config.vocab));
    Trainer trainer(data.options, *parts);
    std::optional<OneThread> alone;
    if (step_flops(data.options) < flops_worth_sharing) {
        alone.emplace();
    }
    const Held held = held_out(domains, context.seed, validation_documents, trainer.tokenizer(),
                               data.options.config);
    data.floor = held.floor;
    data.counting =
        counting_loss(domains, context.seed, held, trainer.tokenizer(), data.options.config);
    data.validation.push_back({0, score(trainer.model(), held.sequences, {}, context.stop).loss()});
    const Index steps = context.preview ? std::min(setup.steps, preview_steps) : setup.steps;
    for (Index step = 1; step <= steps; ++step) {
        context.check();
        try {
            trainer.step();
        } catch (const Error& e) {
            if (e.code() != Error::Code::bad_param) {
                throw;
            }
            data.burst_at = step;  // the gradient is no longer finite
            break;
        }
        data.steps_done = step;
        if (!context.preview && is_sampled(step, steps)) {
            data.samples.push_back(sample_of(trainer, context.seed));
        }
        if (is_landmark(step, steps)) {
            data.train = trainer.losses();
            data.tokens = data.train.back().tokens;
            const double loss = score(trainer.model(), held.sequences, {}, context.stop).loss();
            if (!std::isfinite(loss)) {
                data.burst_at = step;
                break;
            }
            data.validation.push_back({step, loss});
            judge(trainer, data.samples);
            context.progress(static_cast<double>(step) / static_cast<double>(steps));
            context.publish(data);
        }
    }
    data.train = trainer.losses();
    return data;
}

Data train_before(const std::string& path, const RunContext& context) {
    namespace fs = std::filesystem;
    Data data;
    data.source = path;
    data.train = read_losses(path);
    data.steps_done = data.steps_wanted = data.train.back().step;
    data.tokens = data.train.back().tokens;
    context.check();
    std::error_code ignored;
    const fs::path folder =
        fs::is_directory(path, ignored) ? fs::path(path) : fs::path(path).parent_path();
    const fs::path beside = folder / "tokenizer.json";
    if (fs::exists(beside, ignored)) {
        const auto tokenizer = tokenizer_from_json(read_text_file(beside), beside.string());
        data.guess = std::log(static_cast<double>(tokenizer->size()));
        data.floor = held_out({all_domains.begin(), all_domains.end()}, context.seed,
                              floor_documents * all_domains.size(), *tokenizer, target_config())
                         .floor;
    }
    return data;
}

std::vector<Point> smoothed(const std::vector<LossPoint>& losses) {
    const std::size_t widest = losses.size() / 40;
    std::vector<Point> points;
    for (std::size_t i = 0; i < losses.size(); ++i) {
        const std::size_t reach = std::min({widest, i / 4, losses.size() - 1 - i});
        points.push_back(
            {losses[i].step, mean_loss(std::span(losses).subspan(i - reach, 2 * reach + 1))});
    }
    return points;
}

double last_loss(const std::vector<LossPoint>& losses) {
    double nats = 0, tokens = 0;
    for (std::size_t i = 0; i < losses.size(); ++i) {
        if (20 * losses[i].step > 19 * losses.back().step) {
            const auto own =
                static_cast<double>(losses[i].tokens - (i > 0 ? losses[i - 1].tokens : 0));
            nats += own * losses[i].loss;
            tokens += own;
        }
    }
    return nats / tokens;
}

}  // namespace nibble::training_lab
