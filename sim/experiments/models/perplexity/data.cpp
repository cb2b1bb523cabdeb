#include "sim/experiments/models/perplexity/data.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "sim/model/evaluate.hpp"

namespace nibble::perplexity_lab {
namespace {

constexpr Index judged_tokens = 64;  // of each domain
constexpr Index calibration_tokens = 384;
constexpr Index written_tokens = 28;
constexpr std::size_t prompt_tokens = 12;
constexpr int kept_step = 7;  // matrices between two mixes

struct Tried {
    Method method;
    int bits;
};
constexpr Tried tried[] = {
    {Method::rtn, 8}, {Method::rtn, 4},  {Method::gptq, 4}, {Method::awq, 4}, {Method::nf4, 4},
    {Method::rtn, 3}, {Method::gptq, 3}, {Method::awq, 3},  {Method::rtn, 2}, {Method::gptq, 2},
    {Method::awq, 2}, {Method::rtn, 6},  {Method::rtn, 5},
};

MethodSettings settings_of(Method method, int bits, int group_size) {
    MethodSettings s = defaults_of(method);
    s.bits = bits;
    s.group_size = group_size;
    s.clip = false;  // the search takes as long as everything else together
    return s;
}

struct Quantized {
    QuantizedModel model;
    double stored = 0;
};

Quantized quantized(const ModelJudge& judge, const MethodSettings& settings,
                    const RunContext& context) {
    ModelQuantization how{settings, judge.calibration(calibration_tokens, context)};
    RunContext quiet = context;
    quiet.progress = [](double) {};
    QuantizedModel model = quantize_model(judge.model(), how, quiet);
    const double stored = total_of(model.reports).bits_per_weight();
    return {std::move(model), stored};
}

/// Kept between runs: only the choice of method and bits differs from one to the next.
Point point(const ModelJudge& judge, Tried t, int group_size, const RunContext& context) {
    return *context.memo<Point>(
        fmt::format("perplexity point {} {} {} {}", static_cast<int>(t.method), t.bits, group_size,
                    context.seed),
        [&] {
            const Quantized q =
                quantized(judge, settings_of(t.method, t.bits, group_size), context);
            return Point{t.method, t.bits, q.stored,
                         judge.losses(q.model.model, q.model.hooks, context)};
        },
        [](const Point&) { return sizeof(Point); });
}

double bits_a_weight(const RoundedMatrices& few, const RoundedMatrices& many,
                     const std::vector<bool>& is_kept) {
    double bits = 0, weights = 0;
    for (std::size_t i = 0; i < few.ids.size(); ++i) {
        bits += is_kept[i] ? many.stored_bits[i] : few.stored_bits[i];
        weights += static_cast<double>(few.weights[i].values().size());
    }
    return bits / weights;
}

Mix mix(const ModelJudge& judge, const RoundedMatrices& few, const RoundedMatrices& many,
        const std::vector<std::size_t>& order, int kept, const RunContext& context) {
    std::vector<bool> is_kept(order.size(), false);
    for (int k = 0; k < kept; ++k) {
        is_kept[order[static_cast<std::size_t>(k)]] = true;
    }
    Model<float> model = judge.model();
    for (std::size_t i = 0; i < order.size(); ++i) {
        model = with_weights(std::move(model), few.ids[i],
                             is_kept[i] ? many.weights[i] : few.weights[i]);
    }
    return {kept, bits_a_weight(few, many, is_kept), judge.losses(model, {}, context)};
}

void find_sensitivity(const ModelJudge& judge, const RoundedMatrices& few, Data& d,
                      const RunContext& context) {
    d.ids = few.ids;
    for (std::size_t i = 0; i < few.ids.size(); ++i) {
        const Model<float> model = with_weights(judge.model(), few.ids[i], few.weights[i]);
        d.alone.push_back(judge.losses(model, {}, context));
        context.publish(d);
    }
    d.order.resize(few.ids.size());
    std::iota(d.order.begin(), d.order.end(), std::size_t{0});
    std::stable_sort(d.order.begin(), d.order.end(), [&](std::size_t a, std::size_t b) {
        return d.alone[a].mean() > d.alone[b].mean();
    });
}

void find_mixes(const ModelJudge& judge, const RoundedMatrices& few, const Params& p, Data& d,
                const RunContext& context) {
    const RoundedMatrices many = rounded_matrices(judge.model(), 8, p.group_size, context);
    const std::vector<std::size_t> turned(d.order.rbegin(), d.order.rend());
    for (int kept = 0; kept <= static_cast<int>(d.ids.size()); kept += kept_step) {
        d.mixes.push_back(mix(judge, few, many, d.order, kept, context));
        d.mixes_turned.push_back(mix(judge, few, many, turned, kept, context));
        context.publish(d);
    }
}

void find_cache(const ModelJudge& judge, Data& d, const RunContext& context) {
    for (const int bits : {8, 4, 3, 2}) {
        const CacheRounding kivi{bits, bits};
        const CacheRounding turned{bits, bits, CacheAxis::token, CacheAxis::channel};
        d.cache.push_back({bits, judge.losses(judge.model(), cache_hooks(kivi), context),
                           judge.losses(judge.model(), cache_hooks(turned), context)});
        context.publish(d);
    }
}

Writing write(const ModelJudge& judge, const MethodSettings& settings, const RunContext& context) {
    const Tokenizer& tokenizer = judge.loaded().files->needed_tokenizer();
    const Document document = make_document(context.seed, Split::validation, Domain::stories, 0);
    TokenIds ids = tokens_of(document, tokenizer, judge.model().config);
    ids.resize(std::min<std::size_t>(ids.size(), prompt_tokens));
    Writing writing;
    writing.prompt = tokenizer.decode(ids);
    const auto pieces = [&](const Model<float>& model) {
        std::vector<std::string> list;
        for (const GeneratedToken& token : generate(model, ids, written_tokens, {0})) {
            context.check();
            list.push_back(tokenizer.decode(TokenIds{token.id}));
        }
        return list;
    };
    writing.exact = pieces(judge.model());
    writing.quantized = pieces(quantized(judge, settings, context).model.model);
    return writing;
}

}  // namespace

double judged(const DomainLosses& losses, JudgedOn on) {
    return on == JudgedOn::all ? losses.mean() : losses.by_domain[static_cast<std::size_t>(on) - 1];
}

const Point* Data::find(Method method, int bits) const {
    const auto found = std::find_if(points.begin(), points.end(), [&](const Point& p) {
        return p.method == method && p.bits == bits;
    });
    return found == points.end() ? nullptr : &*found;
}

Data measure(const Params& p, const RunContext& context) {
    const ModelJudge judge("target", judged_tokens, context);
    Data d;
    d.model = judge.loaded().name;
    d.exact = judge.losses(judge.model(), {}, context);
    const Tried chosen{p.method(), p.code_bits()};
    d.points.push_back(point(judge, chosen, p.group_size, context));
    context.publish(d);
    if (context.preview) {
        return d;
    }
    d.writing = write(judge, settings_of(chosen.method, chosen.bits, p.group_size), context);
    const RoundedMatrices few = rounded_matrices(judge.model(), p.bits, p.group_size, context);
    find_sensitivity(judge, few, d, context);
    context.progress(0.3);
    find_mixes(judge, few, p, d, context);
    find_cache(judge, d, context);
    context.progress(0.5);
    for (const Tried& t : tried) {
        if (!d.find(t.method, t.bits)) {
            d.points.push_back(point(judge, t, p.group_size, context));
            context.publish(d);
        }
        context.progress(0.5 + 0.5 * static_cast<double>(&t - tried + 1) / std::size(tried));
    }
    d.finished = true;
    return d;
}

}  // namespace nibble::perplexity_lab
