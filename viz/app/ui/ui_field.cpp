// Text fields: a label until they are clicked or reached by Tab, then Dear ImGui's text editing.
#include <GLFW/glfw3.h>
#include <algorithm>
#include <cmath>
#include <imgui.h>
#include <imgui_stdlib.h>

#include "viz/app/ui/ui.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {

void Ui::edit(const std::string& name, const std::string& text) {
    focus(name, false);
    editing_ = Editing{name, text, 0};
}

FieldEvent Ui::field(const std::string& name, Rect r, const std::string& text,
                     const std::string& shown, const FieldStyle& style) {
    const Theme& t = *theme_;
    const float radius = px(5), pad = px(8);
    const bool editing_this = editing_ && editing_->name == name && !inert_;
    if (!style.plain) {
        fill(r, t.raised, radius);
        outline(r,
                style.is_wrong ? t.style(Role::limit).color
                : editing_this ? t.accent
                               : t.line,
                radius);
    }
    if (editing_this) {
        record(name, r);
        if (style.tab_stop) {
            tab_order_.push_back(name);
        }
        return edit_field(r, style);
    }
    FieldEvent event;
    const bool arrived = style.tab_stop && focus_ == name && reveal_focus_ && !inert_;
    const Hit h = hit(name, r, style.tab_stop);
    if (h.hovered) {
        ImGui::SetMouseCursor(ImGuiMouseCursor_TextInput);
    }
    const bool empty = shown.empty();
    const float room = r.width - 2 * pad;
    const std::string words = shortened(empty ? style.hint : shown, style.font, room, fonts_);
    const float x = style.align == HAlign::right ? r.right() - pad : r.x + pad;
    this->text({x, r.centre().y}, words, style.font, empty ? t.faint : t.text, style.align);
    if (h.pressed || arrived) {
        edit(name, text);
        wake_in(0);
    }
    return event;
}

FieldEvent Ui::edit_field(Rect r, const FieldStyle& style) {
    const FontSet::Baked& font = fonts_.find(style.font);
    const float pad = px(8);
#if IMGUI_VERSION_NUM >= 19200
    ImGui::PushFont(font.font, font.draw_size);
#else
    ImGui::PushFont(font.font);
#endif
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding,
                        ImVec2{pad, std::floor((r.height - ImGui::GetFontSize()) / 2)});
    ImGui::SetCursorScreenPos({r.x, r.y});
    ImGui::SetNextItemWidth(r.width);
    if (editing_->frames++ == 0) {
        ImGui::SetKeyboardFocusHere();
    }
    // Dear ImGui selects everything in a field that is focused from code.
    const auto cursor_to_end = [](ImGuiInputTextCallbackData* data) {
        if (*static_cast<int*>(data->UserData) <= 3) {
            data->ClearSelection();
            data->CursorPos = data->BufTextLen;
        }
        return 0;
    };
    if (style.select_all) {
        ImGui::InputText(("##" + editing_->name).c_str(), &editing_->text,
                         ImGuiInputTextFlags_AutoSelectAll);
    } else {
        ImGui::InputText(("##" + editing_->name).c_str(), &editing_->text,
                         ImGuiInputTextFlags_CallbackAlways, cursor_to_end, &editing_->frames);
    }
    const bool left = editing_->frames > 2 && !ImGui::IsItemActive();
    ImGui::PopStyleVar();
    ImGui::PopFont();

    FieldEvent event;
    event.text = editing_->text;
    const auto pressed = [&](int key) {
        return std::any_of(keys_.begin(), keys_.end(),
                           [&](const KeyPress& k) { return k.key == key; });
    };
    if (take_key(GLFW_KEY_ESCAPE)) {
        event.cancelled = true;
    } else if (take_key(GLFW_KEY_ENTER) || take_key(GLFW_KEY_KP_ENTER) || pressed(GLFW_KEY_TAB) ||
               left) {
        event.committed = true;
    } else {
        event.editing = true;
        return event;
    }
    editing_.reset();
    show_focus_ = !left;
    wake_in(0);
    return event;
}

}  // namespace nibble
