// The window: navigation, figure, parameters, on GLFW and Dear ImGui.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "sim/core/scenario.hpp"
#include "viz/figure/theme.hpp"

namespace nibble {

struct WindowOptions {
    /// What to show first; absent: the last session's, else the first lab.
    std::optional<Scenario> start = {};
    /// The lesson to read, as find_lesson() takes it; empty: none.
    std::string lesson = {};
    /// For a room: large, on white, answers hidden until R.
    bool presents = false;
    std::size_t lesson_page = 0;
    std::optional<ThemeKind> theme = {};
    std::optional<bool> projector = {};
    std::optional<std::pair<int, int>> size = {};
    /// Render this many frames after the first result and quit; 0: until it is closed.
    int frames = 0;
    /// Then write what is on the screen to this PNG.
    std::filesystem::path screenshot = {};
    /// Read settings at the start and write them as they change.
    bool remembers = true;
};

/// Whether a window can be opened here (a display is named).
bool has_display();

/// Opens the window and returns when it is closed: the exit status. Throws Error::no_device when no
/// window or no OpenGL 3 context can be had.
int run_window(const WindowOptions& options);

}  // namespace nibble
