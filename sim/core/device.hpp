// The machine that a run computes on, in a person's words: found by name, refused with the reason
// and the way out.
#pragma once

#include <string>
#include <string_view>

#include "kernels/device.hpp"
#include "kernels/processor.hpp"
#include "sim/core/error.hpp"

namespace nibble {

/// The machine called "cpu", "cuda" or "emulated". Throws Error::bad_param for any other name.
kernels::Machine machine_from(std::string_view name);

/// What can be done about a device in this state, from the command line or the window.
std::string way_out(kernels::DeviceState state);

/// Asks the machine. Throws Error::no_device, with its reason, unless it is ready.
void require_device(kernels::Machine machine);

/// Error::no_device, and in which state the device then is.
class DeviceRefused : public Error {
public:
    /// From what it answered in the middle of its work.
    explicit DeviceRefused(const kernels::DeviceError& answer);
    kernels::DeviceState state() const { return state_; }

private:
    kernels::DeviceState state_;
};

}  // namespace nibble
