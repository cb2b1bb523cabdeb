// A GLFW window with an OpenGL 3 context, and the loop that gives App its frames.
//
// The loop sleeps until something happens. An input event is followed by a few frames, for Dear
// ImGui to settle; a result by one; the worker's
// progress by one, at most thirty a second; nothing by none.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "sim/core/runner.hpp"
#include "viz/app/app.hpp"
#include "viz/app/app_frame.hpp"
#include "viz/app/panels/device_board.hpp"
#include "viz/app/window/input.hpp"

struct GLFWwindow;

namespace nibble {

class Window {
public:
    /// Opens the window and starts the first run. Throws Error::no_device.
    Window(const Experiments& all, const WindowOptions& options);
    ~Window();
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    /// Waits for something to happen, at most `patience` seconds, and renders when it has to.
    /// False once the window is to be closed.
    bool pump(double patience);

    /// Renders a frame whether or not anything has changed.
    void draw_now() { render(); }
    /// As much of a frame as needs no OpenGL: all but its pixels. False when minimised.
    bool build_frame();

    App& app() { return *app_; }
    Runner& runner() { return runner_; }
    /// Frames rendered so far.
    int frames() const { return frames_; }
    /// Every event that has arrived is on the screen.
    bool is_drawn() const { return frames_due_ == 0 && input_.empty(); }
    /// And nothing is running.
    bool is_idle() const;
    /// Where events wait for their frame; a test may add its own.
    InputQueue& input() { return input_; }
    /// Where the content begins on the screen.
    std::pair<int, int> position() const;
    /// What is on the screen, as a PNG. Throws Error::io.
    void save_screenshot(const std::filesystem::path& path);

private:
    using Clock = std::chrono::steady_clock;
    void open(const Settings& settings);
    void set_callbacks();
    void update_scale();
    void wake();
    void render();
    void write_capture(int width, int height);
    void keep_settings();
    double until_next_frame() const;

    std::filesystem::path folder_;  // of the settings; empty: none are kept
    LoadedSettings loaded_;
    std::mutex wake_mutex_;
    bool can_wake_ = false;            // GLFW runs; guarded by wake_mutex_
    std::atomic<bool> posted_{false};  // a wake from the worker is on its way
    Runner runner_;
    Session session_;
    DeviceBoard devices_;
    LessonReader lessons_;
    FontSet fonts_;
    GLFWwindow* window_ = nullptr;
    std::unique_ptr<App> app_;
    InputQueue input_;
    std::filesystem::path capture_;  // where the next frame is to be written
    Clock::time_point started_, rendered_at_;
    std::optional<Clock::time_point> render_at_, save_at_;
    int frames_ = 0, frames_due_ = 3;
    float baked_scale_ = 0, baked_density_ = 0;
    bool save_failed_ = false;
};

}  // namespace nibble
