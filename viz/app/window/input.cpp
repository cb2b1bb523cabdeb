#include "viz/app/window/input.hpp"

#include <GLFW/glfw3.h>
#include <cfloat>
#include <imgui.h>

namespace nibble {
namespace {

#if IMGUI_VERSION_NUM >= 18700
/// The keys that Dear ImGui's text fields understand; everything else is ours.
ImGuiKey imgui_key(int key) {
    switch (key) {
        case GLFW_KEY_LEFT:
            return ImGuiKey_LeftArrow;
        case GLFW_KEY_RIGHT:
            return ImGuiKey_RightArrow;
        case GLFW_KEY_UP:
            return ImGuiKey_UpArrow;
        case GLFW_KEY_DOWN:
            return ImGuiKey_DownArrow;
        case GLFW_KEY_HOME:
            return ImGuiKey_Home;
        case GLFW_KEY_END:
            return ImGuiKey_End;
        case GLFW_KEY_DELETE:
            return ImGuiKey_Delete;
        case GLFW_KEY_BACKSPACE:
            return ImGuiKey_Backspace;
        case GLFW_KEY_A:
            return ImGuiKey_A;
        case GLFW_KEY_C:
            return ImGuiKey_C;
        case GLFW_KEY_V:
            return ImGuiKey_V;
        case GLFW_KEY_X:
            return ImGuiKey_X;
        case GLFW_KEY_Y:
            return ImGuiKey_Y;
        case GLFW_KEY_Z:
            return ImGuiKey_Z;
        default:
            return ImGuiKey_None;
    }
}
#endif

/// Focus, commit and cancel are the window's own business (see Ui), in every kind of widget alike.
bool is_ours(int key) {
    return key == GLFW_KEY_TAB || key == GLFW_KEY_ENTER || key == GLFW_KEY_KP_ENTER ||
           key == GLFW_KEY_ESCAPE;
}

void set_key(int key, bool down, int mods) {
    ImGuiIO& io = ImGui::GetIO();
    const bool ctrl = (mods & GLFW_MOD_CONTROL) != 0, shift = (mods & GLFW_MOD_SHIFT) != 0;
    const bool alt = (mods & GLFW_MOD_ALT) != 0, super = (mods & GLFW_MOD_SUPER) != 0;
#if IMGUI_VERSION_NUM >= 18700
    io.AddKeyEvent(ImGuiMod_Ctrl, ctrl);
    io.AddKeyEvent(ImGuiMod_Shift, shift);
    io.AddKeyEvent(ImGuiMod_Alt, alt);
    io.AddKeyEvent(ImGuiMod_Super, super);
    io.AddKeyEvent(imgui_key(key), down);
#else
    io.KeyCtrl = ctrl;
    io.KeyShift = shift;
    io.KeyAlt = alt;
    io.KeySuper = super;
    if (key >= 0 && key < IM_ARRAYSIZE(io.KeysDown)) {
        io.KeysDown[key] = down;
    }
#endif
}

}  // namespace

void InputQueue::move(double x, double y) {
    if (!events_.empty() && events_.back().kind == Event::Kind::move) {
        events_.pop_back();  // only where it got to matters
    }
    events_.push_back({Event::Kind::move, x, y});
    pointer_x_ = x;
    pointer_y_ = y;
}

void InputQueue::leave() {
    move(-FLT_MAX, -FLT_MAX);
}

void InputQueue::button(int which, bool down) {
    if (which >= 0 && which < 3) {
        events_.push_back({Event::Kind::button, 0, 0, which, 0, down});
        pressed_ = which == 0 ? down : pressed_;
        ++arrived_;
    }
}

void InputQueue::scroll(double dx, double dy) {
    events_.push_back({Event::Kind::scroll, dx, dy});
    ++arrived_;
}

void InputQueue::key(int key, bool down, bool repeat, int mods) {
    events_.push_back({Event::Kind::key, 0, 0, key, mods, down, repeat});
    ++arrived_;
}

void InputQueue::character(unsigned int codepoint) {
    events_.push_back({Event::Kind::character, 0, 0, static_cast<int>(codepoint)});
    ++arrived_;
}

void InputQueue::apply(const Event& event) {
    ImGuiIO& io = ImGui::GetIO();
    switch (event.kind) {
        case Event::Kind::move:
            x_ = event.x;
            y_ = event.y;
            break;
        case Event::Kind::button:
            buttons_[event.code] = event.down;
            break;
        case Event::Kind::scroll:
#if IMGUI_VERSION_NUM >= 18700
            io.AddMouseWheelEvent(static_cast<float>(event.x), static_cast<float>(event.y));
#else
            io.MouseWheelH += static_cast<float>(event.x);
            io.MouseWheel += static_cast<float>(event.y);
#endif
            break;
        case Event::Kind::key:
            if (!is_ours(event.code)) {
                set_key(event.code, event.down, event.mods);
            }
            break;
        case Event::Kind::character:
            io.AddInputCharacter(static_cast<unsigned int>(event.code));
            break;
    }
}

std::vector<KeyPress> InputQueue::feed() {
    std::vector<KeyPress> presses;
    bool pressed_or_released = false, typed = false;
    while (!events_.empty()) {
        const Event event = events_.front();
        const bool transition = event.kind == Event::Kind::button || event.kind == Event::Kind::key;
        // After a press nothing more, so that it meets the state of its own moment. A key's own
        // characters come right after it and belong to it.
        if (pressed_or_released && event.kind != Event::Kind::character) {
            break;
        }
        if (transition && typed) {
            break;
        }
        events_.pop_front();
        apply(event);
        pressed_or_released = pressed_or_released || transition;
        typed = typed || event.kind == Event::Kind::character;
        if (event.kind == Event::Kind::key && event.down) {
            presses.push_back({event.code, event.mods, event.repeat});
        } else if (event.kind == Event::Kind::character) {
            presses.push_back({0, 0, false, static_cast<unsigned int>(event.code)});
        }
    }
    ImGuiIO& io = ImGui::GetIO();
#if IMGUI_VERSION_NUM >= 18700
    io.AddMousePosEvent(static_cast<float>(x_), static_cast<float>(y_));
    for (int i = 0; i < 3; ++i) {
        io.AddMouseButtonEvent(i, buttons_[i]);
    }
#else
    io.MousePos = {static_cast<float>(x_), static_cast<float>(y_)};
    for (int i = 0; i < 3; ++i) {
        io.MouseDown[i] = buttons_[i];
    }
#endif
    return presses;
}

}  // namespace nibble
