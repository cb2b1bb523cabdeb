#include "sim/model/generate.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/rng.hpp"

namespace nibble {
namespace {

constexpr std::size_t shown_candidates = 8;
constexpr Index capture_tokens = 4096;  // of sequences read together

void scale_to_one(std::vector<Candidate>& all) {
    double sum = 0;
    for (const Candidate& c : all) {
        sum += c.probability;
    }
    for (Candidate& c : all) {
        c.probability /= sum;
    }
}

}  // namespace

void check(const Sampling& s) {
    if (!std::isfinite(s.temperature) || s.temperature < 0) {
        throw Error(Error::Code::bad_param,
                    fmt::format("temperature = {} is out of range", s.temperature),
                    "it is 0 or more");
    }
    if (s.top_k < 0) {
        throw Error(Error::Code::bad_param, fmt::format("top_k = {} is out of range", s.top_k),
                    "it is 0 or more");
    }
    if (!(s.top_p > 0 && s.top_p <= 1)) {
        throw Error(Error::Code::bad_param, fmt::format("top_p = {} is out of range", s.top_p),
                    "it is above 0 and at most 1");
    }
}

std::vector<Candidate> candidates(std::span<const float> logits, const Sampling& sampling) {
    check(sampling);
    std::vector<Candidate> all(logits.size());
    const double top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
    for (std::size_t i = 0; i < logits.size(); ++i) {
        const double below = static_cast<double>(logits[i]) - top;
        const double weight = sampling.temperature > 0 ? std::exp(below / sampling.temperature)
                                                       : (below == 0 ? 1.0 : 0.0);
        all[i] = {static_cast<std::int32_t>(i), weight};
    }
    std::stable_sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
        return a.probability > b.probability;
    });
    const std::size_t kept = sampling.temperature == 0 ? 1
                             : sampling.top_k > 0      ? static_cast<std::size_t>(sampling.top_k)
                                                       : all.size();
    all.resize(std::min(kept, all.size()));
    scale_to_one(all);
    if (sampling.top_p < 1) {
        double reached = 0;
        std::size_t nucleus = 0;
        while (nucleus < all.size() && reached < sampling.top_p) {
            reached += all[nucleus++].probability;
        }
        all.resize(nucleus);
        scale_to_one(all);
    }
    return all;
}

std::vector<GeneratedToken> generate(const Model<float>& model,
                                     std::span<const std::int32_t> prompt, Index count,
                                     const Sampling& sampling,
                                     const std::function<bool(const GeneratedToken&)>& on_token) {
    check(sampling);
    const Index positions = model.config.max_positions;
    if (static_cast<Index>(prompt.size()) >= positions) {
        throw Error(Error::Code::bad_param, fmt::format("the prompt has {} tokens", prompt.size()),
                    fmt::format("the model has {} positions", positions));
    }
    KvCache<float> cache(model.config);
    const Rng rng = Rng(sampling.seed).stream("generate");
    std::vector<GeneratedToken> out;
    TokenIds next(prompt.begin(), prompt.end());
    while (static_cast<Index>(out.size()) < count &&
           cache.length() + static_cast<Index>(next.size()) <= positions) {
        const Matrix<float> z = extend<float>(model, cache, next);
        const std::span<const float> last(z.row(z.rows() - 1), static_cast<std::size_t>(z.cols()));
        double left = rng.uniform(out.size());
        GeneratedToken token;
        const std::vector<Candidate> choice = candidates(last, sampling);
        token.id = choice.back().id;  // when rounding leaves a crumb
        for (const Candidate& c : choice) {
            left -= c.probability;
            if (left < 0) {
                token.id = c.id;
                break;
            }
        }
        std::vector<Candidate> plain = candidates(last, {1.0, 0, 0});
        for (const Candidate& c : plain) {
            token.probability = c.id == token.id ? c.probability : token.probability;
        }
        plain.resize(std::min(plain.size(), shown_candidates));
        token.likeliest = std::move(plain);
        const auto& eos = model.config.eos;
        if (std::find(eos.begin(), eos.end(), token.id) != eos.end()) {
            break;
        }
        out.push_back(token);
        if (on_token && !on_token(token)) {
            break;
        }
        next = {token.id};
    }
    return out;
}

Matrix<float> capture(const Model<float>& model, LinearId id, std::span<const TokenIds> sequences,
                      Index rows) {
    const Site site = site_of(id.kind);
    std::vector<float> values;
    Index width = 0;
    Hooks<float> hooks;
    hooks.last_layer = site == Site::head_in ? -1 : id.layer;
    hooks.on_input = [&](Index layer, Site here, View<float> input) {
        if (here == site && (site == Site::head_in || layer == id.layer)) {
            width = input.cols;
            values.insert(values.end(), input.data, input.data + input.rows * input.cols);
        }
    };
    std::vector<TokenIds> batch;
    Index waiting = 0;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        batch.push_back(sequences[i]);
        const auto most = static_cast<std::size_t>(model.config.max_positions);
        batch.back().resize(std::min(batch.back().size(), most));
        waiting += static_cast<Index>(batch.back().size());
        const Index captured = width == 0 ? 0 : static_cast<Index>(values.size()) / width;
        if (waiting >= std::min(capture_tokens, rows - captured) || i + 1 == sequences.size()) {
            run(model, batch, hooks);
            batch.clear();
            waiting = 0;
            if (static_cast<Index>(values.size()) >= rows * width) {
                break;
            }
        }
    }
    Matrix<float> out(std::min(rows, static_cast<Index>(values.size()) / std::max<Index>(1, width)),
                      width);
    std::copy_n(values.begin(), out.values().size(), out.values().begin());
    return out;
}

}  // namespace nibble
