// A target and what drafts for it, from files: another model with the same tokenizer, or the text
// itself. And both ways of decoding, timed side by side.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sim/speculative/decode.hpp"

namespace nibble {

/// The draft that is no model.
inline constexpr std::string_view ngram_draft = "ngram";

/// "2,2,1": children of every drafted token, by level. Throws Error::bad_param naming what is no
/// whole number from 1 on, and a tree of more than 1024 tokens.
Branching parse_branching(std::string_view text);

struct ModelPair {
    std::shared_ptr<const LoadedModel> target;
    std::shared_ptr<const LoadedModel> draft;  // null: prompt lookup

    /// The prompt behind the target's begin token, if it has one.
    TokenIds prompt_ids(std::string_view text) const;
    std::unique_ptr<Drafter> drafter(const Sampling& sampling) const;
    const Tokenizer& tokenizer() const { return target->files->needed_tokenizer(); }
};

/// Names or paths as in open_model(); the draft may be "ngram". Throws what opening a model throws
/// and, as check_same_tokens() does, for a pair that does not share a tokenizer.
ModelPair load_pair(const std::string& target, const std::string& draft, const RunContext& context);

/// Settings for a pair: its end tokens.
SpeculationSettings settings_for(const ModelPair& pair);

struct TimedSpeculation {
    Speculation speculation;
    PlainText plain;
    bool same_tokens = false;  // as they must be at temperature 0

    /// Of the tokens after the first, which the prompt's own pass gives; NaN when there are none.
    double speculative_seconds_a_token() const;
    double plain_seconds_a_token() const;
    double speedup() const { return plain_seconds_a_token() / speculative_seconds_a_token(); }
};

/// Decodes speculatively and plainly in turn, `repeats` times, and keeps the fastest time of every
/// step and every token: what else the machine does only ever adds time. Small models stay on one
/// thread, where they are faster. Throws as speculate() does, and Error::cancelled when
/// settings.stop asks.
TimedSpeculation timed_speculation(const ModelPair& pair, const TokenIds& prompt,
                                   const SpeculationSettings& settings, int repeats);

}  // namespace nibble
