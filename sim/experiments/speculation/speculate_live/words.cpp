// What the speculate-live lab says: finding, explanation, metrics, the equation, the tables.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "kernels/processor.hpp"
#include "sim/core/text.hpp"
#include "sim/experiments/speculation/speculate_live/data.hpp"

namespace nibble::speculate_live_lab {
namespace {

std::string num(double value, int digits = 3) {
    return format_number(value, digits);
}

std::string percent(double share) {
    return num(100 * share, 2) + " %";
}

std::string finding(const Data& d) {
    const std::size_t steps = d.speculation.steps.size(), tokens = d.speculation.tokens.size();
    if (steps == 0) {
        return "The target ended the text at once: nothing was drafted";
    }
    const std::string sentence = fmt::format(
        "The {} reads its weights {} times and writes {} tokens", d.target, steps + 1, tokens);
    return d.greedy && d.same_tokens ? sentence + ", the very ones it writes alone" : sentence;
}

std::string about_domains(const Data& d) {
    if (d.texts_a_domain == 0) {
        return "";
    }
    const auto by_acceptance = [](const DomainCount& a, const DomainCount& b) {
        return a.acceptance() < b.acceptance();
    };
    const auto [low, high] = std::minmax_element(d.domains.begin(), d.domains.end(), by_acceptance);
    if (std::isnan(low->acceptance()) || std::isnan(high->acceptance())) {
        return "";
    }
    const auto called = [&](const DomainCount* c) {
        return name(all_domains[static_cast<std::size_t>(c - d.domains.data())]);
    };
    return fmt::format(" Drafts fare best in {} ({}) and worst in {} ({}).", called(&*high),
                       percent(high->acceptance()), called(&*low), percent(low->acceptance()));
}

std::string explanation(const Data& d) {
    const Speculation& s = d.speculation;
    if (s.steps.empty()) {
        return "After this prompt the target's first token already ends the text, or is all that "
               "was asked for.";
    }
    std::string text;
    if (d.text.reached == 0) {
        text = fmt::format("{} found nothing to propose, so each step writes one token.", d.draft);
    } else {
        text = fmt::format(
            "{} of the drafts that were judged are accepted; with one token of the target's own, a "
            "step writes {} on average.",
            percent(s.acceptance_rate()), num(s.tokens_per_step()));
    }
    return text + about_domains(d) +
           " Drafting and reading several tokens in a pass take time: what is left is measured "
           "below.";
}

void add_times(const Data& d, std::vector<Metric>& list) {
    const Origin clock{Origin::Kind::measured_here, kernels::processor_name()};
    const auto add = [&](const char* name, const char* label, double value, const char* unit,
                         Better better) {
        list.push_back({name, label, value, unit, clock, better});
        list.back().timed = true;
    };
    const DomainCount& t = d.text;
    if (t.tokens == 0) {
        return;
    }
    const auto tokens = static_cast<double>(t.tokens), steps = static_cast<double>(t.steps);
    const double plain = t.plain_seconds / tokens;
    add("speedup", "Speed-up of this text", t.plain_seconds / t.seconds(), "times", Better::higher);
    add("speculative_ms_per_token", "Time a token, with drafts", 1e3 * t.seconds() / tokens, "ms",
        Better::lower);
    add("plain_ms_per_token", "Time a token, without", 1e3 * plain, "ms", Better::lower);
    add("draft_cost", "Drafting a step, in target passes", t.draft_seconds / steps / plain, "times",
        Better::lower);
    add("verify_cost", "Verifying a step, in target passes", t.target_seconds / steps / plain,
        "times", Better::lower);
}

std::vector<Metric> metrics(const Data& d) {
    const Speculation& s = d.speculation;
    const Origin measured{Origin::Kind::measured_here};
    std::vector<Metric> list;
    if (!s.steps.empty()) {
        list.push_back({"tokens_per_target_step", "Tokens a step of the target",
                        s.tokens_per_step(), "", measured, Better::higher});
    }
    if (d.text.reached > 0) {
        list.push_back({"acceptance_rate", "Judged drafts accepted", s.acceptance_rate(), "",
                        measured, Better::higher, NumberStyle::percent});
    }
    add_times(d, list);
    list.push_back({"tokens", "Tokens written", static_cast<double>(s.tokens.size()), "", measured,
                    Better::neither, NumberStyle::plain, 6});
    list.push_back({"target_steps", "Steps of the target", static_cast<double>(s.steps.size()), "",
                    measured, Better::lower, NumberStyle::plain, 6});
    list.push_back({"accepted", "Accepted drafts", static_cast<double>(d.text.accepted), "",
                    measured, Better::neither, NumberStyle::plain, 6});
    if (d.greedy) {
        list.push_back({"same_as_plain", "Same text as without drafts", d.same_tokens ? 1.0 : 0.0,
                        "", measured});
    }
    return list;
}

Table step_table(const Data& d) {
    Table t{"steps", {{"step"}, {"drafted"}, {"accepted"}, {"drafts"}, {"written"}}, {}};
    for (std::size_t i = 0; i < d.speculation.steps.size(); ++i) {
        const SpeculationStep& s = d.speculation.steps[i];
        std::string drafts, written;
        for (const std::string& piece : d.drafted[i]) {
            drafts += piece;
        }
        for (std::size_t k = 0; k < d.pieces.size(); ++k) {
            written += d.speculation.tokens[k].step == i + 1 ? d.pieces[k] : "";
        }
        t.rows.push_back({static_cast<std::int64_t>(i) + 1,
                          static_cast<std::int64_t>(s.tree.size()),
                          static_cast<std::int64_t>(s.accepted.size()), drafts, written});
    }
    return t;
}

Table position_table(const Data& d) {
    Table t{
        "positions", {{"position"}, {"drafted"}, {"reached"}, {"accepted"}, {"acceptance"}}, {}};
    const auto& counts = d.positions.empty() ? d.speculation.positions : d.positions;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        t.rows.push_back({static_cast<std::int64_t>(i) + 1, counts[i].drafted, counts[i].reached,
                          counts[i].accepted, counts[i].acceptance()});
    }
    return t;
}

Table domain_table(const Data& d) {
    Table t{"domains",
            {{"domain"}, {"reached"}, {"accepted"}, {"acceptance"}, {"tokens_per_target_step"}},
            {}};
    for (std::size_t i = 0; i < all_domains.size(); ++i) {
        const DomainCount& c = d.domains[i];
        t.rows.push_back({std::string(name(all_domains[i])), c.reached, c.accepted, c.acceptance(),
                          c.tokens_per_step()});
    }
    return t;
}

Table time_table(const Data& d) {
    Table t{"times",
            {{"domain"}, {"speculative", "ms/token"}, {"plain", "ms/token"}, {"speedup"}},
            {},
            true};
    for (std::size_t i = 0; i < all_domains.size(); ++i) {
        const DomainCount& c = d.domains[i];
        const auto tokens = static_cast<double>(c.tokens);
        t.rows.push_back({std::string(name(all_domains[i])), 1e3 * c.seconds() / tokens,
                          1e3 * c.plain_seconds / tokens, c.plain_seconds / c.seconds()});
    }
    return t;
}

}  // namespace

void describe(const Params& params, const Data& data, Outcome& outcome) {
    outcome.finding = finding(data);
    outcome.explanation = explanation(data);
    outcome.metrics = metrics(data);
    if (!data.speculation.steps.empty()) {
        const DomainCount& c = data.text;
        outcome.equations = {
            {"E = (n - 1) / s",
             fmt::format("{} = ({} - 1) / {}", num(c.tokens_per_step()), c.tokens + 1, c.steps),
             "n tokens in s steps; the first comes from reading the prompt"}};
    }
    outcome.tables = {step_table(data), position_table(data)};
    if (data.texts_a_domain > 0) {
        outcome.tables.push_back(domain_table(data));
        outcome.tables.push_back(time_table(data));
    }
    if (data.is_preview) {
        outcome.sampling = fmt::format("while dragging, only the first {} of {} tokens are written",
                                       data.speculation.tokens.size(), params.tokens);
    }
}

}  // namespace nibble::speculate_live_lab
