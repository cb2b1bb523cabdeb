// What the acceptance chain lab says: sentences, metrics, equations and tables.
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/speculation/acceptance_chain/data.hpp"
#include "sim/speculative/closed_forms.hpp"

namespace nibble::acceptance_chain_lab {
namespace {

std::string drafts_text(int k) {
    return fmt::format("{} {}", k, k == 1 ? "draft" : "drafts");
}

std::string finding(const Data& d) {
    const Settings& s = d.settings;
    if (d.best_k == 0) {
        return fmt::format(
            "A draft that costs {} of a step and is right {} of the time never pays: with {} the "
            "text takes {} times as long",
            percent_text(s.cost), percent_text(s.alpha), drafts_text(s.k),
            format_number(1 / d.walltime));
    }
    const std::string yields = fmt::format(
        "Guesses that are right {} of the time yield {} a step, not {}: all {} stand "
        "in only {} of the steps",
        percent_text(s.alpha), tokens_text(d.expected), s.k + 1, s.k,
        percent_text(accepted_distribution(s.alpha, s.k).back()));
    if (s.alpha == 1 || s.k == 1) {
        return fmt::format("At α = {}, {} a step {} {} and a text {} times as fast",
                           format_number(s.alpha), drafts_text(s.k), s.k == 1 ? "yields" : "yield",
                           tokens_text(d.expected), format_number(d.walltime));
    }
    return yields;
}

/// What the real pair does beside the formula with its own mean acceptance.
std::string real_text(const MeasuredChain& real) {
    const double tokens = real.counts.tokens().mean;
    const double formula = expected_tokens(real.alpha(), real.k);
    const Estimate whole = real.counts.share_interval(static_cast<std::size_t>(real.k));
    const double chance = accepted_distribution(real.alpha(), real.k).back();
    std::string text = fmt::format(
        " Nibble's own two models on {} accept {}: {} a step where the formula with that α has {}",
        name(real.domain), percent_text(real.alpha()), tokens_text(tokens), format_number(formula));
    return text +
           (whole.low() > chance
                ? fmt::format("; all stand in {} of the steps instead of {}, because "
                              "real text is easy or hard in runs.",
                              percent_text(real.counts.share(static_cast<std::size_t>(real.k))),
                              percent_text(chance))
                : ".");
}

std::string explanation(const Data& d, Domain domain) {
    const Settings& s = d.settings;
    std::string text = fmt::format(
        "Each draft counts only if all before it stood. With a draft at {} of a step's time, {} "
        "{} the text {} times as fast, for {} times the arithmetic; ",
        percent_text(s.cost), drafts_text(s.k), s.k == 1 ? "makes" : "make",
        format_number(d.walltime), format_number(d.operations));
    text += d.best_k == s.k ? "no other K is faster."
            : d.best_k == 0 ? fmt::format("without any it is faster, as always when α ≤ c.")
            : d.best_k == most_drafts
                ? fmt::format("more are better up to the {} that are searched.", most_drafts)
                : fmt::format("{} would make it {}.", drafts_text(d.best_k),
                              format_number(d.best_walltime));
    const Estimate dice = d.counts.tokens();
    text += fmt::format(
        " Dice thrown for {} steps give {} ± {} tokens a step; the closed form's "
        "{} lies {}.",
        format_count(static_cast<double>(d.counts.total())), format_number(dice.mean, 5),
        format_number(dice.half_width, 2), format_number(d.expected, 5),
        dice.holds(d.expected) ? "within" : "outside, as it does once in 20 seeds");
    if (const MeasuredChain* real = d.of(domain); real && real->judged > 0) {
        text += real_text(*real);
    }
    return text;
}

std::vector<Metric> metrics(const Data& d, Domain domain) {
    const Origin computed{};
    const Origin dice{Origin::Kind::computed, "dice, 95 % interval"};
    const Estimate tokens = d.counts.tokens();
    std::vector<Metric> list = {
        {"expected_tokens", "Tokens a target step", d.expected, "tokens", computed, Better::higher,
         NumberStyle::plain, 6},
        {"walltime_factor", "Times as fast", d.walltime, "times", computed, Better::higher,
         NumberStyle::plain, 4},
        {"operations_factor", "Arithmetic", d.operations, "times", computed, Better::lower,
         NumberStyle::plain, 4},
        {"best_k", "Best K", double(d.best_k), "drafts", computed},
        {"monte_carlo_tokens", "Tokens a step, by dice", tokens.mean, "tokens", dice,
         Better::neither, NumberStyle::plain, 5},
        {"monte_carlo_low", "Interval from", tokens.low(), "tokens", dice, Better::neither,
         NumberStyle::plain, 5},
        {"monte_carlo_high", "Interval to", tokens.high(), "tokens", dice, Better::neither,
         NumberStyle::plain, 5},
        {"monte_carlo_steps", "Steps played", static_cast<double>(d.counts.total()), "steps", dice,
         Better::neither, NumberStyle::plain, 8},
        {"best_walltime_factor", "Times as fast at the best K", d.best_walltime, "times", computed,
         Better::higher, NumberStyle::plain, 4},
    };
    if (const MeasuredChain* real = d.of(domain); real && real->judged > 0) {
        const Origin measured{Origin::Kind::measured_here,
                              fmt::format("shipped target and draft, {} steps of {}",
                                          real->counts.total(), name(domain))};
        list.push_back({"measured_acceptance", "Acceptance of the real pair", real->alpha(), "",
                        measured, Better::higher});
        list.push_back({"measured_tokens", "Tokens a step of the real pair",
                        real->counts.tokens().mean, "tokens", measured, Better::higher});
    }
    return list;
}

std::vector<Table> tables(const Data& d) {
    const Settings& s = d.settings;
    Table lengths{"accepted",
                  {{"accepted", "drafts"}, {"probability"}, {"dice"}, {"dice_low"}, {"dice_high"}},
                  {}};
    const std::vector<double> share = accepted_distribution(s.alpha, s.k);
    for (std::size_t n = 0; n < share.size(); ++n) {
        const Estimate e = d.counts.share_interval(n);
        lengths.rows.push_back(
            {static_cast<std::int64_t>(n), share[n], d.counts.share(n), e.low(), e.high()});
    }
    Table drafts{"by_drafts",
                 {{"k", "drafts"},
                  {"expected_tokens", "tokens"},
                  {"walltime_factor"},
                  {"operations_factor"}},
                 {}};
    for (int k = 0; k <= std::max(16, s.k); ++k) {
        drafts.rows.push_back({std::int64_t{k}, expected_tokens(s.alpha, k),
                               walltime_factor(s.alpha, k, s.cost),
                               operations_factor(s.alpha, k, s.draft_operations)});
    }
    Table real{"measured",
               {{"domain"},
                {"steps"},
                {"acceptance"},
                {"tokens"},
                {"tokens_low"},
                {"tokens_high"},
                {"closed_form"}},
               {}};
    for (const MeasuredChain& c : d.measured) {
        if (c.judged > 0) {
            const Estimate t = c.counts.tokens();
            real.rows.push_back({std::string(name(c.domain)), c.counts.total(), c.alpha(), t.mean,
                                 t.low(), t.high(), expected_tokens(c.alpha(), c.k)});
        }
    }
    return {lengths, drafts, real};
}

std::vector<Equation> equations(const Data& d) {
    const Settings& s = d.settings;
    const std::string a = format_number(s.alpha, 4), e = format_number(d.expected, 5);
    std::vector<Equation> list;
    if (s.alpha < 1) {
        list.push_back({"E = (1 - α^{K+1}) / (1 - α)",
                        fmt::format("{} = (1 - {}^{{{}}}) / (1 - {})", e, a, s.k + 1, a),
                        "tokens a target step"});
    } else {
        list.push_back({"E = K + 1", fmt::format("{} = {} + 1", e, s.k), "every draft stands"});
    }
    list.push_back({"S = E / (K c + 1)",
                    fmt::format("{} = {} / ({} · {} + 1)", format_number(d.walltime, 4), e, s.k,
                                format_number(s.cost, 4)),
                    "times as fast"});
    list.push_back({"O = (K ĉ + K + 1) / E",
                    fmt::format("{} = ({} · {} + {} + 1) / {}", format_number(d.operations, 4), s.k,
                                format_number(s.draft_operations, 4), s.k, e),
                    "times the arithmetic"});
    return list;
}

}  // namespace

std::string tokens_text(double tokens) {
    const std::string number = format_number(tokens);
    return number + (number == "1" ? " token" : " tokens");
}

std::string percent_text(double share) {
    return format_number(100 * share, share >= 0.995 ? 3 : 2) + " %";
}

void describe(const Data& d, Domain domain, Outcome& o) {
    o.finding = finding(d);
    o.explanation = explanation(d, domain);
    o.metrics = metrics(d, domain);
    o.tables = tables(d);
    o.equations = equations(d);
}

}  // namespace nibble::acceptance_chain_lab
