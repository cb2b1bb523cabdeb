#include "tests/app/window_fixture.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <thread>
#include <unistd.h>

namespace nibble::test {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

}  // namespace

bool can_show_windows() {
    if (has_display()) {
        return true;
    }
    WARN("skipped: there is no display; run scripts/test, or xvfb-run ctest -L window");
    return false;
}

std::unique_ptr<Window> open_window(const WindowOptions& options, const Experiments& all) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (true) {
        try {
            return std::make_unique<Window>(all, options);
        } catch (const Error& e) {
            if (e.code() != Error::Code::no_device || std::chrono::steady_clock::now() > limit) {
                throw;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    }
}

OwnSettings::OwnSettings() : config_(variable("XDG_CONFIG_HOME")), home_(variable("HOME")) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "nibble-window-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    setenv("XDG_CONFIG_HOME", root_.c_str(), 1);
    setenv("HOME", root_.c_str(), 1);
}

OwnSettings::~OwnSettings() {
    setenv("XDG_CONFIG_HOME", config_.c_str(), 1);
    setenv("HOME", home_.c_str(), 1);
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
}

Desk::Desk(WindowOptions options, const Experiments& all) {
    if (!options.size) {
        options.size = {1280, 800};
    }
    window_ = open_window(options, all);
    settle();
}

void Desk::until(const std::string& what, const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    INFO("waiting until " << what);
    while (!done()) {
        REQUIRE(std::chrono::steady_clock::now() < limit);
        REQUIRE(window_->pump(0.05));
    }
}

void Desk::settle() {
    until("everything has settled", [&] { return window_->frames() > 0 && window_->is_idle(); });
}

bool Desk::has(const std::string& widget) {
    return app().ui().rects().count(widget) != 0;
}

Point Desk::place(const std::string& widget, float share) {
    INFO("widget " << widget);
    REQUIRE(has(widget));
    const Rect r = app().ui().rects().at(widget);
    return {r.x + r.width * share, r.centre().y};
}

void Desk::tool(const std::string& arguments) {
    REQUIRE(std::system(("xdotool " + arguments).c_str()) == 0);
}

void Desk::move(Point at) {
    const auto [left, top] = window_->position();
    const long x = std::lround(at.x), y = std::lround(at.y);
    tool(fmt::format("mousemove {} {}", left + x, top + y));
    until("the pointer has arrived", [&] {
        return std::lround(window_->input().pointer_x()) == x &&
               std::lround(window_->input().pointer_y()) == y;
    });
    until("it is drawn", [&] { return window_->is_drawn(); });
}

void Desk::send(const std::string& arguments, int events) {
    const int wanted = window_->input().arrived() + events;
    tool(arguments);
    until("xdotool " + arguments + " has arrived",
          [&] { return window_->input().arrived() >= wanted; });
    until("it is drawn", [&] { return window_->is_drawn(); });
}

void Desk::press() {
    send("mousedown 1", 1);
}

void Desk::let_go() {
    send("mouseup 1", 1);
    settle();
}

void Desk::click(Point at) {
    move(at);
    press();
    let_go();
}

void Desk::double_click(Point at) {
    move(at);
    send("click --repeat 2 --delay 20 1", 4);
    settle();
}

void Desk::wheel(int notches) {
    send(fmt::format("click --repeat {} --delay 5 {}", std::abs(notches), notches > 0 ? 4 : 5),
         std::abs(notches));
    settle();
}

void Desk::key(const std::string& keys) {
    const auto held = 1 + std::count(keys.begin(), keys.end(), '+');
    send("key " + keys, 2 * static_cast<int>(held));
    settle();
}

void Desk::type(const std::string& text) {
    send("type --delay 5 '" + text + "'", 3 * static_cast<int>(text.size()));
    settle();
}

}  // namespace nibble::test
