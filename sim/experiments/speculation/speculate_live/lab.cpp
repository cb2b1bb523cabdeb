// Two real models writing text: one drafts, the other verifies, and every token shows who wrote it.
#include <fmt/format.h>

#include "sim/experiments/speculation/speculate_live/data.hpp"

namespace nibble::speculate_live_lab {
namespace {

Timeline timeline(const Data& data) {
    Timeline t;
    t.param = "step";
    t.step_name = "step of the target";
    t.steps_a_second = 2;
    t.last = std::min<std::int64_t>(Params::most_steps,
                                    static_cast<std::int64_t>(data.speculation.steps.size()));
    t.marks_meaning = "every draft rejected";
    for (std::int64_t i = 0; i < t.last; ++i) {
        const SpeculationStep& step = data.speculation.steps[static_cast<std::size_t>(i)];
        if (step.levels > 0 && step.accepted.empty()) {
            t.marks.push_back({i + 1, fmt::format("step {}: the first draft is rejected", i + 1)});
        }
    }
    return t;
}

Outcome show(const Params& p, const Data& data) {
    Outcome outcome;
    describe(p, data, outcome);
    outcome.rows = figures(p, data);
    outcome.timeline = timeline(data);
    return outcome;
}

void add_advanced(Schema<Params>& schema) {
    const auto has_draft_model = [](const Params& p) { return p.draft == Draft::model; };
    schema.push_back(text("prompt", &Params::prompt)
                         .label("Your text")
                         .help("The models go on with this instead of a text of the corpus.")
                         .advanced());
    schema.push_back(boolean("adaptive", &Params::adaptive)
                         .label("Adaptive K")
                         .help("Two drafts more after a step that accepts all of them, one less "
                               "after any other; starts with K.")
                         .advanced());
    schema.push_back(
        text("tree", &Params::tree)
            .label("Tree instead of a chain")
            .help("Children of every drafted token, by level: 2,2,1. More candidates, "
                  "more accepted, and more for the target to verify.")
            .when([](const Params& p) { return p.draft == Draft::model && !p.adaptive; })
            .advanced());
    schema.push_back(real("top_p", &Params::top_p, {0.05, 1})
                         .help("Both models draw only from the likeliest tokens that together "
                               "reach this probability.")
                         .when([](const Params& p) { return p.temperature > 0; })
                         .advanced());
    schema.push_back(integer("tokens", &Params::tokens, {2, 200})
                         .label("Tokens to write")
                         .help("How long the text becomes; it may end earlier.")
                         .advanced());
    schema.push_back(file("target_model", &Params::target_model, {".gguf", ".safetensors", ".json"})
                         .label("Target of yours")
                         .help("A .gguf file, or a folder with config.json and *.safetensors, of a "
                               "Llama-type model; empty for the one that comes along.")
                         .advanced());
    schema.push_back(file("draft_model", &Params::draft_model, {".gguf", ".safetensors", ".json"})
                         .label("Draft of yours")
                         .help("Likewise, with the same tokenizer as the target.")
                         .when(has_draft_model)
                         .advanced());
    schema.push_back(integer<Params>("step", &Params::step, {0, Params::most_steps})
                         .label("Steps shown")
                         .help("How many passes of the target have written; play it to see the "
                               "drafts come and go.")
                         .view());
}

Schema<Params> schema() {
    Schema<Params> all = {
        choice("text", &Params::text,
               {{"stories", "a story"},
                {"arithmetic", "sums"},
                {"code", "code"},
                {"records", "records"}})
            .help("What the models write: a text of their corpus that they have not been trained "
                  "on. The more predictable, the more drafts are accepted."),
        choice("draft", &Params::draft, {{"draft", "a small model"}, {"ngram", "prompt lookup"}})
            .label("Drafts from")
            .help("A model of a fourteenth of the size, or what followed the last time the same "
                  "three tokens stood there."),
        integer("k", &Params::k, {1, 16})
            .label("Drafts a step (K)")
            .help("More drafts write more tokens a step while they are accepted; those after the "
                  "first rejection were drafted and verified in vain."),
        real("temperature", &Params::temperature, {0, 2})
            .help("0 takes the likeliest token; more lets both models wander, and they agree less "
                  "often."),
    };
    add_advanced(all);
    return all;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "speculate-live", "Speculation", "Speculation, live",
        "How much of its text does a large model leave to a small one, and is that faster here?",
        schema(), run, show);
}

}  // namespace nibble::speculate_live_lab
