// One step's verdict: from the end of the text down the drafted tree, as far as the target agrees.
//
// Chains go through the verification kernel (kernels/sampling), all positions at once; trees, and
// the mistakes that are to be compared with the rule, through acceptance_rule.hpp token by token.
#pragma once

#include <span>
#include <vector>

#include "sim/speculative/drafter.hpp"

namespace nibble {

struct Walk {
    std::vector<Index> path;            // accepted tokens of the tree, root first
    std::vector<std::int32_t> tokens;   // those, and the target's own after them
    std::vector<double> probabilities;  // of each under the target
    bool corrected = false;             // candidates were there, and all of them rejected
};

/// p: the target's distributions, the first behind the text, then behind every token of the tree.
/// accept: a uniform number for each token; `own` draws the target's own; `extra` what
/// bonus_after_rejection adds. Throws as settle() does.
Walk judge_tree(const DraftTree& tree, std::span<const Distribution> p,
                std::span<const double> accept, double own,
                SpeculationRule rule = SpeculationRule::exact, double extra = 0);

/// The exact rule for a tree with one child a level, on the processor's verification kernel, whose
/// probabilities are floats. Throws Error::bad_param for what that kernel refuses.
Walk judge_chain(const DraftTree& chain, std::span<const Distribution> p,
                 std::span<const double> accept, double own);

}  // namespace nibble
