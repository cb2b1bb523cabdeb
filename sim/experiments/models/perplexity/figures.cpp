// Loss against bits for every method, where in the model it hurts, what a mix buys, what the cache
// bears, and what both models write.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/models/perplexity/data.hpp"

namespace nibble::perplexity_lab {
namespace {

Role role_of(Method method) {
    switch (method) {
        case Method::rtn:
            return Role::baseline;
        case Method::gptq:
            return Role::subject;
        case Method::awq:
            return category(2);
        default:
            return category(3);
    }
}

double perplexity(const DomainLosses& losses, const Params& p) {
    return std::exp(judged(losses, p.judged_on));
}

Figure bits_figure(const Params& p, const Data& d) {
    Figure f;
    f.id = "bits";
    f.title = "Perplexity over the bits a weight takes, scales counted";
    f.alt_text = "A line for each method: perplexity on unseen text against stored bits a weight.";
    f.x = {.label = "bits a weight", .limits = {{2, 9}}};
    f.y = {.label = "perplexity", .scale = Scale::log10};
    for (const Method method : {Method::rtn, Method::gptq, Method::awq, Method::nf4}) {
        std::vector<const Point*> points;
        for (const Point& point : d.points) {
            if (point.method == method) {
                points.push_back(&point);
            }
        }
        std::sort(points.begin(), points.end(),
                  [](const Point* a, const Point* b) { return a->stored < b->stored; });
        Line line{std::string(title(method)), role_of(method), {}, {}, true};
        for (const Point* point : points) {
            line.x.push_back(point->stored);
            line.y.push_back(perplexity(point->losses, p));
        }
        if (!line.x.empty()) {
            f.marks.emplace_back(std::move(line));
        }
    }
    f.marks.emplace_back(Rule{"as trained", Role::reference, false, perplexity(d.exact, p)});
    if (const Point* chosen = d.find(p.method(), p.code_bits())) {
        f.marks.emplace_back(Handle{.label = fmt::format("{} bits", chosen->bits),
                                    .role = Role::limit,
                                    .x = chosen->stored,
                                    .y = perplexity(chosen->losses, p)});
    }
    f.width = 1.4;
    return f;
}

Figure cache_figure(const Params& p, const Data& d) {
    Bars bars;
    Bars::Series kivi{"keys by channel, values by token", Role::subject, {}},
        turned{"the other way round", Role::baseline, {}};
    const double exact = judged(d.exact, p.judged_on);
    for (const CachePoint& point : d.cache) {
        bars.names.push_back(fmt::format("{} bits", point.bits));
        kivi.values.push_back(judged(point.as_kivi, p.judged_on) - exact);
        turned.values.push_back(judged(point.turned, p.judged_on) - exact);
    }
    bars.series = {std::move(kivi), std::move(turned)};
    Figure f;
    f.id = "cache";
    f.title = "Loss added by rounding the cache";
    f.alt_text = "Bars: loss added when keys and values have 8, 4, 3 and 2 bits.";
    f.y = {.label = "added loss", .unit = "nats"};
    f.marks = {std::move(bars)};
    return f;
}

Figure sensitivity_figure(const Params& p, const Data& d) {
    const double exact = judged(d.exact, p.judged_on);
    Heatmap map;
    map.cols = static_cast<int>(layer_linears.size());
    map.rows = static_cast<int>((d.ids.size() + layer_linears.size() - 1) / layer_linears.size());
    map.label = "added loss";
    map.unit = "nats";
    map.low = 0;
    map.high = 0;
    for (std::size_t i = 0; i < d.ids.size(); ++i) {
        const double added =
            i < d.alone.size() ? judged(d.alone[i], p.judged_on) - exact : std::nan("");
        map.cells.push_back(static_cast<float>(added));
        map.high = std::isnan(added) ? map.high : std::max(map.high, added);
    }
    map.high = std::max(map.high, 1e-6);
    Figure f;
    f.id = "sensitivity";
    f.title = fmt::format("Loss added by rounding one matrix to {} bits", p.bits);
    f.alt_text = "A map of blocks and matrices, darker where rounding that matrix hurts more.";
    f.x.label = "matrix";
    for (std::size_t c = 0; c < layer_linears.size(); ++c) {
        static constexpr const char* names[] = {"q", "k", "v", "o", "gate", "up", "down"};
        f.x.named_ticks.emplace_back(static_cast<double>(c) + 0.5, names[c]);
    }
    f.y.label = "block";
    for (int r = 0; r < map.rows; ++r) {
        f.y.named_ticks.emplace_back(r + 0.5, std::to_string(r));
    }
    f.marks = {std::move(map)};
    return f;
}

Line line_of(const std::vector<Mix>& mixes, std::string label, Role role, const Params& p) {
    Line line{std::move(label), role, {}, {}, true};
    for (const Mix& mix : mixes) {
        line.x.push_back(mix.stored);
        line.y.push_back(perplexity(mix.losses, p));
    }
    return line;
}

Figure mix_figure(const Params& p, const Data& d) {
    Figure f;
    f.id = "mixed-precision";
    f.title = fmt::format("Some matrices in 8 bits, the others in {}", p.bits);
    f.alt_text =
        "Perplexity against mean bits a weight when the most sensitive matrices are kept "
        "in eight bits first, and when the least sensitive are.";
    f.x = {.label = "bits a weight"};
    f.y = {.label = "perplexity", .scale = Scale::log10};
    f.marks = {line_of(d.mixes, "most sensitive first", Role::subject, p),
               line_of(d.mixes_turned, "least sensitive first", Role::baseline, p),
               Rule{"as trained", Role::reference, false, perplexity(d.exact, p)}};
    return f;
}

Figure written(const char* id, std::string title, const std::string& prompt,
               const std::vector<std::string>& pieces, const std::vector<std::string>& other) {
    Tokens tokens;
    tokens.items.push_back({prompt, Role::muted, -1, "the prompt"});
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const bool same = i < other.size() && other[i] == pieces[i];
        tokens.items.push_back({pieces[i], same ? Role::reference : Role::limit, -1,
                                same ? "both models write this" : "here they part"});
    }
    Figure f;
    f.id = id;
    f.title = std::move(title);
    f.alt_text = fmt::format("Text that the model writes after \"{}\".", prompt);
    f.x.hidden = f.y.hidden = true;
    f.marks = {std::move(tokens)};
    return f;
}

}  // namespace

std::vector<FigureRow> figures(const Params& p, const Data& d) {
    FigureRow top{1.25, {bits_figure(p, d)}};
    if (!d.cache.empty()) {
        top.figures.push_back(cache_figure(p, d));
    }
    std::vector<FigureRow> rows = {std::move(top)};
    if (!d.ids.empty()) {
        FigureRow middle{1, {sensitivity_figure(p, d)}};
        if (!d.mixes.empty()) {
            middle.figures.push_back(mix_figure(p, d));
        }
        rows.push_back(std::move(middle));
    }
    if (!d.writing.exact.empty()) {
        const Writing& w = d.writing;
        const std::string name = p.way == Way::nf4
                                     ? std::string(title(p.method()))
                                     : fmt::format("{}, {} bits", title(p.method()), p.bits);
        rows.push_back({0.9,
                        {written("as-trained", "What it writes as it was trained", w.prompt,
                                 w.exact, w.quantized),
                         written("quantized", fmt::format("What it writes with {}", name), w.prompt,
                                 w.quantized, w.exact)}});
    }
    return rows;
}

}  // namespace nibble::perplexity_lab
