// Tooltips: after a rest for what explains, at once for values under the pointer.
#include <algorithm>
#include <cmath>
#include <imgui.h>

#include "viz/app/ui/ui.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {
namespace {

constexpr double tooltip_delay = 0.5;  // seconds the pointer rests

}  // namespace

void Ui::tooltip_on(const std::string& name, Rect r, std::string_view words) {
    const ImVec2 pointer = ImGui::GetIO().MousePos;
    Hit h;
    h.hovered = !inert_ && r.contains({pointer.x, pointer.y}) && !ImGui::IsMouseDown(0);
    tooltip(h, name, words);
}

void Ui::tooltip(const Hit& h, const std::string& name, std::string_view words) {
    if (!h.hovered || h.held || words.empty()) {
        return;
    }
    if (tip_name_ != name) {
        tip_name_ = name;
        tip_since_ = now_;
    }
    tip_seen_ = true;
    const double rested = now_ - tip_since_;
    if (rested >= tooltip_delay) {
        tip_ = words;
    } else {
        wake_in(tooltip_delay - rested);
    }
}

void Ui::tooltip_now(std::string_view words) {
    tip_ = words;
}

void Ui::paint_tooltip() {
    if (tip_.empty()) {
        return;
    }
    const Theme& t = *theme_;
    const Font font = t.small();
    const float pad = px(8), leading = std::round(font.size * 1.45F);
    std::vector<std::string> rows;
    for (std::size_t at = 0; at <= tip_.size();) {
        const std::size_t end = std::min(tip_.find('\n', at), tip_.size());
        for (std::string& row :
             wrap(std::string_view(tip_).substr(at, end - at), font, px(300), fonts_)) {
            rows.push_back(std::move(row));
        }
        at = end + 1;
    }
    float wide = 0;
    for (const std::string& row : rows) {
        wide = std::max(wide, fonts_.width(row, font));
    }
    const Size all = screen();
    const ImVec2 pointer = ImGui::GetIO().MousePos;
    const Size size = {wide + 2 * pad, leading * static_cast<float>(rows.size()) + pad * 1.5F};
    float x = pointer.x + px(14), y = pointer.y + px(16);
    if (x + size.width > all.width - px(4)) {
        x = std::max(px(4), pointer.x - px(8) - size.width);
    }
    if (y + size.height > all.height - px(4)) {
        y = std::max(px(4), pointer.y - px(8) - size.height);
    }
    ImDrawList& over = *ImGui::GetForegroundDrawList();
    const Rect r = {std::round(x), std::round(y), std::round(size.width), std::round(size.height)};
    over.AddRectFilled({r.x, r.y}, {r.right(), r.bottom()}, packed(t.raised), px(5));
    over.AddRect({r.x, r.y}, {r.right(), r.bottom()}, packed(t.line), px(5));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const float middle = r.y + pad * 0.75F + leading * (static_cast<float>(i) + 0.5F);
        draw_text(over, fonts_,
                  {{r.x + pad, middle}, rows[i], font, t.text, HAlign::left, VAlign::middle});
    }
    tip_.clear();
}

}  // namespace nibble
