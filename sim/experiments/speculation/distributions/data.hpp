// What the lab of the two distributions computes: how target and draft agree, and what texts
// written by the rule, and by three mistakes, are distributed as after more and more draws.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "sim/core/outcome.hpp"
#include "sim/speculative/chi_square.hpp"
#include "sim/speculative/short_texts.hpp"

namespace nibble::distributions_lab {

constexpr std::size_t word_count = 6;
/// The last takes what the others leave.
inline constexpr std::array<const char*, word_count> words = {"sun", "rain", "wind",
                                                              "fog", "snow", "other"};

/// How far the written texts are from the target's, after so many.
struct Checkpoint {
    std::int64_t draws = 0;
    double distance = 0;  // total variation over pairs of words
};

/// What one rule has written.
struct Written {
    SpeculationRule rule = SpeculationRule::exact;
    std::vector<std::int64_t> counts;  // of pairs
    std::vector<Checkpoint> path;
    double limit = 0;  // the distance that stays after infinitely many
    ChiSquare test;    // of the counts against the target's pairs

    std::int64_t draws() const { return path.empty() ? 0 : path.back().draws; }
};

struct Data {
    Distribution p, q;                // of the first word
    double p_scale = 1, q_scale = 1;  // share over parameter: below 1 where they summed to more
    Distribution target_pairs;
    std::vector<Written> written;  // by rule, in the order of all_speculation_rules
    std::int64_t draws = 0;        // to be made

    double acceptance() const { return acceptance_probability(p, q); }
    const Written& of(SpeculationRule rule) const {
        return written[static_cast<std::size_t>(rule)];
    }
};

std::string words_of(SpeculationRule rule);

std::vector<FigureRow> figures(const Data& d, SpeculationRule rule);
void describe(const Data& d, SpeculationRule rule, std::size_t token, Outcome& o);

}  // namespace nibble::distributions_lab
