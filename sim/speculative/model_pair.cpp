#include "sim/speculative/model_pair.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <optional>

#include "sim/core/one_thread.hpp"

namespace nibble {
namespace {

constexpr Index most_drafted = 1024;
/// The loops of a smaller model are too short to be shared out, above all token by token.
constexpr std::uint64_t bytes_worth_sharing = std::uint64_t{64} << 20;

[[noreturn]] void refuse_branching(std::string_view text, const std::string& why) {
    throw Error(Error::Code::bad_param, fmt::format("tree = \"{}\": {}", text, why),
                "children of every token, by level: 2,2,1");
}

double a_token(double seconds, std::size_t tokens) {
    return tokens < 2 ? std::numeric_limits<double>::quiet_NaN()
                      : seconds / static_cast<double>(tokens - 1);
}

/// Of every step the fastest time; the same settings take the same steps.
void keep_fastest(Speculation& best, const Speculation& again) {
    NIBBLE_ASSERT(best.steps.size() == again.steps.size(), "the same seed takes the same steps");
    const auto keep = [](double& time, double other) { time = std::min(time, other); };
    keep(best.prompt_seconds, again.prompt_seconds);
    for (std::size_t i = 0; i < best.steps.size(); ++i) {
        keep(best.steps[i].draft_seconds, again.steps[i].draft_seconds);
        keep(best.steps[i].target_seconds, again.steps[i].target_seconds);
        keep(best.steps[i].rule_seconds, again.steps[i].rule_seconds);
    }
}

void keep_fastest(PlainText& best, const PlainText& again) {
    NIBBLE_ASSERT(best.tokens == again.tokens, "the same seed writes the same text");
    best.prompt_seconds = std::min(best.prompt_seconds, again.prompt_seconds);
    for (std::size_t i = 0; i < best.token_seconds.size(); ++i) {
        best.token_seconds[i] = std::min(best.token_seconds[i], again.token_seconds[i]);
    }
}

}  // namespace

Branching parse_branching(std::string_view text) {
    Branching branching;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        const std::string_view part = text.substr(at, comma - at);
        Index children = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), children);
        if (error != std::errc{} || end != part.data() + part.size() || children < 1) {
            refuse_branching(text, fmt::format("\"{}\" is no number of children", part));
        }
        branching.push_back(std::min(children, most_drafted + 1));
        if (size_of(branching) > most_drafted) {
            refuse_branching(text, fmt::format("more than {} tokens are drafted", most_drafted));
        }
        at = comma + 1;
    }
    return branching;
}

TokenIds ModelPair::prompt_ids(std::string_view text) const {
    TokenIds ids;
    if (target->model.config.bos >= 0) {
        ids.push_back(static_cast<std::int32_t>(target->model.config.bos));
    }
    const TokenIds rest = tokenizer().encode(text);
    ids.insert(ids.end(), rest.begin(), rest.end());
    return ids;
}

std::unique_ptr<Drafter> ModelPair::drafter(const Sampling& sampling) const {
    if (!draft) {
        return std::make_unique<NgramDrafter>(target->model.config.vocab);
    }
    return std::make_unique<ModelDrafter>(std::make_unique<NetworkSequence>(draft->model),
                                          sampling);
}

ModelPair load_pair(const std::string& target, const std::string& draft,
                    const RunContext& context) {
    ModelPair pair{loaded_model(target, context), nullptr};
    if (draft != ngram_draft) {
        pair.draft = loaded_model(draft, context);
        check_same_tokens(pair.tokenizer(), pair.draft->files->needed_tokenizer(),
                          pair.target->model.config, pair.draft->model.config);
    }
    return pair;
}

SpeculationSettings settings_for(const ModelPair& pair) {
    SpeculationSettings settings;
    settings.eos = pair.target->model.config.eos;
    return settings;
}

double TimedSpeculation::speculative_seconds_a_token() const {
    return a_token(speculation.seconds(), speculation.tokens.size());
}

double TimedSpeculation::plain_seconds_a_token() const {
    return a_token(plain.seconds(), plain.tokens.size());
}

TimedSpeculation timed_speculation(const ModelPair& pair, const TokenIds& prompt,
                                   const SpeculationSettings& settings, int repeats) {
    std::optional<OneThread> alone;
    if (pair.target->files->float_bytes() < bytes_worth_sharing) {
        alone.emplace();
    }
    TimedSpeculation best;
    for (int i = 0; i < repeats; ++i) {
        NetworkSequence verifier(pair.target->model), plain_model(pair.target->model);
        const auto drafter = pair.drafter(settings.sampling);
        Speculation speculation = speculate(verifier, *drafter, prompt, settings);
        PlainText plain = decode_plainly(plain_model, prompt, settings);
        if (settings.stop.stop_requested()) {
            throw Error(Error::Code::cancelled, "stopped while decoding");
        }
        if (i == 0) {
            best.speculation = std::move(speculation);
            best.plain = std::move(plain);
        } else {
            keep_fastest(best.speculation, speculation);
            keep_fastest(best.plain, plain);
        }
    }
    best.same_tokens =
        std::equal(best.plain.tokens.begin(), best.plain.tokens.end(),
                   best.speculation.tokens.begin(), best.speculation.tokens.end(),
                   [](std::int32_t id, const SpeculatedToken& token) { return id == token.id; });
    return best;
}

}  // namespace nibble
