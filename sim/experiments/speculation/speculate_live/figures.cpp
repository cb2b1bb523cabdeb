// The text coloured by who wrote it, the step that is looked at, how often drafts are accepted by
// domain and by position, and the times of both ways.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "sim/core/text.hpp"
#include "sim/experiments/speculation/speculate_live/data.hpp"

namespace nibble::speculate_live_lab {
namespace {

constexpr Role accepted = Role::subject, corrected = Role::limit, added = Role::reference;

std::string share_text(double share) {
    return std::isnan(share) ? "-" : format_number(100 * share, 3) + " %";
}

/// On one line: a line break is named, and not made.
std::string flowing(std::string text) {
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) {
        text.replace(at, 1, "↵");
    }
    return text;
}

Role role_of(Written how) {
    return how == Written::accepted ? accepted : how == Written::corrected ? corrected : added;
}

std::string told(const Data& d, std::size_t i) {
    const SpeculatedToken& t = d.speculation.tokens[i];
    const std::string probability = share_text(t.probability);
    switch (t.how) {
        case Written::first:
            return fmt::format("the first token, from reading the prompt\np = {}", probability);
        case Written::accepted:
            return fmt::format("step {}: drafted and accepted\np = {}", t.step, probability);
        case Written::corrected:
            return fmt::format("step {}: the target's correction of a rejected draft\np = {}",
                               t.step, probability);
        case Written::bonus:
            return fmt::format("step {}: added by the target\np = {}", t.step, probability);
    }
    return {};
}

/// Words of the prompt, each with the space before it, so that lines can break between them.
void add_prompt(Tokens& tokens, const std::string& prompt) {
    for (std::size_t at = 0; at < prompt.size();) {
        const std::size_t end = std::min(prompt.find(' ', at + 1), prompt.size());
        tokens.items.push_back(
            {flowing(prompt.substr(at, end - at)), Role::muted, -1, "the prompt"});
        at = end;
    }
}

Figure text_figure(const Data& d, std::size_t step) {
    Tokens tokens;
    add_prompt(tokens, d.prompt);
    std::array<std::size_t, 2> written{};
    for (std::size_t i = 0; i < d.speculation.tokens.size(); ++i) {
        const SpeculatedToken& t = d.speculation.tokens[i];
        if (t.step <= step) {
            tokens.items.push_back({flowing(d.pieces[i]), role_of(t.how), -1, told(d, i)});
            ++written[t.how == Written::accepted ? 0 : 1];
        }
    }
    Figure f;
    f.id = "text";
    f.title = fmt::format("After {} of {} steps: {} of {} tokens drafted by {}", step,
                          d.speculation.steps.size(), written[0], written[0] + written[1], d.draft);
    f.alt_text = fmt::format(
        "The prompt, then {} tokens that the draft wrote and the target accepted, and {} that the "
        "target wrote itself, each in a colour of its own.",
        written[0], written[1]);
    f.x.hidden = f.y.hidden = true;
    f.marks.emplace_back(std::move(tokens));
    return f;
}

/// Names for the colours.
void add_legend(Tokens& tokens) {
    tokens.items.push_back({"accepted", accepted, -1, "drafted, and the target agrees"});
    tokens.items.push_back({" corrected", corrected, -1, "the target's word for a rejected draft"});
    tokens.items.push_back(
        {" added", added, -1, "the target's own token when all drafts stand, or none were made"});
    tokens.items.push_back({" not used", Role::muted, -1, "rejected, or behind a rejected draft"});
}

/// What was drafted in a step and what became of it.
Figure step_figure(const Data& d, std::size_t step) {
    Figure f;
    f.id = "step";
    f.x.hidden = f.y.hidden = true;
    Tokens tokens;
    add_legend(tokens);
    if (step == 0) {
        f.title = "The prompt has been read, nothing is drafted yet";
        f.alt_text = "Names of the colours.";
        f.marks.emplace_back(std::move(tokens));
        return f;
    }
    const SpeculationStep& s = d.speculation.steps[step - 1];
    tokens.items.push_back({fmt::format(" Step {}:", step), Role::muted, -1, {}});
    const std::vector<std::string>& pieces = d.drafted[step - 1];
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const bool stands = std::find(s.accepted.begin(), s.accepted.end(),
                                      static_cast<Index>(i)) != s.accepted.end();
        tokens.items.push_back({flowing(pieces[i]), stands ? accepted : Role::muted, -1,
                                stands ? "accepted" : "rejected, or behind a rejected draft"});
    }
    bool goes_on = false;
    tokens.items.push_back({" →", Role::muted, -1, "the target goes on with"});
    for (std::size_t i = 0; i < d.speculation.tokens.size(); ++i) {
        const SpeculatedToken& t = d.speculation.tokens[i];
        if (t.step == step && t.how != Written::accepted) {
            goes_on = true;
            tokens.items.push_back({flowing(d.pieces[i]), role_of(t.how), -1, told(d, i)});
        }
    }
    if (!goes_on) {
        tokens.items.push_back({" the end", added, -1, "the text ends here"});
    }
    f.title =
        fmt::format("Step {}: {} drafted, {} accepted", step, pieces.size(), s.accepted.size());
    f.alt_text = fmt::format(
        "The {} drafted tokens of step {}, of which {} were accepted, and the "
        "token with which the target went on.",
        pieces.size(), step, s.accepted.size());
    f.marks.emplace_back(std::move(tokens));
    return f;
}

Figure domains_figure(const Params& p, const Data& d) {
    Bars bars;
    Bars::Series series{"", accepted, {}};
    for (std::size_t i = 0; i < all_domains.size(); ++i) {
        bars.names.emplace_back(name(all_domains[i]));
        bars.pick.values.emplace_back(std::string(name(all_domains[i])));
        series.values.push_back(100 * d.domains[i].acceptance());
    }
    bars.series = {std::move(series)};
    bars.horizontal = true;
    bars.pick.param = "text";
    bars.chosen = p.prompt.empty() ? static_cast<int>(p.text) : -1;
    Figure f;
    f.id = "domains";
    f.title = "Accepted, by domain";
    f.alt_text = fmt::format(
        "Bars: share of judged drafts that are accepted in {} texts of each "
        "domain.",
        d.texts_a_domain);
    f.x = {.label = "of the drafts judged", .unit = "%", .limits = {{0, 100}}};
    f.footnote = d.texts_a_domain == 0 ? "no texts of the corpus have been written yet"
                                       : fmt::format("{} texts each", d.texts_a_domain);
    f.marks.emplace_back(std::move(bars));
    return f;
}

Figure positions_figure(const Data& d) {
    const auto& counts = d.positions.empty() ? d.speculation.positions : d.positions;
    Bars bars;
    Bars::Series judged{"of those judged", accepted, {}},
        drafted{"of all drafted", Role::muted, {}};
    for (std::size_t i = 0; i < counts.size(); ++i) {
        bars.names.push_back(fmt::to_string(i + 1));
        judged.values.push_back(100 * counts[i].acceptance());
        drafted.values.push_back(100 * static_cast<double>(counts[i].accepted) /
                                 static_cast<double>(counts[i].drafted));
    }
    bars.series = {std::move(judged), std::move(drafted)};
    bars.value_labels = counts.size() <= 4;
    Figure f;
    f.id = "positions";
    f.title = "Accepted, by place in the draft";
    f.alt_text =
        "Bars by position in the draft: share accepted of those judged, and of all "
        "drafted, which falls from place to place.";
    f.x = {.label = "place in the draft"};
    f.y = {.label = "accepted", .unit = "%", .limits = {{0, 100}}};
    f.footnote = d.positions.empty() ? "of this text" : "of all domains";
    if (counts.empty()) {
        f.x.limits = {{0, 1}};
        f.marks.emplace_back(Note{0.5, 50, "nothing was drafted"});
    } else {
        f.marks.emplace_back(std::move(bars));
    }
    return f;
}

/// Milliseconds a token, both ways.
Figure time_figure(const Data& d) {
    DomainCount all = d.text;
    for (const DomainCount& c : d.domains) {
        all.tokens += c.tokens;
        all.draft_seconds += c.draft_seconds;
        all.target_seconds += c.target_seconds;
        all.rule_seconds += c.rule_seconds;
        all.plain_seconds += c.plain_seconds;
    }
    const double gap = std::numeric_limits<double>::quiet_NaN();
    const auto a_token = [&](double seconds) {
        return all.tokens == 0 ? gap : 1e3 * seconds / static_cast<double>(all.tokens);
    };
    Bars bars;
    bars.names = {"with drafts", "without"};
    bars.series = {{"drafting", added, {a_token(all.draft_seconds), gap}},
                   {"verifying", accepted, {a_token(all.target_seconds), gap}},
                   {"deciding", Role::muted, {a_token(all.rule_seconds), gap}},
                   {"one by one", Role::baseline, {gap, a_token(all.plain_seconds)}}};
    bars.stacked = bars.horizontal = true;
    Figure f;
    f.id = "time";
    const double gain = all.plain_seconds / all.seconds();
    f.title = all.tokens == 0 ? "Time a token"
              : gain >= 1     ? fmt::format("Here: {} times as fast", format_number(gain, 3))
                          : fmt::format("No gain here: {} times as fast", format_number(gain, 3));
    f.alt_text =
        "Bars of the time a token takes with drafts, divided into drafting, verifying and "
        "deciding, and without.";
    f.x = {.label = "time a token", .unit = "ms"};
    f.footnote = "measured here, all texts";
    f.timed = true;
    f.marks.emplace_back(std::move(bars));
    return f;
}

}  // namespace

std::vector<FigureRow> figures(const Params& params, const Data& data) {
    const std::size_t step = step_of(params, data);
    return {{0.8, {text_figure(data, step)}},
            {0.3, {step_figure(data, step)}},
            {1, {domains_figure(params, data), positions_figure(data), time_figure(data)}}};
}

}  // namespace nibble::speculate_live_lab
