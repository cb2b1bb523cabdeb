#include "viz/app/app.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#ifdef __linux__
#include <unistd.h>
#endif

#include "sim/experiments/all.hpp"
#include "viz/app/window/window.hpp"

namespace nibble {
namespace {

/// Seconds since this process was started, where the system tells; otherwise since the window was.
double seconds_since_start() {
#ifdef __linux__
    std::ifstream stat("/proc/self/stat"), uptime("/proc/uptime");
    std::string field;
    std::getline(stat, field, ')');  // the name may contain spaces
    double up = 0, ticks = 0;
    for (int i = 3; i <= 22 && stat >> field; ++i) {
        ticks = i == 22 ? std::stod(field) : 0;
    }
    if (uptime >> up && ticks > 0) {
        return up - ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
    }
#endif
    return 0;
}

int show_and_quit(Window& window, const WindowOptions& options) {
    while (window.frames() == 0) {
        window.pump(1);
    }
    std::fprintf(stderr, "first frame after %.2f s\n", seconds_since_start());
    while (!window.is_idle()) {
        window.pump(1);
    }
    std::fprintf(stderr, "first result on the screen after %.2f s\n", seconds_since_start());
    const int until = window.frames() + options.frames;
    while (window.frames() < until) {
        window.draw_now();
    }
    if (!options.screenshot.empty()) {
        window.save_screenshot(options.screenshot);
    }
    return 0;
}

}  // namespace

int run_window(const WindowOptions& options) {
    Window window(all_experiments(), options);
    if (options.frames > 0 || !options.screenshot.empty()) {
        return show_and_quit(window, options);
    }
    while (window.pump(1e9)) {}
    return 0;
}

}  // namespace nibble
