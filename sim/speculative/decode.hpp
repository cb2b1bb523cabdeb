// Speculative decoding with real models: draft, verify in one pass, keep what stands, roll back.
//
// A step: the drafter guesses a chain of K tokens (or a tree); the target reads the last token that
// was written and all guesses in ONE forward pass behind its cache, which gives its distribution at
// every one of the K + 1 positions; the acceptance rule walks down from there; the cache keeps the
// accepted path. Each step writes between 1 and K + 1 tokens for one reading of the target.
//
// Greedy text is the target's own, token for token: verification gives the same bits as decoding
// one token at a time (extend_tree), so that even ties fall the same way. With a temperature or
// top_p, p and q are the distributions after both, and the text has the target's distribution.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "sim/speculative/drafter.hpp"

namespace nibble {

struct SpeculationSettings {
    Sampling sampling;
    Branching branching = chain_of(4);
    /// Chains only: two drafts more after a step that accepted all of them, one less otherwise, at
    /// least one and at most `most_drafts`: the heuristic schedule of assisted generation (Gante
    /// 2023). Starts with `branching`.
    bool adaptive = false;
    Index most_drafts = 16;
    Index count = 200;            // tokens, at most
    std::vector<Index> eos = {};  // any of these ends the text
    SpeculationRule rule = SpeculationRule::exact;
    std::stop_token stop = {};  // ends the text early
};

enum class Written : std::uint8_t {
    first,      // drawn after reading the prompt, as without speculation
    accepted,   // a draft that stands
    corrected,  // replaces a rejected draft
    bonus,      // follows drafts that all stand, or none
};
std::string_view name(Written how);

struct SpeculatedToken {
    std::int32_t id = 0;
    Written how = Written::first;
    std::size_t step = 0;    // 0: the prompt's own pass
    double probability = 1;  // of the target, under the sampling
};

/// One pass of the target.
struct SpeculationStep {
    DraftTree tree;               // without its distributions
    std::vector<Index> accepted;  // tokens of the tree, root first
    std::size_t levels = 0;       // of the tree
    double draft_seconds = 0, target_seconds = 0, rule_seconds = 0;

    double seconds() const { return draft_seconds + target_seconds + rule_seconds; }
};

/// How drafts fared at one distance from the text: 0 is the first drafted token.
struct PositionCount {
    std::int64_t drafted = 0;
    std::int64_t reached = 0;  // everything before it was accepted, so it was judged
    std::int64_t accepted = 0;
    /// Of those judged: NaN when none was.
    double acceptance() const;
};

struct Speculation {
    std::vector<SpeculatedToken> tokens;
    std::vector<SpeculationStep> steps;
    std::vector<PositionCount> positions;
    double prompt_seconds = 0;  // the target reads the prompt

    /// accepted / reached over all positions: the alpha of the formulas.
    double acceptance_rate() const;
    /// Tokens that the steps wrote, for each; without the first, which the prompt's pass gives.
    double tokens_per_step() const;
    /// Of all steps, without the prompt.
    double seconds() const;
};

/// Writes on after the prompt. `on_step` returns false to stop. Throws Error::bad_param for an
/// empty prompt, one that leaves no room, drafts that do not fit the positions of the target, and
/// branching that is none; and what the models and the rule throw.
Speculation speculate(SequenceModel& target, Drafter& drafter, std::span<const std::int32_t> prompt,
                      const SpeculationSettings& settings,
                      const std::function<bool(const Speculation&)>& on_step = {});

struct PlainText {
    TokenIds tokens;
    double prompt_seconds = 0;
    std::vector<double> token_seconds;  // of every token after the first

    double seconds() const;
};

/// The same without drafts, one token a pass: what the speed-up is measured against. At temperature
/// 0 its tokens are those of speculate().
PlainText decode_plainly(SequenceModel& target, std::span<const std::int32_t> prompt,
                         const SpeculationSettings& settings);

}  // namespace nibble
