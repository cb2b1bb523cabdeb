// A real window on a real display, driven through the X server as a person would drive it.
//
// Input goes through xdotool, so it passes GLFW, the queue and Dear ImGui. Nothing here asserts on
// time: every step waits for a condition, for as long as a slow machine may need.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "sim/experiments/all.hpp"
#include "viz/app/window/window.hpp"

#include "tests/catch.hpp"

namespace nibble::test {

/// An empty settings folder of its own for one test, instead of the person's.
class OwnSettings {
public:
    OwnSettings();
    ~OwnSettings();
    std::filesystem::path folder() const { return root_ / "nibble"; }
    std::filesystem::path root() const { return root_; }

private:
    std::filesystem::path root_;
    std::string config_, home_;
};

class Desk {
public:
    explicit Desk(WindowOptions options = {}, const Experiments& all = all_experiments());

    Window& window() { return *window_; }
    App& app() { return window_->app(); }
    Session& session() { return app().session(); }
    /// The person's home as long as the desk stands.
    std::filesystem::path home() const { return settings_.root(); }

    /// Runs the window until `done`; fails the test after a minute.
    void until(const std::string& what, const std::function<bool()>& done);
    /// Until nothing runs and nothing waits to be drawn.
    void settle();

    /// The middle of a widget, or a share of its width along it, in screen pixels.
    Point place(const std::string& widget, float share = 0.5F);
    bool has(const std::string& widget);
    void move(Point at);
    void press();
    void let_go();
    void click(Point at);
    void click(const std::string& widget) { click(place(widget)); }
    void double_click(Point at);
    void wheel(int notches);
    /// Keys as xdotool names them: "ctrl+z", "Return".
    void key(const std::string& keys);
    void type(const std::string& text);

    std::size_t param(const std::string& name) { return session().experiment().index_of(name); }
    const Value& value(const std::string& name) { return session().value(param(name)); }

private:
    void tool(const std::string& arguments);
    /// Waits for that many presses, releases, characters or notches.
    void send(const std::string& arguments, int events);
    OwnSettings settings_;
    std::unique_ptr<Window> window_;
};

/// Opens a window, trying again while the X server starts over: a server without -noreset does so
/// when its last client has left.
std::unique_ptr<Window> open_window(const WindowOptions& options,
                                    const Experiments& all = all_experiments());

/// Whether a test can have a window; says why not by a warning with the test's own name.
bool can_show_windows();

}  // namespace nibble::test
