#include "kernels/device.hpp"

#include "kernels/device_probe.hpp"
#include "kernels/processor.hpp"

#include "tests/catch.hpp"

namespace nibble::kernels {

TEST_CASE("every answer of CUDA becomes a state and a sentence", "[device]") {
    using Refusal = CudaAnswers::Refusal;
    struct Case {
        CudaAnswers answers;
        DeviceState state;
        std::string part_of_reason;
    };
    CudaAnswers gpu;
    gpu.driver_version = gpu.runtime_version = 13000;
    gpu.name = "NVIDIA H200";
    gpu.compute_major = 9;
    gpu.architectures = "75 80";
    const auto refused = [&](Refusal refusal, int driver) {
        CudaAnswers a = gpu;
        a.refusal = refusal;
        a.driver_version = driver;
        a.error = "unknown error";
        return a;
    };
    const Case cases[] = {
        {gpu, DeviceState::ready, ""},
        {refused(Refusal::driver, 0), DeviceState::no_driver, "No NVIDIA driver"},
        {refused(Refusal::driver, 12020), DeviceState::driver_too_old, "CUDA 12.2"},
        {refused(Refusal::no_device, 0), DeviceState::no_driver, "No NVIDIA driver"},
        {refused(Refusal::no_device, 13000), DeviceState::no_gpu, "no GPU"},
        {refused(Refusal::no_code, 13000), DeviceState::unsupported_gpu, "built for 75 80"},
        {refused(Refusal::memory, 13000), DeviceState::out_of_memory, "NVIDIA H200"},
        {refused(Refusal::other, 13000), DeviceState::failed, "unknown error"},
    };
    for (const Case& c : cases) {
        const DeviceInfo info = describe(c.answers);
        CAPTURE(info.reason);
        CHECK(info.machine == Machine::cuda);
        CHECK(info.state == c.state);
        CHECK(info.ready() == (c.state == DeviceState::ready));
        CHECK(info.reason.find(c.part_of_reason) != std::string::npos);
        CHECK(info.reason.empty() == info.ready());
        CHECK((info.reason.empty() || info.reason.back() == '.'));
    }
}

TEST_CASE("machines are found by name, and states have words for a badge", "[device]") {
    for (const Machine machine : all_machines) {
        CHECK(machine_named(name(machine)) == machine);
    }
    CHECK_FALSE(machine_named("gpu"));
    CHECK_FALSE(machine_named(""));
    CHECK(std::string(in_words(DeviceState::no_driver)) == "no driver");
}

TEST_CASE("the processor's instruction set has its maker's name", "[device]") {
    CHECK(instruction_set("AVX3") == "AVX-512");
    CHECK(instruction_set("AVX3_ZEN4") == "AVX-512");
    CHECK(instruction_set("AVX2") == "AVX2");
    CHECK_FALSE(instruction_set().empty());
    CHECK_FALSE(processor_name().empty());
}

TEST_CASE("probing this machine never throws, and says why when there is no GPU", "[device]") {
    for (const Machine machine : {Machine::cpu, Machine::cuda, Machine::emulated}) {
        const DeviceInfo info = device(machine).probe();
        CAPTURE(name(machine), info.reason);
        CHECK(info.machine == machine);
        CHECK(info.ready() == info.reason.empty());
        CHECK((info.ready() || machine == Machine::cuda));
    }
    const Device& gpu = device(Machine::cuda);
    if (!gpu.probe().ready()) {
        CHECK(fastest_device().machine() == Machine::cpu);
        CHECK_THROWS_AS(DeviceArray<float>(gpu, 16), DeviceError);
    } else {
        CHECK(fastest_device().machine() == Machine::cuda);
    }
}

TEST_CASE("device arrays hold what was put there, aligned, and are freed", "[device]") {
    const auto machine = GENERATE(Machine::cpu, Machine::emulated);
    const Device& on = device(machine);
    const std::vector<int> values{3, 1, 4, 1, 5};
    DeviceArray<int> a(on, values);
    CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % 256 == 0);
    CHECK(a.download() == values);
    DeviceArray<int> b = std::move(a);
    b.fill(0);
    CHECK(b.download() == std::vector<int>(5));
    CHECK_THROWS_AS(b.upload(std::vector<int>(4)), std::length_error);
    CHECK(DeviceArray<int>(on, 0).download().empty());
#if !NIBBLE_SANITIZED  // AddressSanitizer stops the program where new would return null
    CHECK_THROWS_AS(DeviceArray<char>(on, std::size_t{1} << 60), DeviceError);
#endif
    int runs = 0;
    on.milliseconds([&runs] { ++runs; });
    CHECK(runs == 1);  // what is timed is done, and done once
}

TEST_CASE("device arrays work on the GPU", "[gpu]") {
    const Device& gpu = device(Machine::cuda);
    const DeviceInfo info = gpu.probe();
    if (!info.ready()) {
        WARN("skipped: " << info.reason);
        return;
    }
    CHECK_FALSE(info.name.empty());
    CHECK(info.free_bytes > 0);
    const std::vector<float> values{1, 2, 3};
    DeviceArray<float> a(gpu, values);
    CHECK(a.download() == values);
    a.fill(0);
    CHECK(a.download() == std::vector<float>(3));
    try {
        const DeviceArray<char> too_much(gpu, std::size_t{1} << 50);
        FAIL("a petabyte was given");
    } catch (const DeviceError& e) { CHECK(e.state() == DeviceState::out_of_memory); }
    int runs = 0;
    gpu.milliseconds([&runs] { ++runs; });
    CHECK(runs == 1);
    gpu.wait();  // the refusal above does not stick
}

}  // namespace nibble::kernels
