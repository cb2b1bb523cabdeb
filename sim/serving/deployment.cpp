#include "sim/serving/deployment.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/roofline/cost.hpp"

namespace nibble::serving {
namespace {

constexpr double giga = 1e9;
/// The longest sequence of the mix, in tokens of cache.
std::int64_t longest(const Deployment& plan) {
    std::int64_t most = 0;
    for (const Lengths& l : plan.mix()) {
        most = std::max(most, std::int64_t{l.prompt} + l.output - 1);
    }
    return most;
}

}  // namespace

Precision Deployment::stored_precision() const {
    Precision p{double(weight_bits), double(activation_bits), double(kv_bits)};
    p.weight_group = weight_bits < 16 ? group_size : 0;
    return p;
}

std::string Deployment::label() const {
    return fmt::format("W{} KV{}, {} device{}", weight_bits, kv_bits, tensor_parallel,
                       tensor_parallel == 1 ? "" : "s");
}

std::string_view name(Obstacle obstacle) {
    static constexpr std::string_view names[] = {"",
                                                 "the devices have no link",
                                                 "the heads do not divide over the devices",
                                                 "the weights do not fit",
                                                 "the cache of the longest request does not fit",
                                                 "the objective is not kept"};
    return names[static_cast<std::size_t>(obstacle)];
}

Deployed deploy(const Deployment& plan, const RunContext& context) {
    const ModelShape model = model_named(plan.model);
    const DeviceSheet& device = catalogue().device(plan.device);
    const Precision precision = plan.stored_precision();
    const std::int64_t n = plan.tensor_parallel;
    Deployed d;
    d.memory.capacity = device.memory;
    d.memory.usable = plan.utilisation * device.memory;
    d.memory.runtime = Bytes{plan.runtime_gb * giga};
    if (n > 1 && !device.link) {
        d.obstacle = Obstacle::link;
        return d;
    }
    if (model.heads % n != 0) {
        d.obstacle = Obstacle::heads;
        return d;
    }
    d.memory.weights = weight_bytes(model, precision, n).total();
    d.memory.activations = activation_bytes(model, precision, n, plan.token_budget, plan.max_seqs);
    if (d.memory.free() <= Bytes{}) {
        d.obstacle = Obstacle::weights;
        return d;
    }
    d.blocks = d.memory.blocks(plan.block_size, kv_bytes_per_token(model, precision, n));
    Deployment run = plan;
    run.blocks = static_cast<int>(std::min<std::int64_t>(d.blocks, 100'000'000));
    if (std::int64_t{run.blocks} * run.block_size < longest(plan) + run.block_size) {
        d.obstacle = Obstacle::cache;
        return d;
    }
    const StepTime clock = run.clock(precision, plan.speculation);
    d.at_load = run_load(run, plan.rate, clock, context);
    d.capacity = capacity(run, clock, context);
    const double dollars_a_second = plan.hour_price * double(n) / seconds_per_hour;
    const double tokens_a_request = d.at_load.tokens_per_second / d.at_load.throughput;
    d.dollars_here = 1e6 * dollars_a_second / d.at_load.tokens_per_second;
    d.dollars = 1e6 * dollars_a_second / (d.capacity * tokens_a_request);
    if (d.at_load.kept < deployed_share) {
        d.obstacle = Obstacle::objective;
    }
    return d;
}

}  // namespace nibble::serving
