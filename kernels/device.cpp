#include "kernels/device.hpp"

#include <chrono>
#include <cstring>
#include <new>

#include "kernels/device_probe.hpp"
#include "kernels/emulator/memory.hpp"
#include "kernels/processor.hpp"

namespace nibble::kernels {
namespace {

/// Memory of this process, and work done by the time the call returns: what the processor and the
/// emulator have in common.
class HostDevice : public Device {
public:
    void wait() const override {}

    double milliseconds(const std::function<void()>& work) const override {
        using Clock = std::chrono::steady_clock;
        const Clock::time_point start = Clock::now();
        work();
        return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    }

    void upload(void* to, const void* from, std::size_t bytes) const override {
        copy(to, from, bytes);
    }
    void download(void* to, const void* from, std::size_t bytes) const override {
        copy(to, from, bytes);
    }
    void fill(void* memory, unsigned char byte, std::size_t bytes) const override {
        if (bytes > 0) {
            std::memset(memory, byte, bytes);
        }
    }

protected:
    [[noreturn]] static void out_of_memory(std::size_t bytes) {
        throw DeviceError(DeviceState::out_of_memory,
                          std::to_string(bytes) + " bytes are more than this machine can give");
    }

private:
    static void copy(void* to, const void* from, std::size_t bytes) {
        if (bytes > 0) {  // an empty array has a null pointer, which memcpy may not see
            std::memcpy(to, from, bytes);
        }
    }
};

class CpuDevice final : public HostDevice {
public:
    Machine machine() const override { return Machine::cpu; }
    DeviceInfo probe() const override {
        DeviceInfo info;
        info.machine = Machine::cpu;
        info.name = processor_name();
        return info;
    }
    void* allocate(std::size_t bytes, const std::string&) const override {
        void* memory = ::operator new(bytes, alignment, std::nothrow);
        if (memory == nullptr) {
            out_of_memory(bytes);
        }
        return memory;
    }
    void release(void* memory) const noexcept override { ::operator delete(memory, alignment); }

private:
    static constexpr std::align_val_t alignment{emulator::buffer_alignment};
};

class EmulatedDevice final : public HostDevice {
public:
    Machine machine() const override { return Machine::emulated; }
    DeviceInfo probe() const override {
        DeviceInfo info;
        info.machine = Machine::emulated;
        info.name = "the CUDA emulator";
        return info;
    }
    void* allocate(std::size_t bytes, const std::string& name) const override {
        try {
            return emulator::allocate(bytes, name);
        } catch (const std::bad_alloc&) { out_of_memory(bytes); }
    }
    void release(void* memory) const noexcept override { emulator::release(memory); }
};

}  // namespace

const char* name(Machine machine) {
    switch (machine) {
        case Machine::cpu:
            return "cpu";
        case Machine::cuda:
            return "cuda";
        case Machine::emulated:
            return "emulated";
    }
    return "?";
}

std::optional<Machine> machine_named(std::string_view wanted) {
    for (const Machine machine : all_machines) {
        if (wanted == name(machine)) {
            return machine;
        }
    }
    return std::nullopt;
}

const char* in_words(DeviceState state) {
    switch (state) {
        case DeviceState::ready:
            return "ready";
        case DeviceState::not_built:
            return "not built in";
        case DeviceState::no_driver:
            return "no driver";
        case DeviceState::driver_too_old:
            return "driver too old";
        case DeviceState::no_gpu:
            return "no GPU";
        case DeviceState::unsupported_gpu:
            return "GPU not supported";
        case DeviceState::out_of_memory:
            return "out of memory";
        case DeviceState::failed:
            return "failed";
    }
    return "?";
}

const Device& device(Machine machine) {
    static const CpuDevice cpu;
    static const EmulatedDevice emulated;
    switch (machine) {
        case Machine::cpu:
            return cpu;
        case Machine::cuda:
            return cuda_device();
        case Machine::emulated:
            return emulated;
    }
    return cpu;
}

const Device& fastest_device() {
    const Device& gpu = device(Machine::cuda);
    return gpu.probe().ready() ? gpu : device(Machine::cpu);
}

}  // namespace nibble::kernels
