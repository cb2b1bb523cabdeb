// What the radix cache lab says: sentences, numbers and tables, all computed from its data.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/kvcache/radix_cache/data.hpp"

namespace nibble::radix_cache_lab {
namespace {

std::string percent(double share) {
    return format_number(100 * share) + " %";
}

double times_fewer(const Data& d) {
    return static_cast<double>(d.none.computed_tokens()) /
           static_cast<double>(d.tree.computed_tokens());
}

/// The tree's replay with requests entering in this order.
const ReuseReplay& in_order(const Data& d, EntryOrder order) {
    return d.order == order ? d.tree : d.other;
}

/// What the order of entry decides.
std::string about_order(const Data& d) {
    const double first = in_order(d, EntryOrder::arrival).hit_rate(),
                 longest = in_order(d, EntryOrder::longest_prefix).hit_rate();
    if (std::abs(first - longest) < 0.0005) {
        return fmt::format("{} of the prompts is found again, in whichever order requests enter",
                           percent(first));
    }
    return fmt::format(
        "First come, first served finds {} of the prompts again, longest prefix first {}{}",
        percent(first), percent(longest),
        in_order(d, EntryOrder::longest_prefix).reused_tokens >= d.unlimited.reused_tokens
            ? ", all there is to find"
            : "");
}

}  // namespace

std::string finding(const Data& d) {
    if (d.unlimited.reused_tokens == 0) {
        return "No two of these prompts begin alike: no cache of prefixes finds anything, however "
               "large";
    }
    if (d.tree.reused_tokens == 0) {
        return fmt::format(
            "Room for {} tokens is too little: all is forgotten before it is asked "
            "for again, though {} of the prompts had been seen before",
            d.capacity, percent(d.unlimited.hit_rate()));
    }
    return about_order(d);
}

std::string explanation(const Data& d, const Moment& m) {
    const ReuseStep& s = d.step(m.step);
    const ReuseRequest& r = d.request(s.request);
    std::string text = fmt::format("Request {} found {} of its {} prompt tokens and computed {}",
                                   m.step, s.entered.reused, r.prompt, r.prompt - s.entered.reused);
    if (s.entered.evictions > 0) {
        const std::string which =
            s.entered.evictions == 1 ? "leaf" : fmt::format("{} leaves", s.entered.evictions);
        text += fmt::format("; for its room the least recently used {} went, {} tokens", which,
                            s.entered.evicted_tokens);
    }
    text += ". ";
    if (d.tree.reused_tokens > 0) {
        text += fmt::format(
            "Over all requests the tree leaves {} times fewer prompt tokens to compute than no "
            "reuse would; blocks of {} find {}",
            format_number(times_fewer(d)), d.block_size, percent(d.blocks.hit_rate()));
        text +=
            d.blocks.reused_tokens < d.tree.reused_tokens ? ", because only full ones count" : "";
        text += d.unlimited.reused_tokens > d.tree.reused_tokens
                    ? fmt::format("; room for everything would find {}.",
                                  percent(d.unlimited.hit_rate()))
                    : ".";
    }
    return text;
}

std::vector<Metric> metrics(const Data& d) {
    const Origin computed{};
    const auto share = [&](const char* id, const char* name, double value) {
        return Metric{id, name, value, "", computed, Better::higher, NumberStyle::percent};
    };
    const auto count = [&](const char* id, const char* name, std::int64_t value,
                           Better better = Better::lower) {
        return Metric{id,       name,   static_cast<double>(value), "",
                      computed, better, NumberStyle::plain,         9};
    };
    std::int64_t most = 0;
    for (const ReuseStep& s : d.tree.steps) {
        most = std::max(most, s.stored);
    }
    return {
        share("hit_rate", "Found by the tree", d.tree.hit_rate()),
        share("hit_rate_blocks", "Found by blocks", d.blocks.hit_rate()),
        share("hit_rate_unlimited", "With room for all", d.unlimited.hit_rate()),
        share("hit_rate_other_order", "In the other order", d.other.hit_rate()),
        count("evictions", "Leaves evicted", d.tree.evictions),
        count("prompt_tokens", "Prompt tokens", d.tree.prompt_tokens, Better::neither),
        count("computed_tokens", "Computed, tree", d.tree.computed_tokens()),
        count("computed_tokens_blocks", "Computed, blocks", d.blocks.computed_tokens()),
        count("computed_tokens_none", "Computed, no reuse", d.none.computed_tokens()),
        count("evicted_tokens", "Tokens evicted", d.tree.evicted_tokens),
        count("evictions_blocks", "Blocks evicted", d.blocks.evictions),
        count("most_stored", "Most tokens stored", most, Better::neither),
        count("requests", "Requests", static_cast<std::int64_t>(d.count()), Better::neither),
    };
}

std::vector<Table> tables(const Data& d) {
    Table t{"steps",
            {{"step"},
             {"request"},
             {"name"},
             {"prompt", "tokens"},
             {"found", "tokens"},
             {"evicted_leaves"},
             {"evicted_tokens", "tokens"},
             {"stored", "tokens"},
             {"in_use", "tokens"},
             {"blocks_request"},
             {"blocks_found", "tokens"},
             {"evicted_blocks"}},
            {}};
    for (std::size_t k = 1; k <= d.count(); ++k) {
        const ReuseStep &s = d.step(k), &b = d.blocks.steps[k - 1];
        const ReuseRequest& r = d.request(s.request);
        t.rows.push_back({static_cast<std::int64_t>(k), std::int64_t{s.request}, r.name, r.prompt,
                          s.entered.reused, s.entered.evictions, s.entered.evicted_tokens, s.stored,
                          s.in_use, std::int64_t{b.request}, b.entered.reused,
                          b.entered.evictions});
    }
    return {t};
}

std::vector<Equation> equations(const Data& d, const Moment& m) {
    return {{"hit rate = found / prompt tokens",
             fmt::format("{} = {} / {}", format_number(d.tree.hit_rate()), d.tree.reused_tokens,
                         d.tree.prompt_tokens),
             "the tree, all requests"},
            {"stored + added - evicted ≤ capacity",
             fmt::format("{} + {} - {} ≤ {}", m.before.size(), m.event.added,
                         d.step(m.step).entered.evicted_tokens, d.capacity),
             fmt::format("request {}", m.step)}};
}

Timeline timeline(const Data& d) {
    Timeline t;
    t.param = "step";
    t.first = 1;
    t.last = static_cast<std::int64_t>(d.count());
    t.step_name = "request";
    t.steps_a_second = 2;
    t.marks_meaning = "evictions";
    for (std::size_t k = 1; k <= d.count(); ++k) {
        const ReuseStep& s = d.step(k);
        if (s.entered.evictions > 0) {
            t.marks.push_back(
                {static_cast<std::int64_t>(k),
                 fmt::format("{} evicted for {}", s.entered.evictions, d.request(s.request).name)});
        }
    }
    return t;
}

}  // namespace nibble::radix_cache_lab
