#include "viz/app/ui/ui.hpp"

#include <GLFW/glfw3.h>
#include <algorithm>
#include <cmath>
#include <imgui.h>

#include "viz/figure/layout.hpp"

namespace nibble {
namespace {

constexpr double blink_period = 0.4;  // how often an active field may need another frame

constexpr ImGuiWindowFlags pane_flags = ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize |
                                        ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoCollapse |
                                        ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoNav;

ImVec4 float4(Color c) {
    return ImGui::ColorConvertU32ToFloat4(packed(c));
}

}  // namespace

void Ui::begin_frame(const Theme& theme, std::vector<KeyPress> keys, double now) {
    theme_ = &theme;
    keys_ = std::move(keys);
    now_ = now;
    wake_after_ = -1;
    inert_ = false;
    tab_order_.clear();
    rects_.clear();
    tip_seen_ = false;
    ImGuiStyle& style = ImGui::GetStyle();
    style.WindowPadding = style.ItemSpacing = style.ItemInnerSpacing = {0, 0};
    style.WindowBorderSize = style.ChildBorderSize = style.FrameBorderSize = 0;
    style.WindowMinSize = {1, 1};
    style.WindowRounding = 0;
    style.ScrollbarSize = px(8);
    style.ScrollbarRounding = px(4);
    style.CurveTessellationTol = 0.6F;
    ImVec4* colors = style.Colors;
    colors[ImGuiCol_ScrollbarBg] = {0, 0, 0, 0};
    colors[ImGuiCol_ScrollbarGrab] = float4(theme.line);
    colors[ImGuiCol_ScrollbarGrabHovered] = float4(theme.faint);
    colors[ImGuiCol_ScrollbarGrabActive] = float4(theme.muted);
    colors[ImGuiCol_Text] = float4(theme.text);
    colors[ImGuiCol_TextDisabled] = float4(theme.faint);
    colors[ImGuiCol_TextSelectedBg] = float4(theme.accent.with_alpha(0.35));
    colors[ImGuiCol_FrameBg] = {0, 0, 0, 0};
}

void Ui::end_frame() {
    move_focus();
    paint_tooltip();
    if (!tip_seen_) {
        tip_name_.clear();
    }
    if (editing_) {
        wake_in(blink_period);
    }
}

float Ui::px(float points) const {
    return std::round(points * theme_->scale);
}

Size Ui::screen() const {
    const ImVec2 size = ImGui::GetIO().DisplaySize;
    return {size.x, size.y};
}

Point Ui::begin_pane(const std::string& name, Rect r, bool scrolls, Color background) {
    ImGui::SetNextWindowPos({r.x, r.y});
    ImGui::SetNextWindowSize({r.width, r.height});
    ImGui::PushStyleColor(ImGuiCol_WindowBg, float4(background));
    ImGui::Begin(
        name.c_str(), nullptr,
        pane_flags | ImGuiWindowFlags_NoBringToFrontOnFocus |
            (scrolls ? 0 : ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse));
    ImGui::PopStyleColor();
    const ImVec2 at = ImGui::GetCursorScreenPos();
    return {at.x, at.y};
}

void Ui::end_pane(float content_bottom) {
    const ImVec2 corner = ImGui::GetWindowPos();
    ImGui::SetCursorScreenPos({corner.x, content_bottom});
    ImGui::Dummy({1, 0});
    ImGui::End();
}

void Ui::begin_overlay(const std::string& name, bool on_top) {
    inert_ = !on_top;
    ImGui::SetNextWindowPos({0, 0});
    ImGui::SetNextWindowSize(ImGui::GetIO().DisplaySize);
    ImGui::Begin(name.c_str(), nullptr,
                 pane_flags | ImGuiWindowFlags_NoBackground | ImGuiWindowFlags_NoScrollbar |
                     ImGuiWindowFlags_NoScrollWithMouse);
}

void Ui::end_overlay() {
    ImGui::End();
}

Point Ui::begin_list(const char* name, Rect r) {
    ImGui::SetCursorScreenPos({r.x, r.y});
    ImGui::BeginChild(name, {r.width, r.height}, false, ImGuiWindowFlags_NoNav);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    return {at.x, at.y};
}

void Ui::end_list(float content_bottom) {
    ImGui::SetCursorScreenPos({ImGui::GetWindowPos().x, content_bottom});
    ImGui::Dummy({1, 0});
    ImGui::EndChild();
}

void Ui::reveal(Rect r) const {
    const float top = ImGui::GetWindowPos().y, bottom = top + ImGui::GetWindowHeight();
    if (r.y < top || r.bottom() > bottom) {
        ImGui::SetScrollFromPosY(r.centre().y - top);
    }
}

ImDrawList& Ui::draw() const {
    return *ImGui::GetWindowDrawList();
}

float Ui::text(Point at, std::string_view words, Font font, Color color, HAlign align) const {
    draw_text(draw(), fonts_, {at, std::string(words), font, color, align, VAlign::middle});
    return fonts_.width(words, font);
}

float Ui::paragraph(Point at, std::string_view words, Font font, Color color, float width) const {
    const float leading = std::round(font.size * 1.45F);
    float y = at.y;
    for (const std::string& row : wrap(words, font, width, fonts_)) {
        text({at.x, y + leading / 2}, row, font, color);
        y += leading;
    }
    return y - at.y;
}

void Ui::fill(Rect r, Color color, float radius) const {
    draw().AddRectFilled({r.x, r.y}, {r.right(), r.bottom()}, packed(color), radius);
}

void Ui::outline(Rect r, Color color, float radius) const {
    draw().AddRect({r.x, r.y}, {r.right(), r.bottom()}, packed(color), radius, 0,
                   std::max(1.0F, std::floor(theme_->scale)));
}

void Ui::line(Point a, Point b, Color color, float thickness) const {
    // A filled rectangle: sharp where a stroked line would straddle two pixels.
    if (a.y == b.y) {
        fill({a.x, a.y, b.x - a.x, thickness}, color);
    } else {
        fill({a.x, a.y, thickness, b.y - a.y}, color);
    }
}

void Ui::focus_ring(Rect r, float radius) const {
    const Rect around = r.inset(-px(2));
    draw().AddRect({around.x, around.y}, {around.right(), around.bottom()}, packed(theme_->accent),
                   radius + px(2), 0, std::max(1.5F, px(1.5F)));
}

Hit Ui::hit(const std::string& name, Rect r, bool tab_stop, bool ring) {
    record(name, r);
    ImGui::SetCursorScreenPos({r.x, r.y});
#if IMGUI_VERSION_NUM >= 19100
    ImGui::SetNextItemAllowOverlap();
#endif
    ImGui::InvisibleButton(name.c_str(), {std::max(1.0F, r.width), std::max(1.0F, r.height)});
    Hit h;
    if (inert_) {
        return h;
    }
    h.hovered = ImGui::IsItemHovered();
    h.grabbed = ImGui::IsItemActivated();
    h.held = ImGui::IsItemActive();
    h.let_go = ImGui::IsItemDeactivated();
    h.pressed = h.let_go && h.hovered;
    h.double_clicked = h.hovered && ImGui::IsMouseDoubleClicked(0);
    if (h.grabbed) {
        focus(tab_stop ? name : "", false);
    }
    if (tab_stop) {
        tab_order_.push_back(name);
        h.focused = focus_ == name && !editing_;
        h.marked = h.focused && show_focus_;
        if (h.marked && ring) {
            focus_ring(r, px(5));
        }
        if (h.focused && reveal_focus_) {
            reveal_focus_ = false;
            reveal(r);
        }
        // Space is the timeline's, except where the focus was brought by keys and is seen.
        if (h.focused && (take_key(GLFW_KEY_ENTER) || take_key(GLFW_KEY_KP_ENTER) ||
                          (show_focus_ && take_key(GLFW_KEY_SPACE)))) {
            h.pressed = true;
            show_focus_ = true;
        }
    }
    return h;
}

bool Ui::button(const std::string& name, Rect r, std::string_view label, ButtonLook look) {
    const Hit h = hit(name, r);
    const Theme& t = *theme_;
    const float radius = px(5);
    Color body = t.raised, ink = t.text;
    if (look == ButtonLook::primary || look == ButtonLook::chosen) {
        body = t.accent;
        ink = t.on_accent;
    } else if (look == ButtonLook::quiet) {
        body = t.raised.with_alpha(0);
        ink = t.muted;
    }
    fill(r, body, radius);
    if (h.hovered || h.held) {
        fill(r, t.text.with_alpha(h.held ? 0.14 : 0.07), radius);
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    }
    text({std::round(r.centre().x), r.centre().y}, label, medium(), ink, HAlign::centre);
    return h.pressed;
}

void Ui::disclosure(const std::string& name, Point at, std::string_view label, bool& open) {
    const Font font = theme_->body();
    const Rect r = {at.x, at.y, width(label, font) + px(18), px(20)};
    const Hit h = hit(name, r);
    const Color ink = h.hovered ? theme_->text : theme_->muted;
    const float end = at.x + text({at.x, r.centre().y}, label, font, ink);
    const float size = px(3), cx = end + px(9), cy = r.centre().y;
    const float half = (open ? -0.5F : 0.5F) * size;
    const ImVec2 arrow[] = {{cx - size, cy - half}, {cx, cy + half}, {cx + size, cy - half}};
    draw().AddPolyline(arrow, 3, packed(ink), 0, std::max(1.2F, 1.2F * theme_->scale));
    if (h.hovered) {
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    }
    if (h.pressed) {
        open = !open;
        wake_in(0);
    }
}

bool Ui::take_key(int key, int mods) {
    if (inert_) {
        return false;
    }
    const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const KeyPress& k) {
        constexpr int known = GLFW_MOD_CONTROL | GLFW_MOD_SHIFT | GLFW_MOD_ALT | GLFW_MOD_SUPER;
        return k.key == key && (k.mods & known) == mods;
    });
    if (found == keys_.end()) {
        return false;
    }
    keys_.erase(found);
    return true;
}

bool Ui::take_character(char character) {
    const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const KeyPress& k) {
        return k.character == static_cast<unsigned char>(character);
    });
    if (inert_ || found == keys_.end()) {
        return false;
    }
    keys_.erase(found);
    return true;
}

void Ui::focus(const std::string& name, bool show) {
    focus_ = name;
    show_focus_ = show;
    reveal_focus_ = show;
}

void Ui::move_focus() {
    inert_ = false;
    const bool back = take_key(GLFW_KEY_TAB, GLFW_MOD_SHIFT);
    if ((!back && !take_key(GLFW_KEY_TAB)) || tab_order_.empty()) {
        return;
    }
    const auto at = std::find(tab_order_.begin(), tab_order_.end(), focus_);
    const auto count = static_cast<std::ptrdiff_t>(tab_order_.size());
    std::ptrdiff_t next = back ? count - 1 : 0;
    if (at != tab_order_.end()) {
        next = (at - tab_order_.begin() + (back ? count - 1 : 1)) % count;
    }
    focus(tab_order_[static_cast<std::size_t>(next)]);
    wake_in(0);
}

void Ui::wake_in(double seconds) {
    wake_after_ = wake_after_ < 0 ? seconds : std::min(wake_after_, seconds);
}

}  // namespace nibble
