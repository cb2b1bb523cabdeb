#include "sim/serving/setting.hpp"

#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/core/text.hpp"

namespace nibble::serving {

std::string_view name(Scheduler scheduler) {
    return scheduler == Scheduler::disaggregated ? "disaggregated" : name(policy_of(scheduler));
}

Policy policy_of(Scheduler scheduler) {
    return scheduler == Scheduler::disaggregated ? Policy::chunked : static_cast<Policy>(scheduler);
}

Rules ServingSetting::rules(Policy policy) const {
    Rules r;
    r.policy = policy;
    r.max_seqs = max_seqs;
    r.token_budget = token_budget;
    r.blocks = blocks;
    r.block_size = block_size;
    r.watermark = watermark;
    r.preemption = preemption;
    r.max_wait = max_wait;
    return r;
}

StepTime ServingSetting::clock(const Precision& bits, double decode_speed_up) const {
    if (step_time == Clock::constant) {
        return StepTime::constant(step_seconds);
    }
    StepTime::Roofline r;
    r.model = model_named(model);
    r.machine = machine_of(catalogue().device(device));
    r.precision = bits;
    r.decode_speed_up = decode_speed_up;
    r.tensor_parallel = tensor_parallel;
    r.overhead = overhead_ms / 1000;
    if (step_time == Clock::calibrated) {
        r.calibration = calibration_of(device);
        if (!r.calibration) {
            throw Error(Error::Code::bad_param,
                        fmt::format("device = {}: no kernels were measured on it", device),
                        "take --step_time ideal, or a device with measurements");
        }
    }
    return StepTime(r);
}

std::vector<Lengths> ServingSetting::mix() const {
    std::vector<Lengths> list;
    for (const Request& r : trace_of(lengths).requests) {
        list.push_back({r.prompt, r.output});
    }
    return list;
}

std::unique_ptr<Arrivals> ServingSetting::arrivals(Rng rng) const {
    if (pattern == Pattern::closed_loop) {
        return std::make_unique<ClosedLoop>(mix(), requests, users, think, rng);
    }
    return std::make_unique<RandomArrivals>(mix(), requests, rate,
                                            pattern == Pattern::bursty ? variation : 1.0, rng);
}

std::string describe_clock(const ServingSetting& s) {
    if (s.step_time == Clock::constant) {
        return fmt::format("every step takes {} s", format_number(s.step_seconds));
    }
    return fmt::format("{} on {}, {} roofline", model_named(s.model).name,
                       catalogue().device(s.device).name,
                       s.step_time == Clock::ideal ? "ideal" : "calibrated");
}

std::vector<Request> drawn(Arrivals& arrivals) {
    std::vector<Request> list;
    for (const Incoming* next = arrivals.peek(); next; next = arrivals.peek()) {
        list.push_back(next->so_far.request);
        arrivals.pop();
    }
    return list;
}

}  // namespace nibble::serving
