// How far a chain of guesses holds: K drafts in a row, each accepted with chance alpha, and what a
// step of the target yields for it. Closed form, dice and two real models side by side.
#include <algorithm>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/experiments/speculation/acceptance_chain/data.hpp"
#include "sim/speculative/closed_forms.hpp"

namespace nibble::acceptance_chain_lab {
namespace {

struct Params : Settings {
    int target_steps = 10000;
    double temperature = 1;
    Domain domain = Domain::stories;
    int step = 22;  // a few target steps have fallen, one is under way
};

/// Of all domains, kept for other alphas; while the reader drags only what is already there.
void measure(Data& d, const Params& p, const RunContext& context) {
    for (const Domain domain : all_domains) {
        const std::string key = fmt::format("measured chain {} k={} T={} seed={}", name(domain),
                                            p.k, p.temperature, context.seed);
        if (context.preview && !(context.shared && context.shared->find(key))) {
            return;
        }
        d.measured.push_back(*context.memo<MeasuredChain>(
            key,
            [&] {
                return measure_chain(load_pair("target", "draft", context), domain, p.k,
                                     p.temperature, ChainSample{}, context);
            },
            [](const MeasuredChain& c) { return sizeof c + 8 * c.counts.steps.size(); }));
        context.progress(static_cast<double>(d.measured.size()) / all_domains.size());
        context.publish(d);
    }
}

Data run(const Params& p, const RunContext& context) {
    Data d;
    d.settings = p;
    d.target_steps = p.target_steps;
    d.expected = expected_tokens(p.alpha, p.k);
    d.walltime = walltime_factor(p.alpha, p.k, p.cost);
    d.operations = operations_factor(p.alpha, p.k, p.draft_operations);
    d.best_k = best_drafts(p.alpha, p.cost, most_drafts);
    d.best_walltime = walltime_factor(p.alpha, d.best_k, p.cost);
    const Rng rng = context.rng("acceptance chain");
    for (int i = 0; i < shown_steps; ++i) {
        d.falling.push_back(accepted_in_step(rng, i, p.alpha, p.k));
    }
    simulate_chain(rng, p.alpha, p.k, p.target_steps,
                   [&](const AcceptedCounts& counts, double done) {
                       context.check();
                       context.progress(done);
                       d.counts = counts;
                       context.publish(d);
                   });
    measure(d, p, context);
    return d;
}

Timeline timeline(const Data& d) {
    Timeline t;
    t.param = "step";
    t.step_name = "token";
    t.steps_a_second = 4;
    t.marks_meaning = "steps accepted whole";
    const std::vector<Fallen> tokens = fallen_tokens(d);
    t.last = static_cast<std::int64_t>(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i].place == d.settings.k) {
            t.marks.push_back({static_cast<std::int64_t>(i) + 1, "all drafts stand: a bonus"});
        }
    }
    return t;
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    describe(d, p.domain, o);
    o.timeline = timeline(d);
    o.rows = figures(d, std::min(p.step, static_cast<int>(o.timeline->last)), p.domain);
    return o;
}

Schema<Params> schema() {
    return {
        real<Params>("alpha", &Params::alpha, {0, 1})
            .label("Acceptance α")
            .help("How likely the target accepts a draft: the chain holds longer."),
        integer<Params, int>("k", &Params::k, {1, most_drafts, Scale::linear, {{1, 16}}})
            .label("Drafts K")
            .help("Drafts before each step of the target: more can be kept, more are thrown away."),
        real<Params>("cost", &Params::cost, {0, 1})
            .label("Cost c of a draft")
            .help("Time of one draft over that of one step of the target: the best K falls."),
        real<Params>("draft_operations", &Params::draft_operations, {0, 1})
            .label("Arithmetic of a draft")
            .help("Operations of the draft model over the target's, for one token: more work for "
                  "the same text.")
            .advanced(),
        integer<Params>("target_steps", &Params::target_steps, {100, 10000000, Scale::log10})
            .label("Steps of the dice")
            .help("Target steps that are played with dice: four times as many halve the interval.")
            .advanced(),
        choice("domain", &Params::domain,
               {{"stories", "stories"},
                {"arithmetic", "arithmetic"},
                {"code", "code"},
                {"records", "records"}})
            .label("Real text")
            .help("What Nibble's own two models write where they are measured beside the dice.")
            .view()
            .advanced(),
        real<Params>("temperature", &Params::temperature, {0, 2})
            .label("Temperature of the real pair")
            .help("At 0 both models take their likeliest token; with more heat they agree less on "
                  "surprises.")
            .advanced(),
        integer<Params>("step", &Params::step, {0, (most_drafts + 1) * shown_steps})
            .label("Tokens fallen")
            .help("Lets the tokens of the first target steps fall one by one.")
            .view(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("acceptance-chain", "Speculation", "Acceptance chain",
                                "How many of K guesses survive, and how many should be made?",
                                schema(), run, show);
}

}  // namespace nibble::acceptance_chain_lab
