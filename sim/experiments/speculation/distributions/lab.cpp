// Two distributions over a handful of words, and what comes out when the draft proposes and the
// target decides: always the target's, whatever the draft, unless the rule is broken.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/experiments/speculation/distributions/data.hpp"

namespace nibble::distributions_lab {
namespace {

/// A draft that likes fog and snow where the target likes sun and rain.
struct Params {
    double p_sun = 0.40, p_rain = 0.22, p_wind = 0.16, p_fog = 0.10, p_snow = 0.04;
    double q_sun = 0.15, q_rain = 0.12, q_wind = 0.30, q_fog = 0.25, q_snow = 0.10;
    SpeculationRule rule = SpeculationRule::exact;
    int draws = 100000, token = 1;
};

/// What 36 sums of products leave of equal distributions.
constexpr double rounding = 1e-12;

using Field = double Params::*;
constexpr std::array<Field, word_count - 1> target_fields = {
    &Params::p_sun, &Params::p_rain, &Params::p_wind, &Params::p_fog, &Params::p_snow};
constexpr std::array<Field, word_count - 1> draft_fields = {
    &Params::q_sun, &Params::q_rain, &Params::q_wind, &Params::q_fog, &Params::q_snow};

/// The named words as asked, the last with the rest; where they ask for more than there is, all
/// alike get less. `scale`: share over wish.
Distribution distribution_of(const Params& p, const std::array<Field, word_count - 1>& fields,
                             double& scale) {
    Distribution share;
    double sum = 0;
    for (const Field field : fields) {
        share.push_back(p.*field);
        sum += share.back();
    }
    scale = sum > 1 ? 1 / sum : 1;
    for (double& s : share) {
        s *= scale;
    }
    share.push_back(std::max(0.0, 1 - sum));
    return share;
}

/// 100, 316, 1000, ... and the last.
std::vector<std::int64_t> checkpoints(std::int64_t draws) {
    std::vector<std::int64_t> at;
    for (int half = 4;; ++half) {
        const auto next = std::llround(std::pow(10.0, half / 2.0));
        if (next >= draws) {
            at.push_back(draws);
            return at;
        }
        at.push_back(next);
    }
}

void write_until(Data& d, const ShortTexts& texts, std::int64_t draws, const RunContext& context) {
    constexpr std::int64_t most = 20000;  // between two looks at the stop: some 20 ms
    const Rng rng = context.rng("short texts");
    for (Written& w : d.written) {
        for (std::int64_t from = w.draws(); from < draws; from = std::min(draws, from + most)) {
            context.check();
            texts.count(rng, from, std::min(draws, from + most), w.rule, w.counts);
        }
        w.path.push_back({draws, total_variation(shares(w.counts), d.target_pairs)});
        w.test = chi_square_test(w.counts, d.target_pairs);
    }
}

Data run(const Params& p, const RunContext& context) {
    Data d;
    d.p = distribution_of(p, target_fields, d.p_scale);
    d.q = distribution_of(p, draft_fields, d.q_scale);
    d.draws = context.preview ? std::min(p.draws, 3162) : p.draws;
    const ShortTexts texts(d.p, d.q);
    d.target_pairs = texts.target_pairs();
    for (const SpeculationRule rule : all_speculation_rules) {
        Written w{rule, std::vector<std::int64_t>(word_count * word_count), {}, 0, {}};
        const double limit = total_variation(texts.pairs(rule), d.target_pairs);
        w.limit = limit > rounding ? limit : 0;
        d.written.push_back(std::move(w));
    }
    for (const std::int64_t draws : checkpoints(d.draws)) {
        write_until(d, texts, draws, context);
        context.progress(static_cast<double>(draws) / static_cast<double>(d.draws));
        if (draws < d.draws) {
            context.publish(d);
        }
    }
    return d;
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    const auto token = static_cast<std::size_t>(p.token - 1);
    describe(d, p.rule, token, o);
    o.rows = figures(d, p.rule);
    if (d.draws < p.draws) {
        o.sampling = fmt::format("{} of {} texts while dragging", d.draws, p.draws);
    }
    return o;
}

void add_words(Schema<Params>& schema, const std::array<Field, word_count - 1>& fields,
               const std::string& letter, const std::string& whose) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
        schema.push_back(
            real<Params>(fmt::format("{}_{}", letter, words[i]), fields[i], {0, 1})
                .label(fmt::format("{} of {}", letter, words[i]))
                .help(fmt::format("How likely the {} finds \"{}\"; \"{}\" takes what is left.",
                                  whose, words[i], words.back()))
                .advanced());
    }
}

Schema<Params> schema() {
    Schema<Params> list = {
        choice("rule", &Params::rule,
               {{"exact", "as it should be"},
                {"argmax_bonus", "likeliest word as bonus"},
                {"no_residual", "corrections from p"},
                {"bonus_after_rejection", "bonus after a rejection"}})
            .label("Rule")
            .help("The acceptance rule, or one of three mistakes: the texts then converge to "
                  "something else.")
            .view(),
        integer("draws", &Params::draws, {100, 1000000, Scale::log10})
            .label("Texts written")
            .help("More texts, less chance: the distance to the target falls with their root."),
        integer("token", &Params::token, {1, static_cast<double>(word_count)})
            .label("Word in the equations")
            .help("The word whose way through the rule is written out.")
            .view()
            .advanced(),
    };
    add_words(list, target_fields, "p", "target");
    add_words(list, draft_fields, "q", "draft");
    return list;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("distributions", "Speculation", "Two distributions",
                                "Why does a bad draft not spoil the text, and what does?", schema(),
                                run, show);
}

}  // namespace nibble::distributions_lab
