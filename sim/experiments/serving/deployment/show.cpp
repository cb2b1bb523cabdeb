// The pictures and the words of the deployment lab.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/serving/deployment/data.hpp"

namespace nibble::deployment_lab {
namespace {

using serving::Deployed;
using serving::Obstacle;

constexpr double giga = 1e9;

std::string bits_label(int weights, int cache) {
    return fmt::format("W{} KV{}", weights, cache);
}

/// What a cell of the map says of a plan that does not work.
std::string_view in_short(Obstacle obstacle) {
    switch (obstacle) {
        case Obstacle::link:
            return "link";
        case Obstacle::heads:
            return "heads";
        case Obstacle::weights:
            return "large";
        case Obstacle::cache:
            return "cache";
        case Obstacle::objective:
            return "slow";
        case Obstacle::none:
            break;
    }
    return "";
}

Figure memory_figure(const Data& d) {
    const MemoryPlan& m = d.own.result.memory;
    const double cache = std::max(0.0, m.free().value), used = d.own.result.at_load.used * cache;
    const auto series = [](std::string label, Role role, double bytes) {
        return Bars::Series{std::move(label), role, {bytes / giga}};
    };
    Bars bars;
    bars.names = {"each device"};
    bars.series = {series("weights", category(0), m.weights.value),
                   series("activations", category(2), m.activations.value),
                   series("runtime", category(3), m.runtime.value),
                   series("cache in use", category(1), used),
                   series("cache free", category(4), cache - used)};
    bars.stacked = bars.horizontal = true;
    Figure f;
    f.id = "memory";
    f.title = "Memory of one device";
    f.alt_text = "A stacked bar of weights, activations, runtime and cache against the memory.";
    f.x = {.label = "memory", .unit = "GB"};
    f.marks = {std::move(bars), Rule{"may be used", Role::limit, true, m.usable.value / giga}};
    return f;
}

Figure map_figure(const Params& p, const Data& d) {
    Cells cells;
    cells.columns = static_cast<int>(std::size(weight_choices) * std::size(cache_choices));
    cells.gap_every = static_cast<int>(std::size(weight_choices));
    cells.stretch = 3;
    for (const Plan& c : d.all) {
        Cells::Item item;
        const bool own = c.plan.weight_bits == p.weight_bits && c.plan.kv_bits == p.kv_bits &&
                         c.plan.tensor_parallel == p.tensor_parallel;
        item.role = c.result.works() ? (c.on_front ? Role::reference : category(5)) : Role::muted;
        item.text = c.result.works()
                        ? (c.result.dollars < 100 ? fmt::format("${:.2g}", c.result.dollars)
                                                  : fmt::format("${:.0f}", c.result.dollars))
                        : std::string(in_short(c.result.obstacle));
        item.label = fmt::format("{}: {}", c.plan.label(),
                                 c.result.works() ? fmt::format("{} dollars a million tokens",
                                                                format_number(c.result.dollars, 3))
                                                  : std::string(name(c.result.obstacle)));
        item.outlined = !c.result.works();
        if (own) {
            item.role = Role::subject;
        }
        cells.items.push_back(std::move(item));
        if (c.plan.weight_bits == weight_choices[0] && c.plan.kv_bits == cache_choices[0]) {
            cells.row_names.push_back(fmt::format("{}×", c.plan.tensor_parallel));
        }
    }
    Figure f;
    f.id = "map";
    f.title =
        "Every choice of bits and devices: the price of a million tokens, or what is in "
        "the way";
    f.alt_text =
        "Cells of the plans: rows are numbers of devices, columns weight bits within "
        "cache bits.";
    f.footnote =
        "columns: weights in 16, 8, 4, 3 bits, with the cache in 16, then 8, then 4; "
        "green: on the front of price, flow and loss; blue: this plan";
    f.x.hidden = f.y.hidden = true;
    f.marks = {std::move(cells)};
    return f;
}

Figure front_figure(const Data& d) {
    Figure f;
    f.id = "front";
    f.title = "Price against flow, of the plans that work";
    f.alt_text =
        "Points: dollars for a million tokens against the 99th percentile of the time "
        "of a token.";
    f.x = {.label = "a million tokens at full load", .unit = "$", .scale = Scale::log10};
    f.y = {.label = "a token, p99", .unit = "ms"};
    Points front{"on the front", Role::reference, {}, {}}, rest{"beaten", Role::muted, {}, {}};
    for (const Plan& c : d.all) {
        if (c.result.works()) {
            Points& to = c.on_front ? front : rest;
            to.x.push_back(c.result.dollars);
            to.y.push_back(1000 * c.token_time());
            to.names.push_back(
                c.on_front ? fmt::format("{} ×{}", bits_label(c.plan.weight_bits, c.plan.kv_bits),
                                         c.plan.tensor_parallel)
                           : c.plan.label());
        }
    }
    for (Points* points : {&rest, &front}) {
        if (!points->x.empty()) {
            f.marks.emplace_back(std::move(*points));
        }
    }
    if (d.own.result.works()) {
        f.marks.emplace_back(Handle{.label = "this plan",
                                    .role = Role::subject,
                                    .x = d.own.result.dollars,
                                    .y = 1000 * d.own.token_time()});
    }
    if (f.marks.empty()) {
        f.x.limits = {{0.1, 10}};
        f.y.limits = {{0, 1}};
        f.marks.emplace_back(Note{1, 0.5, "no plan works: lower the rate or take other devices"});
    }
    return f;
}

Figure loss_figure(const Data& d) {
    Bars bars;
    for (const int cache : cache_choices) {
        Bars::Series series{fmt::format("cache in {} bits", cache),
                            category(cache == 16  ? 0
                                     : cache == 8 ? 2
                                                  : 1),
                            {}};
        for (const int weights : weight_choices) {
            const auto found = std::find_if(d.all.begin(), d.all.end(), [&](const Plan& c) {
                return c.plan.weight_bits == weights && c.plan.kv_bits == cache;
            });
            series.values.push_back(found != d.all.end() && found->has_loss ? found->loss
                                                                            : std::nan(""));
        }
        bars.series.push_back(std::move(series));
    }
    for (const int weights : weight_choices) {
        bars.names.push_back(fmt::format("W{}", weights));
    }
    bars.value_labels = false;
    Figure f;
    f.id = "loss";
    f.title = "Loss added, measured on Nibble's own model";
    f.alt_text = "Bars: loss added by weight and cache bits on the shipped model.";
    f.y = {.label = "added loss", .unit = "nats"};
    f.footnote = "a small model; what a large one loses in the same bits is not known from it";
    f.marks = {std::move(bars)};
    return f;
}

std::string milliseconds(double seconds) {
    return format_number(1000 * seconds, 3) + " ms";
}

void add_metrics(const Data& d, Outcome& o) {
    const Deployed& r = d.own.result;
    const Origin computed{};
    o.metrics = {
        {"works", "Works (1) or not (0)", r.works() ? 1.0 : 0.0, "", computed, Better::higher}};
    const auto add = [&](const char* id, const char* label, double value, const char* unit,
                         Better better, NumberStyle style = NumberStyle::plain) {
        o.metrics.push_back({id, label, value, unit, computed, better, style});
    };
    if (r.runs()) {
        add("ttft_p99", "First token, p99", r.at_load.ttft.p99, "s", Better::lower,
            NumberStyle::si);
        add("tpot_p99", "A token after it, p99", r.at_load.tpot.p99, "s", Better::lower,
            NumberStyle::si);
        add("dollars_per_million_tokens", "A million tokens, full load", r.dollars, "$",
            Better::lower);
    }
    if (d.own.has_loss) {
        o.metrics.push_back({"added_loss",
                             "Loss added, shipped model",
                             d.own.loss,
                             "nats",
                             {Origin::Kind::measured_here, "Nibble's model target"},
                             Better::lower});
    }
    add("weight_bytes", "Weights on each device", r.memory.weights.value, "B", Better::lower,
        NumberStyle::si);
    add("cache_bytes", "Left for the cache", std::max(0.0, r.memory.free().value), "B",
        Better::higher, NumberStyle::si);
    add("blocks", "Blocks of cache", static_cast<double>(r.blocks), "", Better::higher);
    if (r.runs()) {
        add("dollars_per_million_tokens_here", "A million tokens, this load", r.dollars_here, "$",
            Better::lower);
        add("tokens_per_second", "Tokens a second", r.at_load.tokens_per_second, "1/s",
            Better::higher, NumberStyle::si);
        add("capacity", "Requests a second at most", r.capacity, "1/s", Better::higher);
        add("kept", "Keep the objective", r.at_load.kept, "", Better::higher, NumberStyle::percent);
        add("cache_used", "Cache in use", r.at_load.used, "", Better::neither,
            NumberStyle::percent);
    }
}

Table plans_table(const Data& d) {
    Table t{"plans",
            {{"weight_bits"},
             {"kv_bits"},
             {"devices"},
             {"obstacle"},
             {"ttft_p99", "s"},
             {"tpot_p99", "s"},
             {"tokens_per_second", "1/s"},
             {"dollars_per_million_tokens", "$"},
             {"added_loss", "nats"},
             {"on_front"}},
            {}};
    for (const Plan& c : d.all) {
        t.rows.push_back({std::int64_t{c.plan.weight_bits}, std::int64_t{c.plan.kv_bits},
                          std::int64_t{c.plan.tensor_parallel},
                          std::string(name(c.result.obstacle)), c.result.at_load.ttft.p99,
                          c.result.at_load.tpot.p99, c.result.at_load.tokens_per_second,
                          c.result.dollars, c.loss, std::int64_t{c.on_front}});
    }
    return t;
}

/// "the weights, 141 GB, are more than the 72 GB that may be used"
std::string why(const Deployed& r) {
    switch (r.obstacle) {
        case Obstacle::weights:
            return fmt::format("{} of weights, {} of room", format_gb(r.memory.weights),
                               format_gb(r.memory.usable));
        case Obstacle::cache:
            return fmt::format("{} are left for the cache, less than the longest request takes",
                               format_gb(r.memory.free()));
        case Obstacle::objective:
            return fmt::format("only {} % of the requests keep the objective",
                               format_number(100 * r.at_load.kept, 2));
        default:
            return std::string(name(r.obstacle));
    }
}

}  // namespace

const Plan* Data::cheapest() const {
    const Plan* best = nullptr;
    for (const Plan& c : all) {
        if (c.result.works() && (!best || c.result.dollars < best->result.dollars)) {
            best = &c;
        }
    }
    return best;
}

std::vector<FigureRow> figures(const Params& p, const Data& d) {
    return {{0.5, {memory_figure(d)}},
            {0.75, {map_figure(p, d)}},
            {1.1, {front_figure(d), loss_figure(d)}}};
}

void describe(const Params& p, const Data& d, Outcome& o) {
    const Deployed& r = d.own.result;
    const std::string what = fmt::format("{} on {}", p.label(), catalogue().device(p.device).name);
    const Plan* cheapest = d.cheapest();
    o.finding = r.works() ? fmt::format("{}: {} dollars for a million tokens at full load.", what,
                                        format_number(r.dollars, 3))
                          : fmt::format("{} does not work: {}.", what, why(r));
    if (r.runs()) {
        o.explanation = fmt::format(
            "At {} requests a second the first token takes {} for one in a hundred, and then a "
            "token comes every {} at the median; {} requests a second are the most.",
            format_number(p.rate, 3), milliseconds(r.at_load.ttft.p99),
            milliseconds(r.at_load.tpot.p50), format_number(r.capacity, 3));
    }
    if (cheapest) {
        o.explanation += fmt::format(
            "{}The cheapest that works is {}: {} dollars for a million tokens, a token every {} at "
            "most for 99 of 100",
            o.explanation.empty() ? "" : " ", cheapest->plan.label(),
            format_number(cheapest->result.dollars, 3), milliseconds(cheapest->token_time()));
        o.explanation += cheapest->has_loss ? fmt::format(
                                                  "; on Nibble's own model these bits add "
                                                  "{} nats.",
                                                  format_number(cheapest->loss, 2))
                                            : std::string(".");
    } else {
        o.explanation += "No choice of bits and devices works at this load.";
    }
    add_metrics(d, o);
    o.tables = {plans_table(d)};
    if (!d.finished) {
        o.sampling = fmt::format("{} plans so far", d.all.size());
    }
    o.equations = {{"cache = use × memory - weights - activations - runtime",
                    fmt::format("{} × {} - {} - {} - {} = {}", format_number(p.utilisation, 3),
                                format_gb(r.memory.capacity), format_gb(r.memory.weights),
                                format_gb(r.memory.activations), format_gb(r.memory.runtime),
                                format_gb(r.memory.free())),
                    "on each device"}};
}

}  // namespace nibble::deployment_lab
