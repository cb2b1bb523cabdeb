// Everything at once: model, bits, devices, cache, scheduler, load and speculation in; memory,
// waiting, flow, money and quality out; and what stands in the way of a plan that does not work.
#include <algorithm>
#include <fmt/format.h>

#include "sim/experiments/serving/deployment/data.hpp"
#include "sim/quant/bits_loss.hpp"

namespace nibble::deployment_lab {
namespace {

using serving::Deployment;

Plan tried(const Deployment& plan, const RunContext& context) {
    Plan c;
    c.plan = plan;
    c.result = serving::deploy(plan, context);
    if (!context.preview) {
        c.loss = measured_loss(plan.weight_bits, plan.kv_bits, plan.group_size, context);
        c.has_loss = true;
    }
    return c;
}

bool beats(const Plan& a, const Plan& b) {
    const auto no_worse = a.result.dollars <= b.result.dollars &&
                          a.token_time() <= b.token_time() && a.loss <= b.loss;
    const auto better =
        a.result.dollars < b.result.dollars || a.token_time() < b.token_time() || a.loss < b.loss;
    return no_worse && better;
}

void mark_front(std::vector<Plan>& all) {
    for (Plan& c : all) {
        c.on_front = c.result.works() && std::none_of(all.begin(), all.end(), [&](const Plan& o) {
                         return o.result.works() && beats(o, c);
                     });
    }
}

Data run(const Params& p, const RunContext& context) {
    Data d;
    d.own = tried(p, context);
    constexpr int count = static_cast<int>(std::size(device_choices_tried) *
                                           std::size(cache_choices) * std::size(weight_choices));
    for (const int devices : device_choices_tried) {
        for (const int cache : cache_choices) {
            for (const int weights : weight_choices) {
                context.check();
                Deployment plan = p;
                plan.tensor_parallel = devices;
                plan.kv_bits = cache;
                plan.weight_bits = weights;
                if (context.preview) {
                    plan.requests = std::min(plan.requests, 100);
                }
                d.all.push_back(tried(plan, context));
                context.progress(static_cast<double>(d.all.size()) / count);
            }
        }
        mark_front(d.all);
        context.publish(d);
    }
    d.finished = true;
    return d;
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    describe(p, d, o);
    o.rows = figures(p, d);
    return o;
}

Schema<Params> schema() {
    using namespace serving::serving_params;
    return {
        weight_bits<Params>(),
        kv_bits<Params>(),
        tensor_parallel<Params>(),
        rate<Params>(),
        model<Params>().advanced(),
        device<Params>().advanced(),
        scheduler<Params>().advanced(),
        real("speculation", static_cast<double Params::*>(&Params::speculation), {0.25, 5})
            .label("Speed-up by speculation")
            .unit("x")
            .help("Of steps in which no prompt is read; the lab `when-it-pays` says how much a "
                  "draft gives at which batch.")
            .advanced(),
        real("hour_price", static_cast<double Params::*>(&Params::hour_price),
             {0.01, 1000, Scale::log10})
            .label("Price of a device")
            .unit("$/h")
            .help("What a device-hour costs you: it scales the price of a token.")
            .advanced(),
        integer("group_size", static_cast<int Params::*>(&Params::group_size),
                {16, 256, Scale::log2})
            .unit("weight")
            .help("Weights that share a 16-bit scale: larger groups store less and lose more.")
            .advanced(),
        real("utilisation", static_cast<double Params::*>(&Params::utilisation), {0.1, 1})
            .label("Memory that may be used")
            .help("Of each device; servers leave a tenth to surprises.")
            .advanced(),
        real("runtime_gb", static_cast<double Params::*>(&Params::runtime_gb), {0, 100})
            .label("Runtime")
            .unit("GB")
            .help("Of each device: context, kernels, buffers of libraries.")
            .advanced(),
        slo_ttft_ms<Params>().advanced(),
        slo_tpot_ms<Params>().advanced(),
        max_seqs<Params>().advanced(),
        token_budget<Params>().advanced(),
        lengths<Params>().advanced(),
        integer("requests", static_cast<int Params::*>(&Params::requests), {20, 5000, Scale::log10})
            .help("How many are made for each plan: more of them steady the percentiles.")
            .advanced(),
        step_time<Params>().advanced(),
        step_seconds<Params>().advanced(),
        overhead_ms<Params>().advanced(),
        link_gb_s<Params>().advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "deployment", "Serving", "Deployment",
        "Which bits on how many machines serve this load, and at what price and loss?", schema(),
        run, show);
}

}  // namespace nibble::deployment_lab
