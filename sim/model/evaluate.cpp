#include "sim/model/evaluate.hpp"

#include <chrono>
#include <cmath>

#include "sim/core/stopwatch.hpp"

namespace nibble {
namespace {

constexpr std::size_t tokens_at_once = 2048;  // their activations stay in the cache

/// A stretch of a sequence, of which only the losses from `counted` on are kept.
struct Window {
    TokenIds ids;
    std::size_t counted;
};

std::vector<Window> windows_of(const TokenIds& ids, std::size_t positions) {
    std::vector<Window> windows;
    // The model reads all but the last token of a window.
    const std::size_t length = positions + 1;
    windows.push_back({TokenIds(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(
                                                               std::min(length, ids.size()))),
                       0});
    const std::size_t stride = std::max<std::size_t>(1, positions / 2);
    for (std::size_t done = length; done < ids.size(); done += stride) {
        const std::size_t end = std::min(ids.size(), done + stride);
        const std::size_t begin = end - std::min(end, length);
        windows.push_back({TokenIds(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                                    ids.begin() + static_cast<std::ptrdiff_t>(end)),
                           done - begin - 1});
    }
    return windows;
}

}  // namespace

double Score::perplexity() const {
    return std::exp(loss());
}

double DomainScore::floor_perplexity() const {
    return std::exp(floor_loss());
}

double DomainScore::excess() const {
    return std::exp(score.loss() - floor_loss()) - 1;
}

Score score(const Model<float>& model, std::span<const TokenIds> sequences,
            const Hooks<float>& hooks, const std::stop_token& stop,
            const std::function<void(double)>& progress) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<Window> windows;
    for (const TokenIds& ids : sequences) {
        check_tokens(model.config, ids);
        auto own = windows_of(ids, static_cast<std::size_t>(model.config.max_positions));
        windows.insert(windows.end(), std::make_move_iterator(own.begin()),
                       std::make_move_iterator(own.end()));
    }
    Score result;
    for (std::size_t first = 0; first < windows.size();) {
        if (stop.stop_requested()) {
            throw Error(Error::Code::cancelled, "stopped");
        }
        std::vector<TokenIds> batch;
        std::size_t last = first;
        for (std::size_t size = 0; last < windows.size() && size < tokens_at_once; ++last) {
            size += windows[last].ids.size();
            batch.push_back(windows[last].ids);
        }
        const std::vector<float> losses = token_losses<float>(model, batch, hooks);
        std::size_t at = 0;
        for (std::size_t w = first; w < last; ++w) {
            const std::size_t count = windows[w].ids.size() - 1;
            for (std::size_t i = windows[w].counted; i < count; ++i) {
                result.losses.push_back(losses[at + i]);
                result.nats += static_cast<double>(losses[at + i]);
            }
            at += count;
        }
        first = last;
        if (progress) {
            progress(static_cast<double>(first) / static_cast<double>(windows.size()));
        }
    }
    result.tokens = static_cast<Index>(result.losses.size());
    if (result.tokens == 0) {
        throw Error(Error::Code::bad_param, "no token is predicted",
                    "every token after the first is; give at least two");
    }
    result.seconds = seconds_since(begin);
    return result;
}

TokenIds tokens_of(const Document& document, const Tokenizer& tokenizer,
                   const ModelConfig& config) {
    TokenIds ids;
    if (config.bos >= 0) {
        ids.push_back(static_cast<std::int32_t>(config.bos));
    }
    const TokenIds text = tokenizer.encode(document.text);
    ids.insert(ids.end(), text.begin(), text.end());
    if (!config.eos.empty()) {
        ids.push_back(static_cast<std::int32_t>(config.eos[0]));
    }
    return ids;
}

DomainScore score_domain(const Model<float>& model, const Tokenizer& tokenizer, Domain domain,
                         Split split, std::uint64_t seed, std::uint64_t count,
                         const std::stop_token& stop) {
    DomainScore result;
    result.domain = domain;
    std::vector<TokenIds> sequences;
    for (std::uint64_t i = 0; i < count; ++i) {
        const Document document = make_document(seed, split, domain, i);
        TokenIds ids = tokens_of(document, tokenizer, model.config);
        if (static_cast<Index>(ids.size()) <= model.config.max_positions + 1) {
            result.floor_nats += document.nats;
            sequences.push_back(std::move(ids));
        }
    }
    result.score = score(model, sequences, {}, stop);
    return result;
}

}  // namespace nibble
