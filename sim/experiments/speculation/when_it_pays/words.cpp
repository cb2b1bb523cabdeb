// What the lab of when speculation pays says: sentences, metrics, equations and tables.
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/speculation/when_it_pays/data.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::when_it_pays_lab {
namespace {

/// "1.2 times as fast", "1.2 times as slow", "neither faster nor slower".
std::string speed_text(double speed_up) {
    if (std::abs(speed_up - 1) < 0.005) {
        return "neither faster nor slower";
    }
    return speed_up > 1 ? format_number(speed_up) + " times as fast"
                        : format_number(1 / speed_up) + " times as slow";
}

std::string finding(const Data& d) {
    std::string text = fmt::format("For {} of {} tokens, {} as draft makes {} {}",
                                   requests_text(d.at.batch), format_count(double(d.at.context)),
                                   d.pair.draft.name, d.pair.target.name, speed_text(d.speed_up()));
    if (!d.losing) {
        return text;
    }
    if (*d.losing == 1) {
        return text + "; it does not even pay for one request";
    }
    if (d.at.batch < *d.losing) {
        return text +
               (d.speed_up() < 1
                    ? fmt::format("; it can pay for more requests, but not from {} on", *d.losing)
                    : fmt::format("; from {} on it loses", requests_text(*d.losing)));
    }
    return text + fmt::format("; with fewer than {} it can pay", *d.losing);
}

/// Why a check costs what it costs.
std::string reason(const Data& d) {
    if (!d.pair.machine.peak16) {
        return fmt::format(
            "The sheet of {} prints no peak, so arithmetic takes no time here: an "
            "upper end.",
            d.device);
    }
    if (d.pair.target.experts && d.now.compute_share < 0.5) {
        return fmt::format(
            "{} tokens call on more experts than one, so a check reads more "
            "weights than a step.",
            d.at.k + 1);
    }
    if (d.compute_bound) {
        return fmt::format(
            "From {} on the target spends most of a check in arithmetic, and "
            "thrown-away tokens are no longer free.",
            requests_text(*d.compute_bound));
    }
    return "The target waits for memory at every batch here, so checking more tokens is nearly "
           "free.";
}

std::string explanation(const Data& d) {
    std::string text = fmt::format(
        "Checking {} tokens takes {} times the time of one, each draft {} times; a round of {} "
        "yields {} {}. {}",
        d.at.k + 1, format_number(d.now.verify_ratio()), format_number(d.now.cost_ratio(), 2),
        format_seconds(d.now.total()), format_number(d.tokens), d.tokens == 1 ? "token" : "tokens",
        reason(d));
    if (d.best_k == 0) {
        text += " No number of drafts pays here.";
    } else if (d.best_k != d.at.k) {
        text += fmt::format(" Here {} {} would be best: {}.", d.best_k,
                            d.best_k == 1 ? "draft" : "drafts", speed_text(d.best_speed_up));
    }
    if (d.pays_again) {
        text += fmt::format(
            " From a context of {} tokens on it pays again: each request then "
            "waits for its own cache.",
            format_count(double(*d.pays_again)));
    }
    if (d.fits < d.at.batch) {
        text += d.fits == 0
                    ? fmt::format(" But both models do not fit in {} {}.", d.pair.tensor_parallel,
                                  d.device)
                    : fmt::format(" But only {} of this length fit in memory beside both models.",
                                  requests_text(d.fits));
    }
    return text;
}

std::vector<Metric> metrics(const Data& d) {
    const Origin computed{};
    const Origin roof{Origin::Kind::computed, "ideal roof of " + d.device};
    std::vector<Metric> list = {
        {"speed_up", "Times as fast", d.speed_up(), "times", roof, Better::higher,
         NumberStyle::plain, 4},
        {"best_k", "Best K here", double(d.best_k), "drafts", roof},
        {"cost_ratio", "Cost c of a draft", d.now.cost_ratio(), "steps", roof, Better::lower},
        {"verify_ratio", "Cost of checking", d.now.verify_ratio(), "steps", roof, Better::lower,
         NumberStyle::plain, 4},
    };
    if (d.losing) {
        list.push_back({"losing_batch", "Loses from", double(*d.losing), "requests", roof,
                        Better::higher, NumberStyle::plain, 5});
    }
    if (d.compute_bound) {
        list.push_back({"compute_bound_batch", "Bound by arithmetic from", double(*d.compute_bound),
                        "requests", roof, Better::neither, NumberStyle::plain, 5});
    }
    if (d.pays_again) {
        list.push_back({"pays_again_context", "Pays again from a context of", double(*d.pays_again),
                        "tokens", roof, Better::lower, NumberStyle::plain, 7});
    }
    list.push_back(
        {"best_speed_up", "Times as fast with it", d.best_speed_up, "times", roof, Better::higher});
    list.push_back({"expected_tokens", "Tokens a round", d.tokens, "tokens", computed,
                    Better::higher, NumberStyle::plain, 4});
    list.push_back({"plain_seconds", "A step without a draft", d.now.plain.value, "s", roof,
                    Better::lower, NumberStyle::si});
    list.push_back({"round_seconds", "A round", d.now.total().value, "s", roof, Better::lower,
                    NumberStyle::si});
    list.push_back({"requests_that_fit", "Requests that fit", double(d.fits), "requests",
                    Origin{Origin::Kind::computed, "90 % of the memory"}, Better::higher,
                    NumberStyle::plain, 7});
    return list;
}

std::vector<Table> tables(const Data& d) {
    Table map{
        "speed_up", {{"context", "tokens"}, {"batch", "requests"}, {"speed_up"}, {"fits"}}, {}};
    for (std::size_t row = 0, place = 0; row < d.contexts.size(); ++row) {
        for (std::size_t col = 0; col < d.map_batches.size(); ++col, ++place) {
            if (col > 0 && d.map_batches[col] == d.map_batches[col - 1]) {
                continue;
            }
            map.rows.push_back({d.contexts[row], d.map_batches[col], double(d.speed_ups[place]),
                                d.room[place] >= 1 ? "yes" : "no"});
        }
    }
    Table drafts{"by_drafts", {{"k", "drafts"}, {"speed_up"}, {"closed_form"}}, {}};
    for (std::size_t k = 0; k < d.by_k.size(); ++k) {
        drafts.rows.push_back({static_cast<std::int64_t>(k), d.by_k[k], d.closed_by_k[k]});
    }
    Table models{
        "draft_models", {{"draft"}, {"cost_ratio"}, {"speed_up"}, {"needed_acceptance"}}, {}};
    for (const Candidate& c : d.candidates) {
        models.rows.push_back({c.id, c.cost_ratio, c.speed_up, c.needed_alpha});
    }
    Table published{"published",
                    {{"paper"},
                     {"setting"},
                     {"k", "drafts"},
                     {"alpha"},
                     {"cost"},
                     {"printed"},
                     {"closed_form"},
                     {"implied_alpha"},
                     {"source"}},
                    {}};
    for (const PublishedSpeculation& p : *d.published) {
        for (const PublishedSpeedUp& r : p.rows) {
            published.rows.push_back(
                {p.title, r.setting, std::int64_t{r.k}, r.alpha.value_or(std::nan("")), r.cost,
                 r.speed_up, r.computed().value_or(std::nan("")), r.implied_alpha(), p.source});
        }
    }
    return {map, drafts, models, published};
}

}  // namespace

std::string requests_text(std::int64_t count) {
    return fmt::format("{} {}", count, count == 1 ? "request" : "requests");
}

void describe(const Data& d, Outcome& o) {
    o.finding = finding(d);
    o.explanation = explanation(d);
    o.metrics = metrics(d);
    o.tables = tables(d);
    o.equations = {{"S = E t_{1} / (K t_{draft} + t_{K+1})",
                    fmt::format("{} = {} · {} / ({} · {} + {})", format_number(d.speed_up()),
                                format_number(d.tokens, 4), format_seconds(d.now.plain, 4), d.at.k,
                                format_seconds(d.now.draft, 4), format_seconds(d.now.verify, 4)),
                    requests_text(d.at.batch)}};
}

}  // namespace nibble::when_it_pays_lab
