// Does the model still speak? The shipped model's perplexity under every method and bit width,
// matrix by matrix, in mixes, with a rounded cache; and what it writes.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/models/perplexity/data.hpp"

namespace nibble::perplexity_lab {
namespace {

std::string chosen_name(const Params& p) {
    return p.way == Way::nf4   ? "NF4"
           : p.way == Way::rtn ? fmt::format("{} bits, rounded to nearest,", p.bits)
                               : fmt::format("{} bits by {}", p.bits, title(p.method()));
}

/// The matrix whose rounding costs most, in words: "down of block 3".
std::string where(const LinearId& id) {
    static constexpr const char* names[] = {"q", "k", "v", "o", "gate", "up", "down", "head"};
    return fmt::format("{} of block {}", names[static_cast<std::size_t>(id.kind)], id.layer);
}

void add_metrics(const Params& p, const Data& d, const Point& chosen, Outcome& o) {
    const Origin measured{Origin::Kind::measured_here, d.model};
    const double exact = judged(d.exact, p.judged_on), now = judged(chosen.losses, p.judged_on);
    o.metrics = {
        {"perplexity", "Perplexity", std::exp(now), "", measured, Better::lower},
        {"exact_perplexity", "As trained", std::exp(exact), "", measured},
        {"added_loss", "Loss added", now - exact, "nats", measured, Better::lower},
        {"bits_per_weight", "Bits a weight", chosen.stored, "bits", measured, Better::lower}};
    if (!d.order.empty()) {
        const std::size_t worst = d.order.front();
        o.metrics.push_back(
            {"most_sensitive_added_loss", fmt::format("Loss by {} alone", where(d.ids[worst])),
             judged(d.alone[worst], p.judged_on) - exact, "nats", measured, Better::lower});
    }
    for (const CachePoint& point : d.cache) {
        o.metrics.push_back({fmt::format("cache_{}_bits_added_loss", point.bits),
                             fmt::format("Loss by a cache of {} bits", point.bits),
                             judged(point.as_kivi, p.judged_on) - exact, "nats", measured,
                             Better::lower});
        o.metrics.push_back({fmt::format("cache_{}_bits_turned_added_loss", point.bits),
                             fmt::format("And keys by token, {} bits", point.bits),
                             judged(point.turned, p.judged_on) - exact, "nats", measured,
                             Better::lower});
    }
}

Table points_table(const Params& p, const Data& d) {
    Table t{"methods",
            {{"method"}, {"bits"}, {"bits_per_weight"}, {"loss", "nats"}, {"perplexity"}},
            {}};
    for (const Point& point : d.points) {
        const double loss = judged(point.losses, p.judged_on);
        t.rows.push_back({std::string(name(point.method)), std::int64_t{point.bits}, point.stored,
                          loss, std::exp(loss)});
    }
    return t;
}

Table sensitivity_table(const Params& p, const Data& d) {
    Table t{"sensitivity", {{"matrix"}, {"added_loss", "nats"}}, {}};
    for (std::size_t i = 0; i < d.alone.size(); ++i) {
        t.rows.push_back(
            {name(d.ids[i]), judged(d.alone[i], p.judged_on) - judged(d.exact, p.judged_on)});
    }
    return t;
}

}  // namespace

void describe(const Params& p, const Data& d, Outcome& o) {
    const Point& chosen = *d.find(p.method(), p.code_bits());
    const double exact = judged(d.exact, p.judged_on), now = judged(chosen.losses, p.judged_on);
    o.finding = fmt::format("With {} the perplexity goes from {} to {}.", chosen_name(p),
                            format_number(std::exp(exact), 3), format_number(std::exp(now), 3));
    o.explanation = fmt::format("{} bits a weight are stored, scales counted.",
                                format_number(chosen.stored, 3));
    if (!d.order.empty() && d.alone.size() == d.ids.size()) {
        const std::size_t worst = d.order.front(), best = d.order.back();
        o.explanation += fmt::format(
            " Rounded alone to {} bits, {} costs {} nats and {} costs {}.", p.bits,
            where(d.ids[worst]), format_number(judged(d.alone[worst], p.judged_on) - exact, 2),
            where(d.ids[best]), format_number(judged(d.alone[best], p.judged_on) - exact, 2));
    }
    if (d.mixes.size() > 2) {
        const Mix &mix = d.mixes[1], &turned = d.mixes_turned[1];
        o.explanation += fmt::format(
            " Giving 8 bits to the {} most sensitive brings the perplexity to {}; to the {} least "
            "sensitive, to {}.",
            mix.kept, format_number(std::exp(judged(mix.losses, p.judged_on)), 3), turned.kept,
            format_number(std::exp(judged(turned.losses, p.judged_on)), 3));
    }
    add_metrics(p, d, chosen, o);
    o.tables = {points_table(p, d), sensitivity_table(p, d)};
    o.equations = {
        {"perplexity = e^{loss}",
         fmt::format("e^{{{}}} = {}", format_number(now, 4), format_number(std::exp(now), 4)),
         "loss: mean nats a token, every token after the first of a document"}};
    if (!d.finished) {
        o.sampling = "still measuring";
    }
}

namespace {

Data run(const Params& p, const RunContext& context) {
    return measure(p, context);
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    describe(p, d, o);
    o.rows = figures(p, d);
    return o;
}

Schema<Params> schema() {
    return {
        integer("bits", &Params::bits, {2, 8})
            .unit("bit")
            .help("Fewer bits, a smaller model, and sooner or later one that talks nonsense.")
            .when([](const Params& p) { return p.way != Way::nf4; }),
        choice("method", &Params::way,
               {{"rtn", "round to nearest"}, {"gptq", "GPTQ"}, {"awq", "AWQ"}, {"nf4", "NF4"}})
            .help("How every linear layer is rounded; embedding and head stay."),
        integer("group_size", &Params::group_size, {16, 256, Scale::log2})
            .unit("weight")
            .help("Neighbours that share a scale: larger groups store less and lose more.")
            .advanced(),
        choice("judged_on", &Params::judged_on,
               {{"all", "all domains"},
                {"stories", "stories"},
                {"arithmetic", "sums"},
                {"code", "code"},
                {"records", "records"}})
            .label("Judged on")
            .help("The unseen text whose perplexity is shown.")
            .view(),
    };
}

}  // namespace
Experiment lab() {
    return define<Params, Data>("perplexity", "Models", "Perplexity",
                                "Does the model still speak after its weights lost bits?", schema(),
                                run, show);
}

}  // namespace nibble::perplexity_lab
