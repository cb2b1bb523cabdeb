// The pictures of the lab of the two distributions.
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/speculation/distributions/data.hpp"

namespace nibble::distributions_lab {
namespace {

std::vector<std::string> word_names() {
    return {words.begin(), words.end()};
}

Pick word_pick() {
    Pick pick{"token", {}};
    for (std::size_t i = 0; i < word_count; ++i) {
        pick.values.emplace_back(static_cast<std::int64_t>(i + 1));
    }
    return pick;
}

/// Half the distance of two bars that stand side by side, in names.
constexpr double beside = 0.19;

void add_handles(Figure& f, const Distribution& shares, double scale, const char* letter,
                 double offset, Role role, bool invites) {
    for (std::size_t i = 0; i + 1 < word_count; ++i) {  // the last takes what is left
        Handle h;
        if (invites && i == 0) {
            h.label = letter;
            h.hint = "drag me";
        }
        h.role = role;
        h.x = static_cast<double>(i) + offset;
        h.y = shares[i];
        h.y_param = fmt::format("{}_{}", letter, words[i]);
        h.y_scale = scale;
        f.marks.emplace_back(std::move(h));
    }
}

double top_of(const Data& d) {
    double top = 0.5;
    for (std::size_t i = 0; i < word_count; ++i) {
        top = std::max({top, 1.15 * d.p[i], 1.15 * d.q[i]});
    }
    return std::min(1.0, top);
}

Figure both_figure(const Data& d) {
    Figure f;
    f.id = "both";
    f.title = fmt::format("Where they overlap, a draft is accepted: {} of the time",
                          format_number(100 * d.acceptance()) + " %");
    f.alt_text = "Bars: the probability of each word under the target p and under the draft q.";
    f.x = {.label = "first word"};
    f.y = {.label = "probability", .limits = std::pair(0.0, top_of(d))};
    Bars bars;
    bars.names = word_names();
    bars.series = {{"target p", Role::reference, d.p}, {"draft q", Role::baseline, d.q}};
    bars.value_labels = false;
    bars.pick = word_pick();
    f.marks.emplace_back(std::move(bars));
    add_handles(f, d.p, d.p_scale, "p", -beside, Role::reference, true);
    add_handles(f, d.q, d.q_scale, "q", beside, Role::baseline, false);
    return f;
}

/// Accepted drafts, and corrections on top of them, against p.
Figure parts_figure(const Data& d, SpeculationRule rule) {
    const bool naive = rule == SpeculationRule::no_residual;
    Figure f;
    f.id = "parts";
    f.title = naive ? "Accepted drafts, and corrections drawn from p again"
                    : "Accepted drafts, and corrections drawn from the residual";
    f.alt_text =
        "Stacked bars: for each word the accepted drafts and the corrections; points show the "
        "target's probability.";
    f.x = {.label = "first word"};
    f.y = {.label = "probability", .limits = std::pair(0.0, top_of(d))};
    const double rejected = 1 - d.acceptance();
    const Distribution correction = naive ? d.p : residual(d.p, d.q);
    Bars bars;
    bars.names = word_names();
    bars.stacked = true;
    bars.value_labels = false;
    bars.pick = word_pick();
    Bars::Series accepted{"min(p, q)", Role::subject, {}},
        corrected{naive ? "(1 - α) p" : "(p - q)⁺", Role::limit, {}};
    Points target{"target p", Role::reference, {}, d.p};
    for (std::size_t i = 0; i < word_count; ++i) {
        accepted.values.push_back(std::min(d.p[i], d.q[i]));
        corrected.values.push_back(rejected * correction[i]);
        target.x.push_back(static_cast<double>(i));
    }
    bars.series = {accepted, corrected};
    f.marks = {bars, target};
    return f;
}

/// What was written beside what the target would write.
Figure written_figure(const Data& d, SpeculationRule rule, bool first) {
    const auto part = first ? first_word : second_word;
    const Distribution wanted = part(d.target_pairs, word_count),
                       written = part(shares(d.of(rule).counts), word_count);
    Figure f;
    f.id = first ? "first-word" : "second-word";
    f.title = first ? "First word" : "Second word";
    f.alt_text = "Bars: share of each word in the texts that were written, beside the target's.";
    f.x = {.label = ""};
    f.y = {.label = first ? "share of texts" : ""};
    Bars bars;
    bars.names = word_names();
    bars.value_labels = false;
    bars.series = {
        {"target", Role::reference, wanted},
        {"written", rule == SpeculationRule::exact ? Role::subject : Role::limit, written}};
    bars.pick = word_pick();
    f.marks.emplace_back(std::move(bars));
    f.width = 0.8;
    return f;
}

Figure convergence_figure(const Data& d, SpeculationRule rule) {
    Figure f;
    f.id = "convergence";
    f.title = "Distance to the target's texts";
    f.alt_text =
        "Total variation distance against the number of texts, both logarithmic: the exact rule "
        "falls with the root, mistakes level off.";
    f.x = {.label = "texts written", .scale = Scale::log10};
    f.y = {.label = "total variation", .scale = Scale::log10};
    for (const Written& w : d.written) {
        const bool own = w.rule == rule, right = w.rule == SpeculationRule::exact;
        Line line{words_of(w.rule),
                  own     ? right ? Role::subject : Role::limit
                  : right ? Role::baseline
                          : Role::muted,
                  {},
                  {}};
        line.markers = own;
        for (const Checkpoint& c : w.path) {
            line.x.push_back(static_cast<double>(c.draws));
            line.y.push_back(c.distance > 0 ? c.distance : std::nan(""));
        }
        f.marks.emplace_back(std::move(line));
    }
    f.width = 1.2;
    return f;
}

}  // namespace

std::vector<FigureRow> figures(const Data& d, SpeculationRule rule) {
    return {{1, {both_figure(d), parts_figure(d, rule)}},
            {1,
             {written_figure(d, rule, true), written_figure(d, rule, false),
              convergence_figure(d, rule)}}};
}

}  // namespace nibble::distributions_lab
