// The window: navigation, figure, parameters, on GLFW and Dear ImGui.
#pragma once

#include <optional>
#include <string>

#include "sim/core/scenario.hpp"

namespace nibble {

struct WindowOptions {
    std::optional<Scenario> start;  // what to show first; else the last session's, else the first lab
};

/// Whether a window can be opened here (a display answers).
bool has_display();

/// Opens the window and returns when it is closed: the exit status. Throws Error::no_device when no
/// window or no OpenGL 3 context can be had.
int run_window(const WindowOptions& options);

}  // namespace nibble
