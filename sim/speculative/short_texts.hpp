// The smallest language in which every mistake of speculative decoding shows: texts of two words
// over a handful of them, in which no word comes twice in a row.
//
// The first word is drawn from p, the second from p without the first, normalised; the draft model
// has its q and the same grammar. A text is written speculatively with one draft a step: an
// accepted draft is followed by the bonus word, a correction by a step of its own. The second word
// depends on the first, so a bonus that was drawn for a rejected word can be told from one that was
// not.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/rng.hpp"
#include "sim/speculative/acceptance_rule.hpp"

namespace nibble {

class ShortTexts {
public:
    /// Throws Error::bad_param when p or q is no distribution or their lengths differ.
    ShortTexts(Distribution p, Distribution q);

    std::size_t words() const { return p_.size(); }
    /// p(. | previous): without `previous`; p itself where nothing else is possible.
    const Distribution& after(std::size_t previous) const { return p_after_[previous]; }

    /// Of the pairs (first, second), first major: what the target alone writes.
    Distribution target_pairs() const;
    /// The same as `rule` writes them, summed over everything that can happen.
    Distribution pairs(SpeculationRule rule) const;

    /// One text, as index of its pair: a function of the seed and `text` alone.
    std::size_t write(const Rng& rng, std::uint64_t text, SpeculationRule rule) const;

    /// Adds texts first .. last - 1 to `counts` (one a pair). Same counts on any number of threads.
    void count(const Rng& rng, std::int64_t first, std::int64_t last, SpeculationRule rule,
               std::vector<std::int64_t>& counts) const;

private:
    Distribution p_, q_;
    std::vector<Distribution> p_after_, q_after_;  // by previous word
    /// What verify_chain() takes: {p(. | before), p(. | draft)} by word before and drafted word,
    /// and {q(. | before)}; the last `before` stands for the beginning of the text.
    std::vector<std::vector<std::vector<Distribution>>> p_chain_;
    std::vector<std::vector<Distribution>> q_chain_;
};

/// Half the sum of |a - b|: 0 for equal distributions, 1 for those without a common token.
double total_variation(const std::vector<double>& a, const std::vector<double>& b);

/// Counts over their sum.
Distribution shares(const std::vector<std::int64_t>& counts);

/// Of the first word (or the second) of pairs over `words` words.
Distribution first_word(const Distribution& pairs, std::size_t words);
Distribution second_word(const Distribution& pairs, std::size_t words);

}  // namespace nibble
