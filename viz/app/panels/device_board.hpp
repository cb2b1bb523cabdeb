// What the devices of this machine answered, and how that is put into a few words.
//
// Asking CUDA can take seconds, so it is asked on a thread of its own; until it has answered it
// counts as not ready.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "sim/core/device.hpp"

namespace nibble {

class DeviceBoard {
public:
    using Probe = std::function<kernels::DeviceInfo(kernels::Machine)>;
    /// `wake` is called from the asking thread for every answer.
    explicit DeviceBoard(std::function<void()> wake, Probe probe = {});

    /// Asks all devices anew, unless they are being asked.
    void ask();
    bool asking() const;
    /// The last answer; before the first one of a GPU, "not asked yet".
    kernels::DeviceInfo info(kernels::Machine machine) const;
    /// A device refused in the middle of its work: that is its state until it is asked again.
    void note_refusal(kernels::Machine machine, kernels::DeviceState state, std::string reason);

private:
    void set(const kernels::DeviceInfo& info);

    std::function<void()> wake_;
    Probe probe_;
    mutable std::mutex mutex_;
    std::array<kernels::DeviceInfo, kernels::all_machines.size()> infos_;
    bool asking_ = false;
    std::jthread thread_;  // last: it uses everything above
};

/// "CPU, AVX-512", "CUDA, NVIDIA H200", "Emulator".
std::string device_title(const kernels::DeviceInfo& info);
/// The badge of the device that was chosen: its title, or why it cannot be used and what takes
/// over.
std::string device_badge(const kernels::DeviceInfo& chosen, bool asking);
/// What it is, or why it cannot be used and what to do: a sentence or two.
std::string device_details(const kernels::DeviceInfo& info);

}  // namespace nibble
