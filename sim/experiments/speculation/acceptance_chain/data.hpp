// What the acceptance chain lab computes: the closed forms over K and over alpha, the dice, the
// first target steps of them token by token, and the same of a real pair of models.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/outcome.hpp"
#include "sim/speculative/chain_simulation.hpp"
#include "sim/speculative/pair_acceptance.hpp"

namespace nibble::acceptance_chain_lab {

struct Settings {
    double alpha = 0.8;
    int k = 5;
    double cost = 0.05, draft_operations = 0.05;
};

/// Drafts beyond this are not searched for the best K, and not drawn.
constexpr int most_drafts = 64;
/// Target steps whose tokens are shown falling.
constexpr int shown_steps = 8;

struct Data {
    Settings settings;
    std::int64_t target_steps = 0;  // to be played; counts.total() of them have been
    AcceptedCounts counts;          // of the dice
    std::vector<int> falling;       // accepted drafts of the first target steps
    double expected = 0, walltime = 0, operations = 0;
    int best_k = 0;
    double best_walltime = 0;
    std::vector<MeasuredChain> measured;  // the shipped pair, one a domain, as far as it has come

    /// Null while it has not been measured.
    const MeasuredChain* of(Domain domain) const;
};

/// One token of the falling steps: which step it belongs to, and its place in it. The last place of
/// a step holds the correction or the bonus.
struct Fallen {
    int step = 0, place = 0;
    bool drafted = false;  // accepted from the draft
};
std::vector<Fallen> fallen_tokens(const Data& d);

/// The tree, the falling tokens up to `shown`, and the charts.
std::vector<FigureRow> figures(const Data& d, int shown, Domain domain);
void describe(const Data& d, Domain domain, Outcome& o);

/// "1 token", "3.69 tokens".
std::string tokens_text(double tokens);
std::string percent_text(double share);

}  // namespace nibble::acceptance_chain_lab
