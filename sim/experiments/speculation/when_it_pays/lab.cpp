// When a draft model makes a real pair of models faster, and when it makes it slower: the roofline
// of both over batch and context.
#include <algorithm>
#include <cmath>

#include "sim/core/experiment.hpp"
#include "sim/experiments/speculation/when_it_pays/data.hpp"
#include "sim/roofline/setting.hpp"
#include "sim/speculative/closed_forms.hpp"

namespace nibble::when_it_pays_lab {
namespace {

struct Params : Setting {
    std::string draft = "auto";
    double alpha = 0.7;
    int k = 4;
    int draft_weight_bits = 16;
    double overhead_us = 0;

    /// Four devices hold a large model, its cache and the draft; as many requests as make a
    /// service.
    Params() {
        model = "llama-3.1-70b";
        device = "h100-80gb-sxm";
        tensor_parallel = 4;
        batch = 256;
        context = 1024;
    }
};

constexpr double usable_share = 0.9;  // of the memory, the rest is the runtime's

PairOnDevice pair_of(const Params& p, const DeviceSheet& device) {
    PairOnDevice pair{model_named(p.model), {}, machine_of(device, p.accumulate)};
    pair.draft = draft_named(p.draft, pair.target);
    pair.target_precision = p.precision();
    pair.draft_precision = p.precision();
    pair.draft_precision.weight_bits = p.draft_weight_bits;
    pair.tensor_parallel = p.tensor_parallel;
    pair.overhead = Seconds{1e-6 * p.overhead_us};
    return pair;
}

/// 1, 2, 3, 4, 6, 8, 11, 16 ...: halves of octaves, rounded.
std::vector<std::int64_t> half_octaves(std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> values;
    for (int half = 0;; ++half) {
        const auto value = std::llround(static_cast<double>(first) * std::exp2(half / 2.0));
        if (value > last) {
            return values;
        }
        values.push_back(value);
    }
}

void fill_map(Data& d, const Params& p, Bytes usable, const RunContext& context) {
    d.map_batches = d.batches = half_octaves(1, most_batch);
    d.batches.erase(std::unique(d.batches.begin(), d.batches.end()), d.batches.end());
    d.contexts = half_octaves(least_context, most_context);
    for (const std::int64_t c : d.contexts) {
        context.check();
        const auto fit = static_cast<double>(requests_that_fit(d.pair, c, p.k, usable));
        for (const std::int64_t b : d.map_batches) {
            d.speed_ups.push_back(
                static_cast<float>(round_cost(d.pair, b, c, p.k).speed_up(d.tokens)));
            d.room.push_back(static_cast<float>(fit / static_cast<double>(b)));
        }
    }
}

void fill_candidates(Data& d, const Params& p) {
    const auto add = [&](const ModelShape& draft) {
        PairOnDevice pair = d.pair;
        pair.draft = draft;
        const RoundCost cost = round_cost(pair, p.batch, p.context, p.k);
        d.candidates.push_back({draft.id, draft.name, cost.cost_ratio(), cost.speed_up(d.tokens),
                                acceptance_for(ratio(cost.total(), cost.plain), p.k),
                                draft.id == d.pair.draft.id});
    };
    for (const ModelShape* draft : drafts_for(d.pair.target)) {
        add(*draft);
    }
    const bool listed = std::any_of(d.candidates.begin(), d.candidates.end(),
                                    [](const Candidate& c) { return c.chosen; });
    if (!listed) {
        add(d.pair.draft);
    }
}

Data run(const Params& p, const RunContext& context) {
    const DeviceSheet& device = catalogue().device(p.device);
    Data d;
    d.pair = pair_of(p, device);
    d.device = device.name;
    d.machine = device.origin();
    d.at = {p.batch, p.context, p.k, p.alpha};
    d.tokens = expected_tokens(p.alpha, p.k);
    d.now = round_cost(d.pair, p.batch, p.context, p.k);
    const Bytes usable = usable_share * device.memory;
    d.fits = requests_that_fit(d.pair, p.context, p.k, usable);
    d.losing = losing_batch(d.pair, p.alpha, p.context, p.k, 4 * most_batch);
    d.compute_bound = compute_bound_batch(d.pair, p.context, p.k, 4 * most_batch);
    fill_map(d, p, usable, context);
    for (const std::int64_t c : d.contexts) {
        if (d.speed_up() < 1 && !d.pays_again && c > p.context &&
            round_cost(d.pair, p.batch, c, p.k).speed_up(d.tokens) >= 1) {
            d.pays_again = c;
        }
    }
    for (int k = 0; k <= most_drafts; ++k) {
        const RoundCost cost = round_cost(d.pair, p.batch, p.context, k);
        const double tokens = expected_tokens(p.alpha, k);
        d.by_k.push_back(cost.speed_up(tokens));
        d.closed_by_k.push_back(walltime_factor(p.alpha, k, d.now.cost_ratio()));
    }
    d.best_k = static_cast<int>(std::max_element(d.by_k.begin(), d.by_k.end()) - d.by_k.begin());
    d.best_speed_up = d.by_k[static_cast<std::size_t>(d.best_k)];
    for (const std::int64_t b : d.batches) {
        context.check();
        const int k = best_drafts(d.pair, p.alpha, b, p.context, most_drafts);
        d.best_by_batch.push_back(
            round_cost(d.pair, b, p.context, k).speed_up(expected_tokens(p.alpha, k)));
    }
    fill_candidates(d, p);
    d.published = &published_speculation();
    return d;
}

Outcome show(const Params&, const Data& d) {
    Outcome o;
    describe(d, o);
    o.rows = figures(d);
    return o;
}

std::vector<Choice> drafts_or_auto() {
    std::vector<Choice> choices = model_choices();
    choices.insert(choices.begin(), {"auto", "the smallest of its family"});
    return choices;
}

Schema<Params> schema() {
    using namespace setting_params;
    return {
        model_param<Params>("target", static_cast<std::string Params::*>(&Params::model))
            .label("Target")
            .help("The model whose text it is: the larger, the cheaper a draft beside it. Also "
                  "takes a config.json."),
        device<Params>(),
        batch<Params>(),
        real<Params>("alpha", &Params::alpha, {0, 1})
            .label("Acceptance α")
            .help("How likely the target accepts a draft: an assumption here, since it depends on "
                  "the text."),
        named("draft", &Params::draft, drafts_or_auto(), {".json"})
            .help("The model that guesses: larger ones are accepted more often and cost more.")
            .advanced(),
        integer<Params>("k", &Params::k, {1, most_drafts})
            .label("Drafts K")
            .help("Drafts before each step of the target: more to gain for one request, more to "
                  "lose for many.")
            .advanced(),
        context<Params>().advanced(),
        tensor_parallel<Params>().advanced(),
        weight_bits<Params>().label("Weight bits of the target").advanced(),
        integer<Params>("draft_weight_bits", &Params::draft_weight_bits, {2, 16})
            .label("Weight bits of the draft")
            .unit("bit")
            .help("Fewer bits make a draft cheaper while it waits for memory.")
            .advanced(),
        kv_bits<Params>().advanced(),
        real<Params>("overhead_us", &Params::overhead_us, {0, 5000})
            .label("Fixed time of a step")
            .unit("µs")
            .help("Launching, sampling and the host, in every step of either model: an assumption "
                  "that hurts the many small steps of the draft.")
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("when-it-pays", "Speculation", "When it pays",
                                "For which batch and context does a draft make the text faster?",
                                schema(), run, show);
}

}  // namespace nibble::when_it_pays_lab
