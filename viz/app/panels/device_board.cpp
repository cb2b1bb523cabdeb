#include "viz/app/panels/device_board.hpp"

#include <fmt/format.h>

#include "sim/core/parallel.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

using kernels::DeviceInfo;
using kernels::DeviceState;
using kernels::Machine;

}  // namespace

DeviceBoard::DeviceBoard(std::function<void()> wake, Probe probe)
    : wake_(std::move(wake)), probe_(std::move(probe)) {
    if (!probe_) {
        probe_ = [](Machine machine) { return kernels::device(machine).probe(); };
    }
    for (const Machine machine : kernels::all_machines) {
        DeviceInfo& info = infos_[static_cast<std::size_t>(machine)];
        info.machine = machine;
        if (machine == Machine::cuda) {
            info.state = DeviceState::failed;
            info.reason = "The GPU has not been asked yet.";
        }
    }
}

void DeviceBoard::ask() {
    {
        const std::lock_guard lock(mutex_);
        if (asking_) {
            return;
        }
        asking_ = true;
    }
    thread_ = std::jthread([this] {
        for (const Machine machine : kernels::all_machines) {
            set(probe_(machine));
        }
        {
            const std::lock_guard lock(mutex_);
            asking_ = false;
        }
        wake_();
    });
}

bool DeviceBoard::asking() const {
    const std::lock_guard lock(mutex_);
    return asking_;
}

DeviceInfo DeviceBoard::info(Machine machine) const {
    const std::lock_guard lock(mutex_);
    return infos_[static_cast<std::size_t>(machine)];
}

void DeviceBoard::set(const DeviceInfo& info) {
    const std::lock_guard lock(mutex_);
    infos_[static_cast<std::size_t>(info.machine)] = info;
}

void DeviceBoard::note_refusal(Machine machine, DeviceState state, std::string reason) {
    DeviceInfo now = info(machine);
    now.state = state;
    now.reason = std::move(reason);
    set(now);
}

std::string device_title(const DeviceInfo& info) {
    switch (info.machine) {
        case Machine::cpu:
            return "CPU, " + kernels::instruction_set();
        case Machine::cuda:
            return info.ready() && !info.name.empty() ? "CUDA, " + info.name : "CUDA";
        case Machine::emulated:
            return "CUDA emulator";
    }
    return {};
}

std::string device_badge(const DeviceInfo& chosen, bool asking) {
    if (chosen.ready()) {
        return device_title(chosen);
    }
    return fmt::format("{}: {}; on CPU", device_title(chosen),
                       asking ? "being asked" : kernels::in_words(chosen.state));
}

std::string device_details(const DeviceInfo& info) {
    if (!info.ready()) {
        return info.reason;
    }
    switch (info.machine) {
        case Machine::cpu:
            return fmt::format("{}, {} thread{}", info.name.empty() ? "this processor" : info.name,
                               threads(), threads() == 1 ? "" : "s");
        case Machine::cuda:
            return fmt::format("{} multiprocessors, {} of {} free, compute capability {}.{}",
                               info.multiprocessors,
                               format_bytes(static_cast<double>(info.free_bytes)),
                               format_bytes(static_cast<double>(info.memory_bytes)),
                               info.compute_major, info.compute_minor);
        case Machine::emulated:
            return "The GPU's kernels, lane by lane on the processor: for small tensors, and never "
                   "for a speed.";
    }
    return {};
}

}  // namespace nibble
