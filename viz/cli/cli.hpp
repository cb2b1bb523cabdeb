// The command line: everything the window can compute, without a display.
#pragma once

#include <functional>

#include "sim/core/scenario.hpp"

namespace nibble {

/// Opens the window on a scenario and returns its exit status when it is closed. Throws
/// Error::no_device when there is no display. The command line knows no window: main passes one in.
using OpenWindow = std::function<int(const Scenario&)>;

/// Runs `nibble WORD ...`. Returns the exit status: 0; 1 when the work failed; 2 when the command
/// was wrong; 3 for a bug in Nibble; 130 after Ctrl+C. Never throws. With `open_window` empty,
/// `open` prints the command that gives the same result instead.
int run_command_line(int argc, const char* const* argv, const OpenWindow& open_window = {});

}  // namespace nibble
