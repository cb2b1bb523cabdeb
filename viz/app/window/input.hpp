// Input events in the order they happened, handed to a frame one transition at a time.
//
// On a slow machine a press, a move and a release can all arrive between two frames. Dear ImGui
// looks at the state once a frame, so the press would land where the pointer is by then, and a key
// pressed and released would be lost. The queue hands a frame at most one press or release, with
// the pointer where it was at that moment; the rest waits for the next frame.
#pragma once

#include <deque>
#include <string>
#include <vector>

namespace nibble {

/// A key press as GLFW names it (GLFW_KEY_*, GLFW_MOD_*), or the character it typed.
struct KeyPress {
    int key = 0;
    int mods = 0;
    bool repeat = false;
    unsigned int character = 0;
};

class InputQueue {
public:
    void move(double x, double y);
    void leave();
    void button(int which, bool down);
    void scroll(double dx, double dy);
    void key(int key, bool down, bool repeat, int mods);
    void character(unsigned int codepoint);

    bool empty() const { return events_.empty(); }
    /// Presses, releases, characters and notches that have arrived so far.
    int arrived() const { return arrived_; }
    /// As of the last event that arrived, whether or not a frame has seen it.
    double pointer_x() const { return pointer_x_; }
    double pointer_y() const { return pointer_y_; }
    bool is_pressed() const { return pressed_; }
    /// Hands the next events to Dear ImGui: call it just before ImGui::NewFrame. Returns the key
    /// presses among them, which the window's own shortcuts and focus read.
    std::vector<KeyPress> feed();

private:
    struct Event {
        enum class Kind { move, button, scroll, key, character } kind;
        double x = 0, y = 0;  // of move and scroll
        int code = 0;         // button, key or codepoint
        int mods = 0;
        bool down = false, repeat = false;
    };
    void apply(const Event& event);

    std::deque<Event> events_;
    double x_ = -1e9, y_ = -1e9;
    bool buttons_[3] = {};
    int arrived_ = 0;
    double pointer_x_ = -1e9, pointer_y_ = -1e9;
    bool pressed_ = false;
};

}  // namespace nibble
