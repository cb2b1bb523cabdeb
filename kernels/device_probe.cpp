#include "kernels/device_probe.hpp"

namespace nibble::kernels {
namespace {

/// 13020 is "13.2".
std::string version(int code) {
    return std::to_string(code / 1000) + "." + std::to_string(code % 1000 / 10);
}

DeviceState state_of(const CudaAnswers& a) {
    using Refusal = CudaAnswers::Refusal;
    switch (a.refusal) {
        case Refusal::none:
            return DeviceState::ready;
        // the runtime gives one error for a missing driver and for an old one
        case Refusal::driver:
            return a.driver_version == 0 ? DeviceState::no_driver : DeviceState::driver_too_old;
        case Refusal::no_device:
            return a.driver_version == 0 ? DeviceState::no_driver : DeviceState::no_gpu;
        case Refusal::no_code:
            return DeviceState::unsupported_gpu;
        case Refusal::memory:
            return DeviceState::out_of_memory;
        case Refusal::other:
            return DeviceState::failed;
    }
    return DeviceState::failed;
}

std::string reason_of(DeviceState state, const CudaAnswers& a) {
    switch (state) {
        case DeviceState::ready:
            return {};
        case DeviceState::not_built:
            return "This program was built without CUDA.";
        case DeviceState::no_driver:
            return "No NVIDIA driver is installed.";
        case DeviceState::driver_too_old:
            return "The NVIDIA driver supports CUDA " + version(a.driver_version) +
                   ", and this program needs " + version(a.runtime_version) + ".";
        case DeviceState::no_gpu:
            return "The NVIDIA driver finds no GPU that it can use.";
        case DeviceState::unsupported_gpu:
            return "This program holds no code for " + a.name + ", compute capability " +
                   std::to_string(a.compute_major) + "." + std::to_string(a.compute_minor) +
                   "; it was built for " + a.architectures + ".";
        case DeviceState::out_of_memory:
            return "The memory of " + (a.name.empty() ? std::string("the GPU") : a.name) +
                   " is taken by other programs.";
        case DeviceState::failed:
            return "CUDA does not start: " + a.error + ".";
    }
    return {};
}

}  // namespace

DeviceInfo describe(const CudaAnswers& a) {
    DeviceInfo info;
    info.machine = Machine::cuda;
    info.state = state_of(a);
    info.reason = reason_of(info.state, a);
    info.name = a.name;
    info.memory_bytes = a.memory_bytes;
    info.free_bytes = a.free_bytes;
    info.compute_major = a.compute_major;
    info.compute_minor = a.compute_minor;
    info.multiprocessors = a.multiprocessors;
    return info;
}

}  // namespace nibble::kernels
