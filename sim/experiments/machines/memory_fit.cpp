// What lies in a device's memory, and how many requests of what length fit beside the weights:
// weights, cache, activations and runtime as bars against the capacity, and the same plan with
// fewer bits or fewer KV heads.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/core/text.hpp"
#include "sim/roofline/memory.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::memory_fit_lab {
namespace {

enum class Gigabyte { decimal, binary };

struct Params : Setting {
    double utilisation = 0.9, runtime_gb = 1;
    int step_tokens = 2048, kv_heads = 0, block_size = 16;
    Gigabyte gigabyte = Gigabyte::decimal;

    /// Sixteen users of a full context: more cache than model, and more than the memory.
    Params() {
        device = "a100-40gb-sxm";
        batch = 16;
    }
};

/// A plan and what it leaves room for.
struct Plan {
    std::string name;
    ModelShape model;
    Precision precision;
    MemoryPlan memory;
    Bytes per_token, per_request, cache;  // cache: of all requests
    std::int64_t max_requests = 0, max_context = 0;

    Bytes used() const { return memory.weights + memory.activations + memory.runtime + cache; }
    bool fits() const { return cache <= memory.free(); }
};

struct Data {
    DeviceSheet device;
    int batch, context, tensor_parallel, block_size;
    double utilisation;
    std::vector<Plan> plans;  // the first is the reader's own
    std::vector<std::int64_t> contexts;
    std::vector<std::vector<std::int64_t>> requests_by_context;  // (plan, context)
    WeightBytes weights;

    const Plan& own() const { return plans.front(); }
};

constexpr std::int64_t longest_asked = std::int64_t{1} << 27;

Plan plan_of(const Params& p, std::string name, const ModelShape& model, const Precision& precision,
             const DeviceSheet& device) {
    Plan plan{std::move(name), model, precision, {}, {}, {}, {}};
    const double unit = p.gigabyte == Gigabyte::binary ? 1024.0 * 1024 * 1024 / 1e9 : 1;
    plan.memory.capacity = unit * device.memory;
    plan.memory.usable = p.utilisation * plan.memory.capacity;
    plan.memory.weights = weight_bytes(model, precision, p.tensor_parallel).total();
    plan.memory.activations =
        activation_bytes(model, precision, p.tensor_parallel, p.step_tokens, p.batch);
    plan.memory.runtime = {p.runtime_gb * 1e9};
    plan.per_token = kv_bytes_per_token(model, precision, p.tensor_parallel);
    plan.per_request = kv_bytes(model, precision, p.tensor_parallel, p.context);
    plan.cache = double(p.batch) * plan.per_request;
    plan.max_requests = plan.memory.requests(plan.per_request);
    plan.max_context = longest_context(model, precision, p.tensor_parallel, plan.memory.free(),
                                       p.batch, longest_asked);
    return plan;
}

/// The reader's plan, and the same with fewer bits and fewer heads where that is a change.
std::vector<Plan> plans(const Params& p, const ModelShape& model, const DeviceSheet& device) {
    const Precision own = p.precision();
    std::vector<Plan> list = {plan_of(p, "this plan", model, own, device)};
    Precision thin = own;
    if (own.weight_bits > 4) {
        Precision q = own;
        thin.weight_bits = q.weight_bits = 4;
        list.push_back(plan_of(p, "4-bit weights", model, q, device));
    }
    if (own.kv_bits > 4) {
        Precision q = own;
        thin.kv_bits = q.kv_bits = 4;
        list.push_back(plan_of(p, "4-bit cache", model, q, device));
    }
    if (list.size() == 3) {
        list.push_back(plan_of(p, "both in 4 bits", model, thin, device));
    }
    if (!model.latent && model.kv_heads > 8 && model.kv_heads % 8 == 0) {
        ModelShape grouped = model;
        grouped.kv_heads = 8;
        list.push_back(plan_of(p, "8 KV heads", grouped, own, device));
    }
    return list;
}

ModelShape model_of(const Params& p) {
    ModelShape model = model_named(p.model);
    if (p.kv_heads > 0) {
        if (model.heads % p.kv_heads != 0 || model.latent) {
            throw Error(Error::Code::bad_param,
                        fmt::format("kv_heads = {}: the {} heads of {} cannot share so many",
                                    p.kv_heads, model.heads, model.name),
                        model.latent ? "latent attention has none: take 0"
                                     : fmt::format("take a divisor of {}, or 0", model.heads));
        }
        model.kv_heads = p.kv_heads;
    }
    if (model.heads % p.tensor_parallel != 0) {
        throw Error(Error::Code::bad_param,
                    fmt::format("tensor_parallel = {}: the {} heads of {} cannot be divided so",
                                p.tensor_parallel, model.heads, model.name),
                    fmt::format("take a divisor of {}", model.heads));
    }
    return model;
}

Data run(const Params& p, const RunContext& context) {
    context.check();
    const ModelShape model = model_of(p);
    Data d{catalogue().device(p.device),
           p.batch,
           p.context,
           p.tensor_parallel,
           p.block_size,
           p.utilisation,
           {},
           {},
           {},
           weight_bytes(model, p.precision(), p.tensor_parallel)};
    d.plans = plans(p, model, d.device);
    for (double c = 128; c <= 131072; c *= std::sqrt(2.0)) {
        d.contexts.push_back(std::llround(c));
    }
    for (const Plan& plan : d.plans) {
        std::vector<std::int64_t> row;
        for (const std::int64_t c : d.contexts) {
            row.push_back(
                plan.memory.requests(kv_bytes(plan.model, plan.precision, p.tensor_parallel, c)));
        }
        d.requests_by_context.push_back(std::move(row));
    }
    return d;
}

/// Decimal gigabytes as on sheets, or binary ones as monitors show them.
struct Unit {
    Gigabyte kind;

    double of(Bytes b) const {
        return b.value / (kind == Gigabyte::decimal ? 1e9 : 1024.0 * 1024 * 1024);
    }
    const char* name() const { return kind == Gigabyte::decimal ? "GB" : "GiB"; }
    std::string text(Bytes b) const { return format_number(of(b)) + " " + name(); }
};

Figure bars_figure(const Data& d, const Unit& unit) {
    Figure f;
    f.id = "memory";
    f.title = fmt::format(
        "{} requests of {} tokens on {}{}, {} of {} usable", d.batch, d.context, d.device.name,
        d.tensor_parallel > 1 ? fmt::format(", one of {}", d.tensor_parallel) : "",
        format_number(unit.of(d.own().memory.usable)), unit.text(d.own().memory.capacity));
    f.alt_text =
        "Stacked bars: weights, cache, activations and runtime of the plan and of the "
        "same plan with fewer bits or fewer KV heads, against the usable memory.";
    f.x = {.label = "plan"};
    f.y = {.label = "memory", .unit = unit.name()};
    Bars bars;
    bars.stacked = true;
    Bars::Series weights{"weights", category(0), {}}, cache{"cache", category(1), {}},
        activations{"activations", category(2), {}}, runtime{"runtime", category(3), {}};
    for (const Plan& p : d.plans) {
        bars.names.push_back(p.name);
        weights.values.push_back(unit.of(p.memory.weights));
        cache.values.push_back(unit.of(p.cache));
        activations.values.push_back(unit.of(p.memory.activations));
        runtime.values.push_back(unit.of(p.memory.runtime));
    }
    bars.series = {weights, cache, activations, runtime};
    f.marks.emplace_back(std::move(bars));
    f.marks.emplace_back(Rule{"usable", Role::limit, false, unit.of(d.own().memory.usable)});
    return f;
}

Figure requests_figure(const Data& d) {
    Figure f;
    f.id = "requests-by-context";
    f.title = "Requests that fit beside the weights";
    f.alt_text = "Requests that fit against the tokens of each, both logarithmic, for each plan.";
    f.x = {.label = "tokens a request", .unit = "", .scale = Scale::log10};
    f.y = {.label = "requests", .unit = "", .scale = Scale::log10};
    constexpr Role roles[] = {Role::subject, category(1), category(2), category(3), category(6)};
    for (std::size_t i = d.plans.size(); i-- > 0;) {
        Line line{d.plans[i].name, roles[i], {}, {}};
        for (std::size_t k = 0; k < d.contexts.size(); ++k) {
            const auto n = static_cast<double>(d.requests_by_context[i][k]);
            line.x.push_back(static_cast<double>(d.contexts[k]));
            line.y.push_back(n >= 1 ? n : std::nan(""));
        }
        if (std::any_of(line.y.begin(), line.y.end(), [](double y) { return y >= 1; })) {
            f.marks.emplace_back(std::move(line));
        }
    }
    Handle h;
    h.label = fmt::format("{} × {}", d.batch, d.context);
    h.hint = "drag me";
    h.x = d.context;
    h.y = d.batch;
    h.x_param = "context";
    h.y_param = "batch";
    f.marks.emplace_back(std::move(h));
    return f;
}

std::string finding(const Data& d, const Unit& unit) {
    const Plan& p = d.own();
    if (p.memory.free() <= Bytes{}) {
        return fmt::format("The weights alone do not fit: {} of {} usable on {}",
                           unit.text(p.memory.weights), unit.text(p.memory.usable), d.device.name);
    }
    const std::string cache =
        fmt::format("The cache of {} {}, {},", d.batch, d.batch == 1 ? "request" : "requests",
                    unit.text(p.cache));
    const std::string model = unit.text(p.memory.weights) + " model";
    const std::string beside =
        p.cache > p.memory.weights
            ? fmt::format("{} outweighs the {}", cache, model)
            : fmt::format("{} is {} % of the {}", cache,
                          format_number(100 * ratio(p.cache, p.memory.weights)), model);
    return beside + (p.fits() ? " and fits beside it" : " and does not fit beside it");
}

std::string explanation(const Data& d, const Unit& unit) {
    const Plan& p = d.own();
    std::string text = fmt::format(
        "A token takes {} in the cache, a request of {} tokens {}; {} are left for them beside {} "
        "of weights, {} of activations and {} of runtime: room for {} {}.",
        format_bytes(p.per_token.value), d.context, unit.text(p.per_request),
        unit.text(Bytes{std::max(0.0, p.memory.free().value)}), unit.text(p.memory.weights),
        unit.text(p.memory.activations), unit.text(p.memory.runtime), p.max_requests,
        p.max_requests == 1 ? "request" : "requests");
    const auto best = std::max_element(
        d.plans.begin(), d.plans.end(),
        [](const Plan& a, const Plan& b) { return a.max_requests < b.max_requests; });
    if (best->max_requests > p.max_requests) {
        text += fmt::format(" With {} it is {}.", best->name, best->max_requests);
    }
    return text;
}

std::vector<Metric> metrics(const Data& d) {
    const Plan& p = d.own();
    const Origin computed{};
    const auto count = [&](const char* id, const char* label, std::int64_t n) {
        return Metric{id,       label,          static_cast<double>(n), "",
                      computed, Better::higher, NumberStyle::plain,     9};
    };
    const auto bytes = [&](const char* id, const char* label, Bytes b, Better better) {
        return Metric{id, label, b.value, "B", computed, better, NumberStyle::si, 4};
    };
    return {count("max_requests", "Requests that fit", p.max_requests),
            count("max_context", "Longest context of all requests", p.max_context),
            bytes("kv_bytes_per_token", "Cache a token", p.per_token, Better::lower),
            bytes("kv_bytes_per_request", "Cache a request", p.per_request, Better::lower),
            bytes("weight_bytes", "Weights", p.memory.weights, Better::lower),
            bytes("kv_bytes", "Cache of all requests", p.cache, Better::lower),
            bytes("activation_bytes", "Activations", p.memory.activations, Better::lower),
            {"runtime_bytes",
             "Runtime",
             p.memory.runtime.value,
             "B",
             {Origin::Kind::assumed, ""},
             Better::lower,
             NumberStyle::si,
             4},
            bytes("free_bytes", "Left for the cache", p.memory.free(), Better::higher),
            count("blocks", "Blocks that fit", p.memory.blocks(d.block_size, p.per_token)),
            bytes("weight_codes_bytes", "Weights without scales", d.weights.codes, Better::lower),
            bytes("weight_scales_bytes", "Scales", d.weights.scales, Better::lower),
            {"capacity", "Memory", p.memory.capacity.value, "B", d.device.origin(), Better::neither,
             NumberStyle::si, 4}};
}

std::vector<Equation> equations(const Data& d) {
    const Plan& p = d.own();
    const ModelShape& m = p.model;
    const double bits = p.precision.kv_bits_with_scales();
    std::vector<Equation> list;
    if (m.latent) {
        list.push_back({"cache = layers · latent · bits / 8",
                        fmt::format("{} = {} · {} · {} / 8", format_number(p.per_token.value, 9),
                                    m.layers, m.latent->cached(), format_number(bits)),
                        "bytes a token"});
    } else {
        const std::int64_t heads = (m.kv_heads + d.tensor_parallel - 1) / d.tensor_parallel;
        list.push_back(
            {"cache = 2 · layers · heads_{KV} · head · bits / 8",
             fmt::format("{} = 2 · {} · {} · {} · {} / 8", format_number(p.per_token.value, 9),
                         m.layers, heads, m.head_dim, format_number(bits)),
             "bytes a token"});
    }
    list.push_back(
        {"requests = ⌊(u M - weights - overhead) / cache⌋",
         fmt::format("{} = ⌊({} · {} - {} - {}) / {}⌋", p.max_requests,
                     format_number(d.utilisation), format_number(p.memory.capacity.value / 1e9, 4),
                     format_number(p.memory.weights.value / 1e9, 4),
                     format_number((p.memory.activations + p.memory.runtime).value / 1e9, 4),
                     format_number(p.per_request.value / 1e9, 4)),
         "GB"});
    return list;
}

Table plan_table(const Data& d) {
    Table t{"plans",
            {{"plan"},
             {"weight_bytes", "B"},
             {"kv_bytes", "B"},
             {"activation_bytes", "B"},
             {"runtime_bytes", "B"},
             {"free_bytes", "B"},
             {"max_requests"},
             {"max_context", "tokens"}},
            {}};
    for (const Plan& p : d.plans) {
        t.rows.push_back({p.name, exact_cell(p.memory.weights.value), exact_cell(p.cache.value),
                          exact_cell(p.memory.activations.value),
                          exact_cell(p.memory.runtime.value), exact_cell(p.memory.free().value),
                          p.max_requests, p.max_context});
    }
    return t;
}

Outcome show(const Params& p, const Data& d) {
    const Unit unit{p.gigabyte};
    Outcome o;
    o.finding = finding(d, unit);
    o.explanation = explanation(d, unit);
    o.metrics = metrics(d);
    o.tables = {plan_table(d)};
    o.equations = equations(d);
    o.rows = {{1.1, {bars_figure(d, unit)}}, {1, {requests_figure(d)}}};
    return o;
}

Schema<Params> schema() {
    using namespace setting_params;
    return {
        model<Params>(),
        device<Params>(),
        batch<Params>().label("Requests"),
        context<Params>(),
        weight_bits<Params>().advanced(),
        kv_bits<Params>().advanced(),
        activation_bits<Params>().advanced(),
        group_size<Params>().advanced(),
        kv_group_size<Params>().advanced(),
        tensor_parallel<Params>().advanced(),
        integer("kv_heads", &Params::kv_heads, {0, 128})
            .label("KV heads, what if")
            .help("How many heads share the cache had the model been built so; 0 is as it is.")
            .advanced(),
        real("utilisation", &Params::utilisation, {0.1, 1})
            .help("The share of the memory that may be used; the rest is left to others.")
            .advanced(),
        real("runtime_gb", &Params::runtime_gb, {0, 16})
            .label("Runtime")
            .unit("GB")
            .help("What the driver, the libraries and captured graphs take: an assumption, about "
                  "1 GB on most systems.")
            .advanced(),
        integer("step_tokens", &Params::step_tokens, {1, 65536, Scale::log2})
            .label("Tokens in a step")
            .help("The most tokens computed at once: activations grow with them.")
            .advanced(),
        integer("block_size", &Params::block_size, {1, 1024, Scale::log2})
            .label("Block size")
            .unit("tokens")
            .help("Tokens of a block of a paged cache: larger ones are fewer.")
            .advanced(),
        choice("gigabyte", &Params::gigabyte, {{"decimal", "GB"}, {"binary", "GiB"}})
            .label("A gigabyte is")
            .help("10^9 bytes as on sheets, or 2^30 as monitors count: 7 % apart.")
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("memory-fit", "Machines", "Memory fit",
                                "How many requests, and how long, fit beside the weights?",
                                schema(), run, show);
}

}  // namespace nibble::memory_fit_lab
