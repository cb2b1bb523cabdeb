// What the lab of the two distributions says: sentences, metrics, equations and tables.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/speculation/distributions/data.hpp"

namespace nibble::distributions_lab {
namespace {

/// Below this a test says that the texts are not the target's.
constexpr double doubt = 0.001;

std::string percent(double share) {
    return format_number(100 * share) + " %";
}

std::string p_text(double p) {
    return p < 1e-12 ? "p < 10⁻¹²" : "p = " + format_number(p, 2);
}

/// "χ² = 24.1 on 29 degrees of freedom, p = 0.72".
std::string test_text(const Data& d, const Written& w) {
    if (w.test.degrees == 0) {
        return "There is only one text to write, so there is nothing to test.";
    }
    if (std::isinf(w.test.value)) {
        std::int64_t impossible = 0;
        for (std::size_t i = 0; i < w.counts.size(); ++i) {
            impossible += d.target_pairs[i] > 0 ? 0 : w.counts[i];
        }
        return fmt::format("χ² is infinite: {} texts are ones that the target never writes.",
                           format_count(static_cast<double>(impossible)));
    }
    return fmt::format("χ² = {} on {} degrees of freedom, {} for pairs of words.",
                       format_number(w.test.value), w.test.degrees, p_text(w.test.p_value));
}

std::string finding(const Data& d, const Written& w) {
    const std::string texts = format_count(static_cast<double>(w.draws())) + " texts";
    const std::string rejected = percent(1 - d.acceptance());
    if (w.rule == SpeculationRule::exact) {
        return w.test.p_value > doubt
                   ? fmt::format(
                         "The target rejects {} of the drafts, and yet {} cannot be told "
                         "from its own",
                         rejected, texts)
                   : fmt::format(
                         "The target rejects {} of the drafts, and by a rare chance {} "
                         "look unlike its own",
                         rejected, texts);
    }
    if (w.limit == 0) {
        return fmt::format(
            "With these two, \"{}\" is no mistake: {} are distributed as the "
            "target's",
            words_of(w.rule), texts);
    }
    return w.test.p_value > doubt
               ? fmt::format("\"{}\" writes {} of the texts wrongly, which {} do not yet show",
                             words_of(w.rule), percent(w.limit), texts)
               : fmt::format(
                     "\"{}\" converges to another language: {} of the texts differ, "
                     "however many are written",
                     words_of(w.rule), percent(w.limit));
}

std::string reason(SpeculationRule rule) {
    switch (rule) {
        case SpeculationRule::argmax_bonus:
            return "The word after an accepted draft is always the likeliest, not a draw.";
        case SpeculationRule::no_residual:
            return "Words that the draft likes had their chance to be accepted, and get a second "
                   "one in the correction.";
        case SpeculationRule::bonus_after_rejection:
            return "The word after a correction was drawn as if the rejected draft stood there: "
                   "words even come twice in a row.";
        default:
            return "What is accepted too rarely, the residual adds: min(p, q) + (p - q)⁺ is p.";
    }
}

std::vector<Metric> metrics(const Data& d, const Written& w) {
    const Origin computed{}, texts{Origin::Kind::computed, "texts written with dice"};
    return {
        {"acceptance", "Overlap = acceptance", d.acceptance(), "", computed, Better::higher,
         NumberStyle::plain, 4},
        {"chi_square", "χ² against the target", w.test.value, "", texts, Better::lower,
         NumberStyle::plain, 4},
        {"degrees_of_freedom", "Degrees of freedom", static_cast<double>(w.test.degrees), "",
         computed},
        {"p_value", "p-value", w.test.p_value, "", texts, Better::higher},
        {"total_variation", "Distance to the target", w.path.back().distance, "", texts,
         Better::lower},
        {"limit", "Distance that stays", w.limit, "", computed, Better::lower},
        {"draws", "Texts written", static_cast<double>(w.draws()), "texts", computed,
         Better::neither, NumberStyle::plain, 7},
    };
}

std::vector<Table> tables(const Data& d, const Written& own) {
    Table tokens{"words",
                 {{"word"},
                  {"p"},
                  {"q"},
                  {"accepted"},
                  {"residual"},
                  {"written_first"},
                  {"target_second"},
                  {"written_second"}},
                 {}};
    const Distribution left = residual(d.p, d.q), written = shares(own.counts);
    const Distribution first = first_word(written, word_count),
                       second = second_word(written, word_count),
                       target = second_word(d.target_pairs, word_count);
    for (std::size_t i = 0; i < word_count; ++i) {
        tokens.rows.push_back({std::string(words[i]), d.p[i], d.q[i], std::min(d.p[i], d.q[i]),
                               left[i], first[i], target[i], second[i]});
    }
    Table rules{
        "rules", {{"rule"}, {"chi_square"}, {"degrees_of_freedom"}, {"p_value"}, {"limit"}}, {}};
    Table path{"convergence", {{"rule"}, {"draws", "texts"}, {"total_variation"}}, {}};
    for (const Written& w : d.written) {
        rules.rows.push_back(
            {std::string(name(w.rule)), w.test.value, w.test.degrees, w.test.p_value, w.limit});
        for (const Checkpoint& c : w.path) {
            path.rows.push_back({std::string(name(w.rule)), c.draws, c.distance});
        }
    }
    return {tokens, rules, path};
}

std::vector<Equation> equations(const Data& d, SpeculationRule rule, std::size_t token) {
    const auto number = [](double x) { return format_number(x, 3); };
    const double p = d.p[token], q = d.q[token], rejected = 1 - d.acceptance();
    const std::string sum = [&] {
        std::string text;
        for (std::size_t i = 0; i < word_count; ++i) {
            text += (i > 0 ? " + " : "") + number(std::min(d.p[i], d.q[i]));
        }
        return text;
    }();
    std::vector<Equation> list = {
        {"α = Σ min(p, q)", fmt::format("{} = {}", number(d.acceptance()), sum), "acceptance"}};
    if (rule == SpeculationRule::no_residual) {
        list.push_back({"written = min(p, q) + (1 - α) p",
                        fmt::format("{} = {} + {} · {}", number(std::min(p, q) + rejected * p),
                                    number(std::min(p, q)), number(rejected), number(p)),
                        fmt::format("\"{}\" as first word; p is {}", words[token], number(p))});
    } else {
        list.push_back({"p = min(p, q) + (p - q)^{+}",
                        fmt::format("{} = {} + {}", number(p), number(std::min(p, q)),
                                    number(std::max(0.0, p - q))),
                        fmt::format("\"{}\" as first word", words[token])});
    }
    return list;
}

}  // namespace

std::string words_of(SpeculationRule rule) {
    switch (rule) {
        case SpeculationRule::argmax_bonus:
            return "likeliest word as bonus";
        case SpeculationRule::no_residual:
            return "corrections from p";
        case SpeculationRule::bonus_after_rejection:
            return "bonus after a rejection";
        default:
            return "exact";
    }
}

void describe(const Data& d, SpeculationRule rule, std::size_t token, Outcome& o) {
    const Written& w = d.of(rule);
    o.finding = finding(d, w);
    o.explanation =
        fmt::format("Two-word texts in which no word follows itself, one draft a step. {} {}",
                    reason(rule), test_text(d, w));
    if (rule == SpeculationRule::exact) {
        std::string failing;
        for (const Written& other : d.written) {
            if (other.test.p_value <= doubt) {
                failing += (failing.empty() ? "\"" : ", \"") + words_of(other.rule) + "\"";
            }
        }
        o.explanation += failing.empty() ? "" : " The same test exposes " + failing + ".";
    }
    o.metrics = metrics(d, w);
    o.tables = tables(d, w);
    o.equations = equations(d, rule, token);
}

}  // namespace nibble::distributions_lab
