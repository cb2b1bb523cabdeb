#include "sim/core/device.hpp"

#include <fmt/format.h>
#include <vector>

#include "sim/core/text.hpp"

namespace nibble {
namespace {

/// Without the full stop: a hint follows.
std::string clause(std::string sentence) {
    if (sentence.ends_with('.')) {
        sentence.pop_back();
    }
    return sentence;
}

}  // namespace

kernels::Machine machine_from(std::string_view wanted) {
    if (const auto machine = kernels::machine_named(wanted)) {
        return *machine;
    }
    std::vector<std::string> names;
    for (const kernels::Machine machine : kernels::all_machines) {
        names.emplace_back(kernels::name(machine));
    }
    const std::string near = nearest(wanted, names);
    throw Error(Error::Code::bad_param, fmt::format("device = \"{}\" is not a device", wanted),
                fmt::format("--device takes one of {}{}", fmt::join(names, ", "),
                            near.empty() ? "" : "; did you mean " + near + "?"));
}

std::string way_out(kernels::DeviceState state) {
    const std::string other = "compute with --device cpu";
    switch (state) {
        case kernels::DeviceState::ready:
            return {};
        case kernels::DeviceState::not_built:
            return other + ", or build Nibble where nvcc is found";
        case kernels::DeviceState::no_driver:
            return other + ", or install NVIDIA's driver";
        case kernels::DeviceState::driver_too_old:
            return other + ", or update NVIDIA's driver";
        case kernels::DeviceState::unsupported_gpu:
            return other + ", or build Nibble with CMAKE_CUDA_ARCHITECTURES for this GPU";
        case kernels::DeviceState::out_of_memory:
            return other + ", make the tensor smaller, or close what fills the GPU";
        case kernels::DeviceState::no_gpu:
        case kernels::DeviceState::failed:
            return other;
    }
    return other;
}

void require_device(kernels::Machine machine) {
    const kernels::DeviceInfo info = kernels::device(machine).probe();
    if (!info.ready()) {
        throw Error(Error::Code::no_device,
                    fmt::format("device {}: {}", kernels::name(machine), clause(info.reason)),
                    way_out(info.state));
    }
}

DeviceRefused::DeviceRefused(const kernels::DeviceError& answer)
    : Error(Error::Code::no_device, clause(answer.what()), way_out(answer.state())),
      state_(answer.state()) {}

}  // namespace nibble
