#include "sim/serving/step_time.hpp"

#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/roofline/memory.hpp"

namespace nibble::serving {
namespace {

/// All layers of one operator.
double seconds_of(const Operator& o, const Workload& load, const StepTime::Roofline& r) {
    const Seconds one = r.calibration ? *r.calibration->time(o, load)
                                      : ideal_time(o, r.machine, load.precision).total();
    return static_cast<double>(o.count) * one.value;
}

Workload workload(const StepTime::Roofline& r, Phase phase, std::int64_t batch) {
    Workload load;
    load.phase = phase;
    load.batch = batch;
    load.context = 1;
    load.tensor_parallel = r.tensor_parallel;
    load.precision = r.precision;
    return load;
}

void check(const StepTime::Roofline& r) {
    if (r.calibration && (!r.calibration->covers(workload(r, Phase::decode, 1)) ||
                          !r.calibration->covers(workload(r, Phase::prefill, 1)))) {
        throw Error(Error::Code::bad_param,
                    fmt::format("no kernels of W{}A{} were measured on {}", r.precision.weight_bits,
                                r.precision.activation_bits, r.calibration->machine()),
                    "take other bits, another device, or the ideal roofline");
    }
}

}  // namespace

StepTime StepTime::constant(double seconds) {
    NIBBLE_ASSERT(seconds > 0, "a step takes some time");
    StepTime time;
    time.is_constant_ = true;
    time.constant_ = seconds;
    return time;
}

StepTime::StepTime(const Roofline& r) : decode_speed_up_(r.decode_speed_up), overhead_(r.overhead) {
    check(r);
    const auto sum_where = [&](std::int64_t batch, const auto& wanted) {
        const Workload load = workload(r, Phase::decode, batch);
        double sum = 0;
        for (const Operator& o : operators(r.model, load)) {
            sum += wanted(o) ? seconds_of(o, load, r) : 0;
        }
        return sum;
    };
    linear_ = Curve(r.most_tokens, [&](std::int64_t tokens) {
        return sum_where(
            tokens, [](const Operator& o) { return !o.is_attention() && o.op != Op::lm_head; });
    });
    head_ = Curve(r.most_tokens, [&](std::int64_t sequences) {
        return sum_where(sequences, [](const Operator& o) { return o.op == Op::lm_head; });
    });
    kv_bytes_per_token_ = kv_bytes_per_token(r.model, r.precision, r.tensor_parallel).value;
    swap_per_token_ = kv_bytes_per_token_ / r.host_bandwidth;
    window_ = r.model.windowed_layers() > 0 ? r.model.window : 0;
    decode_ = layers_of(r, Phase::decode);
    prefill_ = layers_of(r, Phase::prefill);
}

StepTime::Layers StepTime::layers_of(const Roofline& r, Phase phase) {
    const std::int64_t windowed = r.model.windowed_layers();
    if (windowed == 0) {
        return {attention_of(r, phase, Op::attention), {}};
    }
    if (windowed == r.model.layers) {
        return {{}, attention_of(r, phase, Op::attention)};
    }
    return {attention_of(r, phase, Op::attention), attention_of(r, phase, Op::attention_window)};
}

StepTime::Attention StepTime::attention_of(const Roofline& r, Phase phase, Op op) {
    const Workload load = workload(r, phase, 1);
    const Operators list = operators(r.model, load);
    const Operator* unit = list.find(op);  // one pair, one key
    NIBBLE_ASSERT(unit, "a transformer attends");
    const auto seconds = [&](double pairs, double keys) {
        Operator o = *unit;
        o.flops = pairs * unit->flops;
        o.kv_read = keys * unit->kv_read;
        return seconds_of(o, load, r);
    };
    Attention a;
    a.rounded = r.calibration != nullptr;
    a.fixed = seconds(0, 0);
    // Large counts, so that the fixed part does not eat the digits of the slope.
    constexpr double many = 1e9;
    a.per_pair = (seconds(many, 0) - a.fixed) / many;
    a.per_key = (seconds(0, many) - a.fixed) / many;
    return a;
}

}  // namespace nibble::serving
