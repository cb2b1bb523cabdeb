// What the speculate-live lab looks at: one text written with drafts, step by step and timed
// against the target alone, and how often drafts are accepted in every domain of the corpus.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/core/outcome.hpp"
#include "sim/model/corpus.hpp"
#include "sim/speculative/model_pair.hpp"

namespace nibble::speculate_live_lab {

enum class Draft { model, ngram };

struct Params {
    Domain text = Domain::stories;
    Draft draft = Draft::model;
    int k = 4;
    double temperature = 0;

    std::string prompt;  // instead of a text of the corpus
    bool adaptive = false;
    std::string tree;  // instead of a chain of k
    double top_p = 1;
    int tokens = 80;
    std::string target_model, draft_model;  // instead of those that come with the program

    int step = most_steps;
    static constexpr int most_steps = 200;
};

/// Texts of one domain.
struct DomainCount {
    std::int64_t reached = 0, accepted = 0;  // drafts judged, and of those accepted
    std::int64_t tokens = 0, steps = 0;      // without the first token of each text
    double draft_seconds = 0, target_seconds = 0, rule_seconds = 0, plain_seconds = 0;

    void add(const TimedSpeculation& timed);
    double acceptance() const;
    double tokens_per_step() const;
    double seconds() const { return draft_seconds + target_seconds + rule_seconds; }
};

struct Data {
    std::string target, draft;  // names
    std::string prompt;
    std::vector<std::string> pieces;  // of the tokens written
    /// By step: the pieces of what was drafted.
    std::vector<std::vector<std::string>> drafted;
    Speculation speculation;
    bool same_tokens = false;
    bool greedy = true;
    std::array<DomainCount, all_domains.size()> domains;
    std::vector<PositionCount> positions;  // over the texts of all domains
    std::int64_t texts_a_domain = 0;       // read so far
    DomainCount text;                      // the one that is shown
    bool is_preview = false;
};

/// Throws what the models, the settings and the prompt can be refused for.
Data run(const Params& params, const RunContext& context);

std::vector<FigureRow> figures(const Params& params, const Data& data);
/// Finding, explanation, metrics, equation, tables.
void describe(const Params& params, const Data& data, Outcome& outcome);

/// The step that is looked at: no later than the last.
std::size_t step_of(const Params& params, const Data& data);

}  // namespace nibble::speculate_live_lab
