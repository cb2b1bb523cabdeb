// The window's own small toolkit on Dear ImGui: exact rectangles, one look, one keyboard focus.
//
// Dear ImGui gives hit testing, text editing, scrolling and drawing. The look, the Tab order and
// the focus ring are ours, so that they match the mock-ups and work the same in every widget. Each
// widget has a name; its rectangle is kept by that name for the tests.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "viz/app/window/font_set.hpp"
#include "viz/app/window/imgui_canvas.hpp"
#include "viz/app/window/input.hpp"
#include "viz/figure/theme.hpp"

namespace nibble {

/// What happened to a widget in this frame.
struct Hit {
    bool hovered = false;
    bool pressed = false;  // clicked, or Enter or Space while it has the focus
    bool grabbed = false;  // the pointer went down on it
    bool held = false;     // and is still down
    bool let_go = false;   // and came up again
    bool double_clicked = false;
    bool focused = false;  // arrow keys are meant for it
    bool marked = false;   // and the person should see that
};

/// What happened to a text field in this frame.
struct FieldEvent {
    bool editing = false;
    bool committed = false;  // Enter, Tab, or a click elsewhere
    bool cancelled = false;  // Escape
    std::string text;        // as typed so far; while editing or committed
};

struct FieldStyle {
    Font font;
    HAlign align = HAlign::left;  // while it is not being edited
    std::string hint = {};        // shown when empty
    bool is_wrong = false;        // outlined as an error
    bool tab_stop = true;
    bool plain = false;      // no frame of its own
    bool select_all = true;  // when editing begins; otherwise the cursor is at the end
};

enum class ButtonLook { plain, primary, quiet, chosen };

class Ui {
public:
    explicit Ui(const FontSet& fonts) : fonts_(fonts) {}

    void begin_frame(const Theme& theme, std::vector<KeyPress> keys, double now);
    /// Moves the focus, paints the tooltip.
    void end_frame();

    const Theme& theme() const { return *theme_; }
    const FontSet& fonts() const { return fonts_; }
    double now() const { return now_; }
    /// Points of the design to whole pixels at the present type scale.
    float px(float points) const;
    Font medium() const { return {Face::medium, theme().body().size}; }
    Size screen() const;

    /// A pane: everything until end_pane() is drawn and clipped there. Returns the top left corner
    /// of the content, which moves when the pane is scrolled.
    Point begin_pane(const std::string& name, Rect rect, bool scrolls, Color background);
    /// `content_bottom`: where the content ended, for the scroll bar.
    void end_pane(float content_bottom);
    /// A pane over everything that takes all input.
    void begin_overlay(const std::string& name, bool on_top);
    void end_overlay();
    /// A scrolling list inside the present pane.
    Point begin_list(const char* name, Rect rect);
    void end_list(float content_bottom);
    /// Scrolls the present list so that the rectangle is seen.
    void reveal(Rect r) const;
    /// Call before drawing what lies below an overlay: no keys, no focus there.
    void set_inert(bool inert) { inert_ = inert; }
    ImDrawList& draw() const;

    // Painting
    float text(Point at, std::string_view words, Font font, Color color,
               HAlign align = HAlign::left) const;  // `at.y` is the middle; returns the width
    float width(std::string_view words, Font font) const { return fonts_.width(words, font); }
    /// Wrapped lines from the top left `at`; returns the height.
    float paragraph(Point at, std::string_view words, Font font, Color color, float width) const;
    void fill(Rect r, Color color, float radius = 0) const;
    void outline(Rect r, Color color, float radius = 0) const;
    void line(Point a, Point b, Color color, float thickness = 1) const;

    // Widgets
    /// `ring`: mark the focus by an outline; otherwise the widget does it, by Hit::marked.
    Hit hit(const std::string& name, Rect r, bool tab_stop = true, bool ring = true);
    bool button(const std::string& name, Rect r, std::string_view label,
                ButtonLook look = ButtonLook::plain);
    /// "More ..." with a small arrow: turns `open` over when pressed.
    void disclosure(const std::string& name, Point top_left, std::string_view label, bool& open);
    FieldEvent field(const std::string& name, Rect r, const std::string& text,
                     const std::string& shown, const FieldStyle& style);
    /// A tooltip when the pointer rests on what was just hit, or anywhere in a rectangle.
    void tooltip(const Hit& hit, const std::string& name, std::string_view words);
    void tooltip_on(const std::string& name, Rect r, std::string_view words);
    /// At once, beside the pointer.
    void tooltip_now(std::string_view words);

    // Keys and focus
    /// Whether the key was pressed in this frame; it is used up by asking.
    bool take_key(int key, int mods = 0);
    bool take_character(char character);
    /// The text typed is meant for a field.
    bool is_typing() const { return editing_.has_value(); }
    void edit(const std::string& name, const std::string& text);
    void stop_editing() { editing_.reset(); }
    void focus(const std::string& name, bool show = true);
    const std::string& focused() const { return focus_; }

    /// Asks for a change of what is shown: made when the whole frame has been drawn, so that all of
    /// it shows one state.
    void later(std::function<void()> change) { changes_.push_back(std::move(change)); }
    std::vector<std::function<void()>> take_changes() { return std::exchange(changes_, {}); }

    /// Asks for another frame at this time from now at the latest.
    void wake_in(double seconds);
    /// Seconds until then; negative when none was asked for.
    double wake_after() const { return wake_after_; }

    /// Where each widget of the last frame was.
    const std::map<std::string, Rect>& rects() const { return rects_; }
    void record(const std::string& name, Rect r) { rects_[name] = r; }

private:
    struct Editing {
        std::string name, text;
        int frames = 0;
    };
    void move_focus();
    void paint_tooltip();
    void focus_ring(Rect r, float radius) const;
    FieldEvent edit_field(Rect r, const FieldStyle& style);

    const FontSet& fonts_;
    const Theme* theme_ = nullptr;
    std::vector<KeyPress> keys_;
    double now_ = 0, wake_after_ = -1;
    bool inert_ = false;
    std::string focus_;
    bool show_focus_ = false, reveal_focus_ = false;
    std::vector<std::string> tab_order_;
    std::optional<Editing> editing_;
    std::map<std::string, Rect> rects_;
    std::vector<std::function<void()>> changes_;
    std::string tip_name_, tip_;
    double tip_since_ = 0;
    bool tip_seen_ = false;
};

}  // namespace nibble
