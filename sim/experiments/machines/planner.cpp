// Which machine, in how many bits, for which context: a map of what is feasible and what binds
// elsewhere, the cheapest way out, and the front of price, speed and quality.
//
// A place on the map is a plan that keeps `batch` requests of that context under the wished time a
// token. Quality is what was published for Llama 2 7B (Lin et al. 2024, arXiv:2306.00978, table 4)
// and unknown elsewhere: it is never guessed.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/core/text.hpp"
#include "sim/quant/published_perplexity.hpp"
#include "sim/roofline/cost.hpp"
#include "sim/roofline/memory.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::planner_lab {
namespace {

struct Params : Setting {
    double token_ms = 50, hour_price = 2, utilisation = 0.9;

    /// Sixteen users of Llama 2 7B on a consumer board: the cache does not fit.
    Params() {
        device = "rtx-4090";
        batch = 16;
    }
};

enum class Verdict { feasible, weights, cache, time };
constexpr const char* verdict_names[] = {"feasible", "the weights do not fit",
                                         "the cache does not fit", "too slow"};

struct Plan {
    const DeviceSheet* device;
    Precision precision;
    std::int64_t batch, context, tensor_parallel;
    Verdict verdict = Verdict::feasible;
    Seconds step;
    double dollars = 0;  // for a million tokens

    bool works() const { return verdict == Verdict::feasible; }
};

struct WayOut {
    std::string words;
    Plan plan;
};

struct Data {
    ModelShape model;
    Plan own;
    std::vector<std::int64_t> contexts;
    std::vector<const DeviceSheet*> devices;
    std::vector<Plan> map;     // (bits, device, context)
    std::vector<WayOut> ways;  // that work, cheapest first
    std::vector<Plan> front;   // feasible plans of this model, fastest first
    std::vector<Plan> others;  // feasible, and beaten on both counts
};

constexpr int map_bits[] = {16, 8, 4};

class Planner {
public:
    Planner(const Params& p, const ModelShape& model) : p_(p), model_(model) {}

    Plan plan(const DeviceSheet& device, const Precision& precision, std::int64_t batch,
              std::int64_t context, std::int64_t devices) const {
        Plan plan{&device, precision, batch, context, devices, Verdict::feasible, {}, 0};
        Workload w = p_.workload();
        w.phase = Phase::decode;
        w.batch = batch;
        w.context = context;
        w.tensor_parallel = devices;
        w.precision = precision;
        MemoryPlan memory{device.memory, p_.utilisation * device.memory, {}, {}, {}};
        memory.weights = weight_bytes(model_, precision, devices).total();
        plan.step = ideal_step(model_, w, machine_of(device)).seconds;
        plan.dollars = 1e6 * double(devices) *
                       dollars_per_token(double(batch) / plan.step.value, p_.hour_price);
        if (memory.free() <= Bytes{}) {
            plan.verdict = Verdict::weights;
        } else if (double(batch) * kv_bytes(model_, precision, devices, context) > memory.free()) {
            plan.verdict = Verdict::cache;
        } else if (plan.step > Seconds{p_.token_ms * 1e-3}) {
            plan.verdict = Verdict::time;
        }
        return plan;
    }

    bool can_share(const DeviceSheet& device, std::int64_t devices) const {
        return devices == 1 || (device.link && model_.heads % devices == 0);
    }

    /// One change at a time, and weights and cache together; those that work.
    std::vector<WayOut> ways_out(const Plan& own) const {
        std::vector<WayOut> ways;
        const auto offer = [&](std::string words, const Plan& plan) {
            if (plan.works()) {
                ways.push_back({std::move(words), plan});
            }
        };
        const auto with = [&](double weights, double cache) {
            Precision q = own.precision;
            q.weight_bits = std::min(q.weight_bits, weights);
            q.kv_bits = std::min(q.kv_bits, cache);
            return plan(*own.device, q, own.batch, own.context, own.tensor_parallel);
        };
        offer("weights in 4 bits", with(4, 16));
        offer("the cache in 8 bits", with(16, 8));
        offer("the cache in 4 bits", with(16, 4));
        offer("weights and cache in 4 bits", with(4, 4));
        for (std::int64_t n = 2 * own.tensor_parallel; n <= 8; n *= 2) {
            if (can_share(*own.device, n)) {
                offer(fmt::format("{} devices", n),
                      plan(*own.device, own.precision, own.batch, own.context, n));
            }
        }
        for (std::int64_t b = own.batch / 2; b >= 1; b /= 2) {
            const Plan fewer =
                plan(*own.device, own.precision, b, own.context, own.tensor_parallel);
            if (fewer.works()) {
                offer(fmt::format("{} requests at once", b), fewer);
                break;
            }
        }
        std::stable_sort(ways.begin(), ways.end(), [](const WayOut& a, const WayOut& b) {
            return a.plan.dollars < b.plan.dollars;
        });
        return ways;
    }

private:
    const Params& p_;
    const ModelShape& model_;
};

/// Splits feasible plans into those that none beats on both price and time, and the rest.
void find_front(std::vector<Plan> plans, Data& d) {
    std::stable_sort(plans.begin(), plans.end(),
                     [](const Plan& a, const Plan& b) { return a.step < b.step; });
    double cheapest = std::numeric_limits<double>::infinity();
    for (const Plan& p : plans) {
        if (p.dollars < cheapest) {
            cheapest = p.dollars;
            d.front.push_back(p);
        } else {
            d.others.push_back(p);
        }
    }
}

Data run(const Params& p, const RunContext& context) {
    context.check();
    Data d;
    d.model = model_named(p.model);
    const Planner planner(p, d.model);
    const DeviceSheet& device = catalogue().device(p.device);
    d.own = planner.plan(device, p.precision(), p.batch, p.context, p.tensor_parallel);
    for (std::int64_t c = 1024; c <= 131072; c *= 2) {
        d.contexts.push_back(c);
    }
    for (const DeviceSheet& one : catalogue().devices) {
        if (planner.can_share(one, p.tensor_parallel)) {
            d.devices.push_back(&one);
        }
    }
    std::vector<Plan> feasible;
    for (const int bits : map_bits) {
        for (const DeviceSheet* one : d.devices) {
            Precision q = p.precision();
            q.weight_bits = bits;
            for (const std::int64_t c : d.contexts) {
                d.map.push_back(planner.plan(*one, q, p.batch, c, p.tensor_parallel));
            }
        }
        context.check();
        // The front is the chosen device's: one price an hour does not hold for all of them.
        for (std::int64_t b = 1; b <= 512; b *= 2) {
            Precision q = p.precision();
            q.weight_bits = bits;
            const Plan plan = planner.plan(device, q, b, p.context, p.tensor_parallel);
            if (plan.works()) {
                feasible.push_back(plan);
            }
        }
    }
    find_front(std::move(feasible), d);
    d.ways = planner.ways_out(d.own);
    return d;
}

/// What a place on the map says: the most bits of weights that are feasible, or else what binds in
/// the fewest.
struct Shade {
    const char* words;
    Role role;
};
constexpr Shade shades[] = {{"feasible in 16 bits", Role::reference},
                            {"in 8 bits", Role::subject},
                            {"in 4 bits", category(3)},
                            {"weights do not fit", Role::limit},
                            {"cache does not fit", Role::baseline},
                            {"too slow", Role::muted}};

/// Index into `shades`, and the plan that decides.
std::pair<std::size_t, const Plan*> shade_at(const Data& d, std::size_t device,
                                             std::size_t context) {
    const Plan* plan = nullptr;
    for (std::size_t bits = 0; bits < std::size(map_bits); ++bits) {
        plan = &d.map[(bits * d.devices.size() + device) * d.contexts.size() + context];
        if (plan->works()) {
            return {bits, plan};
        }
    }
    return {std::size(map_bits) - 1 + static_cast<std::size_t>(plan->verdict), plan};
}

/// A mark a place: its role says the bits that work, or what binds.
Figure map_figure(const Data& d) {
    Figure f;
    f.id = "map";
    f.title =
        fmt::format("{} requests at once: the most bits of weights that are feasible", d.own.batch);
    f.alt_text =
        "A map of devices by context: in how many bits a plan is feasible, and what binds "
        "where none is.";
    const double key = 3e5;  // beside the longest context
    f.x = {.label = "context of each request, tokens",
           .scale = Scale::log2,
           .limits = std::pair(800.0, 1.5e6)};
    const auto top = static_cast<double>(d.devices.size()) - 1;
    f.y = {.label = "", .limits = std::pair(-0.7, top + 0.7)};
    for (std::size_t i = 0; i < d.devices.size(); ++i) {
        f.y.named_ticks.emplace_back(top - double(i), d.devices[i]->name);
    }
    for (const std::int64_t c : d.contexts) {
        f.x.named_ticks.emplace_back(double(c), fmt::format("{} k", c / 1024));
    }
    for (std::size_t s = 0; s < std::size(shades); ++s) {
        Points points{"", shades[s].role, {}, {}};
        points.pick.param = "device";
        for (std::size_t i = 0; i < d.devices.size(); ++i) {
            for (std::size_t k = 0; k < d.contexts.size(); ++k) {
                const auto [shade, plan] = shade_at(d, i, k);
                if (shade == s) {
                    points.x.push_back(double(plan->context));
                    points.y.push_back(top - double(i));
                    points.names.push_back(fmt::format("{}: {}, {} a token", plan->device->name,
                                                       shades[s].words,
                                                       format_seconds(plan->step)));
                    points.pick.values.emplace_back(plan->device->id);
                }
            }
        }
        if (!points.x.empty()) {
            // The key: one more point of the kind, which its neighbours are too many to name.
            f.marks.emplace_back(
                Points{"", shades[s].role, {key}, {top - 1.8 * double(s)}, {shades[s].words}, {}});
            if (points.x.size() <= 16) {
                points.names.clear();  // so few would be named on the map
            }
            f.marks.emplace_back(std::move(points));
        }
    }
    return f;
}

Figure front_figure(const Data& d) {
    Figure f;
    f.id = "front";
    f.title =
        fmt::format("Price against speed on {}, {} tokens each", d.own.device->name, d.own.context);
    f.alt_text =
        "Points: dollars for a million tokens against time a token, of feasible plans; "
        "those that none beats on both are joined.";
    f.x = {.label = "time a token", .unit = "ms", .scale = Scale::log10};
    f.y = {.label = "a million tokens", .unit = "$", .scale = Scale::log10};
    Line front{"none better on both", Role::subject, {}, {}, true};
    Points others{"beaten", Role::muted, {}, {}};
    for (const Plan& p : d.front) {
        front.x.push_back(1e3 * p.step.value);
        front.y.push_back(p.dollars);
        f.marks.emplace_back(Note{front.x.back(), front.y.back(),
                                  fmt::format("{} bit × {}", p.precision.weight_bits, p.batch),
                                  Role::muted});
    }
    for (const Plan& p : d.others) {
        others.x.push_back(1e3 * p.step.value);
        others.y.push_back(p.dollars);
        others.names.push_back(fmt::format("{} bit × {}", p.precision.weight_bits, p.batch));
    }
    if (!others.x.empty()) {
        f.marks.emplace_back(std::move(others));
    }
    if (!front.x.empty()) {
        f.marks.emplace_back(std::move(front));
    } else {
        f.marks.emplace_back(Note{10, 1, "no plan is feasible here", Role::limit});
        f.x.limits = std::pair(1.0, 100.0);
        f.y.limits = std::pair(0.1, 10.0);
    }
    return f;
}

/// AWQ on Llama 2 7B, and what it starts from.
std::vector<PublishedPerplexity> llama_2_7b_awq() {
    const PublishedPerplexities& p = published_perplexity();
    return {p.of("llama-2-7b", "fp16", 16), p.of("llama-2-7b", "awq", 4),
            p.of("llama-2-7b", "awq", 3)};
}

Figure quality_figure() {
    Figure f;
    f.id = "quality";
    f.title = "What the bits cost in quality";
    f.alt_text = "Points: published perplexity of Llama 2 7B in 16, 4 and 3 bits.";
    f.x = {.label = "bits of weights", .limits = std::pair(2.0, 17.0)};
    f.y = {.label = "perplexity"};
    Points points{"published", Role::reference, {}, {}};
    for (const PublishedPerplexity& q : llama_2_7b_awq()) {
        points.x.push_back(q.weight_bits);
        points.y.push_back(q.perplexity);
        points.names.push_back(format_number(q.perplexity));
    }
    f.marks.emplace_back(std::move(points));
    f.footnote = published_perplexity().source;
    f.width = 0.6;
    return f;
}

std::string finding(const Data& d) {
    const std::string plan =
        fmt::format("{} × {} tokens on {}", d.own.batch, d.own.context, d.own.device->name);
    if (d.own.works()) {
        return fmt::format("{}: feasible, {} a token and {} dollars for a million", plan,
                           format_seconds(d.own.step), format_number(d.own.dollars));
    }
    const std::string binds =
        fmt::format("{}: {}", plan, verdict_names[static_cast<int>(d.own.verdict)]);
    return d.ways.empty()
               ? binds + ", and no single change helps"
               : fmt::format("{}; the cheapest way out is {}", binds, d.ways.front().words);
}

std::string explanation(const Data& d) {
    const auto feasible =
        std::count_if(d.map.begin(), d.map.end(), [](const Plan& p) { return p.works(); });
    std::string text =
        fmt::format("{} of {} plans on the map are feasible.", feasible, d.map.size());
    if (!d.ways.empty()) {
        std::vector<std::string> words;
        for (const WayOut& w : d.ways) {
            words.push_back(fmt::format("{} (${})", w.words, format_number(w.plan.dollars)));
        }
        text += fmt::format(" {} a million tokens: {}.",
                            d.own.works() ? "What other plans cost" : "Ways out, by their price",
                            fmt::join(words, ", "));
    }
    return text + " Times are of the ideal roof: a real service is slower, never faster.";
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    o.finding = finding(d);
    o.explanation = explanation(d);
    const Origin computed{};
    o.metrics = {
        {"step", "Time a token", d.own.step.value, "s", computed, Better::lower, NumberStyle::si},
        {"million_tokens", "A million tokens", d.own.dollars, "$", computed, Better::lower},
        {"feasible", "Feasible", d.own.works() ? 1.0 : 0.0, "", computed, Better::higher},
        {"feasible_plans", "Feasible plans on the map",
         double(std::count_if(d.map.begin(), d.map.end(), [](const Plan& x) { return x.works(); })),
         "", computed, Better::higher},
        {"ways_out", "Single changes that work", double(d.ways.size()), "", computed}};
    for (const PublishedPerplexity& q : llama_2_7b_awq()) {
        if (d.model.id == "llama-2-7b" && q.weight_bits == p.weight_bits) {
            o.metrics.push_back({"perplexity",
                                 "Perplexity",
                                 q.perplexity,
                                 "",
                                 {Origin::Kind::published, published_perplexity().source},
                                 Better::lower});
        }
    }
    Table t{"map",
            {{"weight_bits"},
             {"device"},
             {"context", "tokens"},
             {"verdict"},
             {"seconds", "s"},
             {"million_tokens", "$"}},
            {}};
    for (const Plan& x : d.map) {
        t.rows.push_back({x.precision.weight_bits, x.device->id, x.context,
                          std::string(verdict_names[static_cast<int>(x.verdict)]), x.step.value,
                          x.dollars});
    }
    Table ways{"ways_out", {{"change"}, {"seconds", "s"}, {"million_tokens", "$"}}, {}};
    for (const WayOut& w : d.ways) {
        ways.rows.push_back({w.words, w.plan.step.value, w.plan.dollars});
    }
    o.tables = {t, ways};
    o.equations = {
        {"price = 10^{6} · t / batch · hour / 3600",
         fmt::format("${} = 10^{{6}} · {} / {} · {} / 3600", format_number(d.own.dollars),
                     format_number(d.own.step.value, 4), d.own.batch,
                     format_number(p.hour_price * double(d.own.tensor_parallel))),
         ""}};
    FigureRow bottom{1, {front_figure(d)}};
    if (d.model.id == "llama-2-7b") {
        bottom.figures.push_back(quality_figure());
    }
    o.rows = {{1.9, {map_figure(d)}}, std::move(bottom)};
    return o;
}

Schema<Params> schema() {
    using namespace setting_params;
    return {
        device<Params>(),
        batch<Params>(),
        context<Params>(),
        real("token_ms", &Params::token_ms, {1, 10000, Scale::log10, {{5, 500}}})
            .label("Slowest token")
            .unit("ms")
            .help("A plan whose step takes longer is too slow; a reader takes in about 20 tokens "
                  "a second."),
        model<Params>().advanced(),
        weight_bits<Params>().advanced(),
        activation_bits<Params>().advanced(),
        kv_bits<Params>().advanced(),
        tensor_parallel<Params>().advanced(),
        real("hour_price", &Params::hour_price, {0.01, 100, Scale::log10})
            .label("A device-hour")
            .unit("$")
            .help("An assumption: prices differ by contract and by month.")
            .advanced(),
        real("utilisation", &Params::utilisation, {0.1, 1})
            .help("The share of the memory that weights and cache may use.")
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("planner", "Machines", "Planner",
                                "Which machine, in how many bits, serves so many requests of this "
                                "length?",
                                schema(), run, show);
}

}  // namespace nibble::planner_lab
