// The device of a run: named, refused in words, part of what a result depends on.
#include "sim/core/device.hpp"

#include "sim/core/outcome.hpp"
#include "sim/core/scenario.hpp"

#include "tests/catch.hpp"
#include "tests/core/toy.hpp"

namespace nibble::device_test {

using kernels::DeviceError;
using kernels::DeviceState;
using kernels::Machine;

namespace {

struct NoParams {
    int unused = 0;
};

/// Where it ran; a GPU that is full.
Machine run_anywhere(const NoParams&, const RunContext& context) {
    if (context.device == Machine::cuda) {
        throw DeviceError(DeviceState::out_of_memory, "CUDA refused 8 bytes of memory.");
    }
    return context.device;
}

Outcome show_machine(const NoParams&, const Machine& machine) {
    Outcome o;
    o.finding = kernels::name(machine);
    return o;
}

Experiment lab(bool uses_device) {
    Experiment e = define<NoParams, Machine>("lab", "Toys", "Lab", "Where?",
                                             {integer("unused", &NoParams::unused, {0, 1})},
                                             run_anywhere, show_machine);
    e.uses_device = uses_device;
    return e;
}

RunContext on(Machine machine) {
    RunContext context;
    context.device = machine;
    return context;
}

}  // namespace

TEST_CASE("devices are named, and a wrong name is refused with the nearest", "[device]") {
    CHECK(machine_from("cpu") == Machine::cpu);
    CHECK(machine_from("emulated") == Machine::emulated);
    try {
        machine_from("cudda");
        FAIL("cudda was found");
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_param);
        CHECK(std::string(e.what()) == "device = \"cudda\" is not a device");
        CHECK(e.hint() == "--device takes one of cpu, cuda, emulated; did you mean cuda?");
    }
}

TEST_CASE("every state but ready has a way out that needs no GPU", "[device]") {
    for (const DeviceState state :
         {DeviceState::not_built, DeviceState::no_driver, DeviceState::driver_too_old,
          DeviceState::no_gpu, DeviceState::unsupported_gpu, DeviceState::out_of_memory,
          DeviceState::failed}) {
        CHECK(way_out(state).starts_with("compute with --device cpu"));
    }
    CHECK(way_out(DeviceState::ready).empty());
    CHECK_NOTHROW(require_device(Machine::cpu));
    CHECK_NOTHROW(require_device(Machine::emulated));
}

TEST_CASE("what a device answers while it works becomes an error with a way out", "[device]") {
    try {
        evaluate(lab(true), {std::int64_t{0}}, on(Machine::cuda));
        FAIL("it was computed");
    } catch (const DeviceRefused& e) {
        CHECK(e.code() == Error::Code::no_device);
        CHECK(e.state() == DeviceState::out_of_memory);
        CHECK(std::string(e.what()) == "CUDA refused 8 bytes of memory");
        CHECK_FALSE(e.hint().empty());
    }
}

TEST_CASE("results are kept by device, and labs without kernels always compute on the processor",
          "[device]") {
    Cache results(100);
    const ParamValues values = {std::int64_t{0}};
    CHECK(evaluate(lab(true), values, on(Machine::cpu), &results).finding == "cpu");
    CHECK(evaluate(lab(true), values, on(Machine::emulated), &results).finding == "emulated");
    CHECK(results.size() == 2);
    CHECK(evaluate(lab(false), values, on(Machine::cuda)).finding == "cpu");
}

TEST_CASE("a scenario keeps its device, and the command names it", "[device][scenario]") {
    Experiments all = {toy::experiment()};
    all[0].uses_device = true;
    Scenario s{"toy", all[0].defaults()};
    CHECK(to_command(s, all) == "nibble run toy");
    s.device = Machine::emulated;
    CHECK(to_command(s, all) == "nibble run toy --device emulated");
    CHECK(scenario_from_json(to_json_text(s, all), all).device == Machine::emulated);
    try {
        scenario_from_json(R"({"format": 1, "experiment": "toy", "device": "abacus"})", all);
        FAIL("an abacus computes");
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_file);
        CHECK(std::string(e.what()).find("device = \"abacus\"") != std::string::npos);
    }
}

TEST_CASE("what a clock said is left out of what must be the same", "[device]") {
    Outcome o;
    o.metrics = {{"mse", "Error", 1}, {"rate", "Rate", 2}};
    o.metrics[1].timed = true;
    o.tables = {{"a", {}, {}}, {"times", {}, {}}};
    o.tables[1].timed = true;
    Figure timed;
    timed.timed = true;
    o.rows = {{1, {Figure{}, timed}}};
    const Outcome same = reproducible(o);
    REQUIRE(same.metrics.size() == 1);
    CHECK(same.metrics[0].name == "mse");
    REQUIRE(same.tables.size() == 1);
    CHECK(same.tables[0].name == "a");
    CHECK(same.rows[0].figures.size() == 1);
}

}  // namespace nibble::device_test
