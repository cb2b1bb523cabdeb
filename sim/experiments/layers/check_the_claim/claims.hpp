// Statements about quantization that go round and are wrong, each with the experiment that settles
// it. A claim's test computes what can be computed and runs what can be run; nothing is looked up
// but what was printed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"

namespace nibble::check_the_claim_lab {

/// One quantity, as the claim has it and as it is.
struct Compared {
    std::string metric;             // snake_case
    std::string label;              // under the bars
    std::optional<double> claimed;  // absent where the claim says nothing of it
    double found = 0;
};

struct Tested {
    std::string claim;    // the sentence that goes round
    std::string verdict;  // one sentence: right or wrong, and by how much
    std::string right;    // what holds instead, with the numbers
    std::string title;    // of the bars
    std::string quantity, unit;
    std::vector<Compared> values;
    std::optional<Figure> more;  // a second figure that shows why
    Origin origin;
    std::optional<Equation> equation;
};

// Bits and levels.
Tested double_quantization(const RunContext& context);
Tested sixteen_levels(const RunContext& context);
Tested block_formats(const RunContext& context);
Tested wrong_baseline(const RunContext& context);
// Layers of the target model.
Tested awq_twenty_five(const RunContext& context);
Tested gptq_without_elimination(const RunContext& context);
Tested fixed_damping(const RunContext& context);
// Models and machines.
Tested last_token_perplexity(const RunContext& context);
Tested four_times_faster(const RunContext& context);

}  // namespace nibble::check_the_claim_lab
