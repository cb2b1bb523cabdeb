#include "sim/experiments/models/tiny_model/data.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numbers>

#include "sim/model/outliers.hpp"
#include "sim/model/shipped.hpp"

namespace nibble::tiny_model {
namespace {

constexpr std::size_t shown_candidates = 10, fewest_tokens = 48, most_tokens = 112;
constexpr std::size_t longest_text = 512;
constexpr std::size_t most_attention = std::size_t{1} << 22;  // values kept
constexpr std::uint64_t documents_tried = 64;
/// A larger model is not copied to be given outliers.
constexpr std::uint64_t most_bytes_copied = std::uint64_t{1} << 30;

TokenIds ids_of(const std::string& text, const Loaded& loaded) {
    TokenIds ids;
    if (loaded.model.config.bos >= 0) {
        ids.push_back(static_cast<std::int32_t>(loaded.model.config.bos));
    }
    const TokenIds rest = loaded.files->needed_tokenizer().encode(text);
    ids.insert(ids.end(), rest.begin(), rest.end());
    return ids;
}

/// Tokens that reach into the last `word` bytes of the text.
std::size_t tokens_of_ending(const TokenIds& ids, std::size_t word, const Tokenizer& tokenizer) {
    std::size_t tokens = 0;
    for (std::size_t bytes = 0; bytes < word && tokens < ids.size(); ++tokens) {
        bytes += tokenizer.piece(ids[ids.size() - 1 - tokens]).size();
    }
    return tokens;
}

TokenView view_of(std::int32_t id, std::span<const float> logits, const Tokenizer& tokenizer) {
    TokenView t;
    const std::vector<Candidate> all = candidates(logits, {1.0});
    const auto top = static_cast<double>(logits[static_cast<std::size_t>(all[0].id)]);
    t.log_sum = top - std::log(all[0].probability);
    t.logit = static_cast<double>(logits[static_cast<std::size_t>(id)]);
    t.bits = std::max(0.0, (t.log_sum - t.logit) / std::numbers::ln2);
    const auto found =
        std::find_if(all.begin(), all.end(), [id](const Candidate& c) { return c.id == id; });
    t.rank = found - all.begin();
    for (std::size_t k = 0; k < std::min(all.size(), shown_candidates); ++k) {
        t.likeliest.push_back({all[k].id, tokenizer.piece(all[k].id), all[k].probability,
                               static_cast<double>(logits[static_cast<std::size_t>(all[k].id)])});
    }
    return t;
}

/// Hooks that fill `ranges`, and stop where the run is no longer wanted.
Hooks<float> watching(Ranges& ranges, Index layers, const RunContext& context) {
    ranges.by_layer.resize(static_cast<std::size_t>(layers));
    Hooks<float> hooks;
    hooks.on_input = [&ranges, &context](Index layer, Site site, View<float> input) {
        context.check();
        const auto l = site == Site::head_in ? std::size_t{0} : static_cast<std::size_t>(layer);
        std::vector<float>& largest = ranges.by_layer[l][static_cast<std::size_t>(site)];
        largest.assign(static_cast<std::size_t>(input.cols), 0.0F);
        for (Index i = 0; i < input.rows; ++i) {
            for (Index j = 0; j < input.cols; ++j) {
                float& range = largest[static_cast<std::size_t>(j)];
                range = std::max(range, std::abs(input(i, j)));
            }
        }
    };
    return hooks;
}

}  // namespace

Prompt corpus_prompt(Domain domain, bool wrong_word, const Loaded& loaded, std::uint64_t seed) {
    Prompt best;
    std::size_t best_length = std::numeric_limits<std::size_t>::max();
    for (std::uint64_t i = 0; i < documents_tried && best_length > most_tokens; ++i) {
        const Document document = make_document(seed, Split::validation, domain, i);
        const std::optional<Slip> slip = slip_in(domain, document.text);
        if (!slip) {
            continue;
        }
        const std::string text = slip->before + (wrong_word ? slip->wrong : slip->right);
        const std::size_t length = ids_of(text, loaded).size();
        if (length >= fewest_tokens && length < best_length) {
            best_length = length;
            best = {text, wrong_word ? slip : std::nullopt};
        }
    }
    NIBBLE_ASSERT(!best.text.empty(), "some document of every domain has a place for a slip");
    return best;
}

std::vector<float> Reading::looks(Index layer, Index head, std::size_t token) const {
    const std::size_t n = size(), l = static_cast<std::size_t>(layer);
    const std::size_t map =
        l * static_cast<std::size_t>(config.heads) + static_cast<std::size_t>(head);
    const float* const row = attention.data() + (map * n + token - 1) * n;
    return {row, row + token};
}

Reading read(const Loaded& loaded, const Prompt& prompt, Index count, const Sampling& sampling,
             const RunContext& context) {
    const Tokenizer& tokenizer = loaded.files->needed_tokenizer();
    TokenIds ids = ids_of(prompt.text, loaded);
    const std::size_t most =
        std::min(longest_text, static_cast<std::size_t>(loaded.model.config.max_positions)) - 1;
    if (prompt.text.empty()) {
        throw Error(Error::Code::bad_param, "the prompt is empty", "give the model some text");
    }
    if (ids.size() > most) {
        throw Error(Error::Code::bad_param, fmt::format("the prompt has {} tokens", ids.size()),
                    fmt::format("at most {} are read here", most));
    }
    Reading r;
    r.model = loaded.name;
    r.config = loaded.model.config;
    r.slip = prompt.slip;
    r.prompt_tokens = ids.size();
    r.slip_tokens = prompt.slip ? tokens_of_ending(ids, prompt.slip->wrong.size(), tokenizer) : 0;
    const Index room = static_cast<Index>(most + 1 - ids.size());
    const auto made =
        generate(loaded.model, ids, std::min(count, room), sampling,
                 [&](const GeneratedToken&) { return !context.stop.stop_requested(); });
    for (const GeneratedToken& token : made) {
        ids.push_back(token.id);
    }
    context.check();
    if (ids.size() < 2) {
        throw Error(Error::Code::bad_param, "one token alone predicts nothing",
                    "give the model more text, or let it generate some");
    }

    const std::size_t n = ids.size(), heads = static_cast<std::size_t>(r.config.heads);
    r.layers_kept =
        std::clamp<Index>(static_cast<Index>(most_attention / (heads * n * n)), 1, r.config.layers);
    r.attention.resize(static_cast<std::size_t>(r.layers_kept) * heads * n * n);
    Hooks<float> hooks = watching(r.plain, r.config.layers, context);
    hooks.on_attention = [&](Index layer, Index, Index head, View<const float> map) {
        if (layer < r.layers_kept) {
            const std::size_t at =
                static_cast<std::size_t>(layer) * heads + static_cast<std::size_t>(head);
            for (Index i = 0; i < map.rows; ++i) {
                std::copy_n(map.row(i), map.cols,
                            r.attention.begin() + static_cast<std::ptrdiff_t>(
                                                      (at * n + static_cast<std::size_t>(i)) * n));
            }
        }
    };
    r.logits = logits<float>(loaded.model, std::vector<TokenIds>{ids}, hooks);
    for (std::size_t i = 0; i < n; ++i) {
        TokenView token;
        token.bits = std::numeric_limits<double>::quiet_NaN();
        if (i > 0) {
            token = view_of(ids[i],
                            {r.logits.row(static_cast<Index>(i) - 1),
                             static_cast<std::size_t>(r.logits.cols())},
                            tokenizer);
        }
        token.piece = tokenizer.piece(ids[i]);
        r.tokens.push_back(std::move(token));
    }
    r.ids = std::move(ids);
    return r;
}

void make_outlying(const Loaded& loaded, const Outlying& outlying, Data& data,
                   const RunContext& context) {
    data.outlying = outlying;
    const ModelConfig& c = loaded.model.config;
    if (outlying.channels == 0 || outlying.factor == 1 ||
        loaded.files->float_bytes() > most_bytes_copied) {
        return;
    }
    std::vector<Index> channels;
    for (Index i = 0; i < outlying.channels; ++i) {
        channels.push_back((2 * i + 1) * c.hidden / (2 * outlying.channels));
    }
    channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
    Model<float> model = loaded.model;
    for (Index layer = 0; layer < c.layers; ++layer) {
        for (const Site site : {Site::attention_in, Site::mlp_in}) {
            model = with_outliers(model, layer, site, channels, outlying.factor);
        }
        context.check();
    }
    model = with_outliers(model, 0, Site::head_in, channels, outlying.factor);
    data.outlying.channels = static_cast<Index>(channels.size());
    Ranges ranges;
    const Hooks<float> hooks = watching(ranges, c.layers, context);
    const Reading& r = *data.reading;
    const Matrix<float> changed = logits<float>(model, std::vector<TokenIds>{r.ids}, hooks);
    for (std::size_t i = 0; i < changed.values().size(); ++i) {
        const auto before = static_cast<double>(r.logits.values()[i]);
        const auto after = static_cast<double>(changed.values()[i]);
        data.largest_change = std::max(data.largest_change, std::abs(after - before));
        data.largest_logit = std::max(data.largest_logit, std::abs(before));
    }
    data.ranges = std::move(ranges);
}

}  // namespace nibble::tiny_model
