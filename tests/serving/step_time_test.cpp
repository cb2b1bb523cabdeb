// The table of step times against a walk over the operators of the roofline.
#include "sim/serving/step_time.hpp"

#include "sim/core/error.hpp"
#include "sim/roofline/catalogue.hpp"

#include "tests/catch.hpp"

namespace nibble::serving {
namespace {

StepTime::Roofline roofline(const std::string& model, const std::string& device,
                            bool calibrated = false) {
    StepTime::Roofline r;
    r.model = catalogue().model(model);
    r.machine = machine_of(catalogue().device(device));
    r.calibration = calibrated ? calibration_of(device) : nullptr;
    return r;
}

double walked(const StepTime::Roofline& r, const Workload& load) {
    const Operators list = operators(r.model, load);
    return r.calibration ? r.calibration->step(list, load)->value
                         : step_totals(list, r.machine, load.precision).seconds.value;
}

}  // namespace

TEST_CASE("a batch that decodes takes the roofline's time", "[serving]") {
    for (const bool calibrated : {false, true}) {
        for (const char* model :
             {"llama-3.1-8b", "gemma-2-9b", "mistral-7b", "mixtral-8x7b", "deepseek-v3"}) {
            const StepTime::Roofline r = roofline(model, "h100-80gb-sxm", calibrated);
            const StepTime time(r);
            for (const std::int64_t batch : {1, 7, 64, 300, 1000}) {
                for (const std::int64_t context : {1, 500, 10000}) {
                    StepLoad load;
                    for (std::int64_t i = 0; i < batch; ++i) {
                        load.add(1, context, true, time.window());
                    }
                    Workload w;
                    w.batch = batch;
                    w.context = context;
                    INFO(model << ", batch " << batch << ", context " << context
                               << (calibrated ? ", calibrated" : ""));
                    // Exact up to 256; beyond, straight lines over a 64th of a curve whose relative
                    // curvature (experts in use, ridge points) is at most of that order: 2^-9.
                    const double tolerance = batch <= 256 ? 1e-9 : 0.002;
                    CHECK(time.seconds(load) == Approx(walked(r, w)).epsilon(tolerance));
                }
            }
        }
    }
}

TEST_CASE("a prompt and a piece of one take the roofline's time", "[serving]") {
    for (const bool calibrated : {false, true}) {
        for (const char* model : {"llama-3.1-8b", "gemma-2-9b", "mistral-7b"}) {
            const StepTime::Roofline r = roofline(model, "h100-80gb-sxm", calibrated);
            const StepTime time(r);
            for (const std::int64_t fresh : {2, 200, 4096}) {
                for (const std::int64_t before : {0, 5000}) {
                    StepLoad load;
                    load.add(fresh, before + fresh, true, time.window());
                    Workload w;
                    w.phase = before ? Phase::chunk : Phase::prefill;
                    w.context = before + fresh;
                    w.chunk = fresh;
                    INFO(model << ", " << fresh << " after " << before);
                    CHECK(time.seconds(load) == Approx(walked(r, w)).epsilon(0.002));
                }
            }
        }
    }
}

TEST_CASE("tokens of prompts and of answers share the linear layers", "[serving]") {
    const StepTime time(roofline("llama-3.1-8b", "h100-80gb-sxm"));
    StepLoad both, decode, prompt;
    for (int i = 0; i < 32; ++i) {
        decode.add(1, 1000, true, 0);
        both.add(1, 1000, true, 0);
    }
    prompt.add(64, 64, true, 0);
    both.add(64, 64, true, 0);
    // Memory-bound either way: the weights are read once instead of twice.
    CHECK(time.seconds(both) < 0.6 * (time.seconds(decode) + time.seconds(prompt)));
    CHECK(time.seconds(both) > time.seconds(decode));
}

TEST_CASE("a precision that was not measured has no calibrated time", "[serving]") {
    StepTime::Roofline r = roofline("llama-3.1-8b", "h100-80gb-sxm", true);
    r.precision.weight_bits = 3;
    CHECK_THROWS_WITH(StepTime(r), Catch::Contains("W3A16"));
}

}  // namespace nibble::serving
