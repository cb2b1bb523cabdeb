// The command line: everything the window can compute, without a display.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "sim/core/scenario.hpp"

namespace nibble {

/// What a window is to open on.
struct WindowRequest {
    std::optional<Scenario> scenario = {};
    std::string lesson = {};  // its id; empty: none
    std::size_t page = 0;     // of the lesson, from 0
    bool presents = false;    // the lesson, to a room
};

/// Opens the window and returns its exit status when it is closed. Throws Error::no_device when
/// there is no display. The command line knows no window: main passes one in.
using OpenWindow = std::function<int(const WindowRequest&)>;

/// Runs `nibble WORD ...`. Returns the exit status: 0; 1 when the work failed; 2 when the command
/// was wrong; 3 for a bug in Nibble; 130 after Ctrl+C. Never throws. With `open_window` empty,
/// `open` prints the command that gives the same result instead.
int run_command_line(int argc, const char* const* argv, const OpenWindow& open_window = {});

}  // namespace nibble
