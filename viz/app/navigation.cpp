// The list of labs by group, as the registry orders them.
#include <GLFW/glfw3.h>
#include <cctype>
#include <imgui.h>

#include "viz/app/app_frame.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {
namespace {

std::string capitals(std::string text) {
    for (char& c : text) {
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return text;
}

}  // namespace

float draw_navigation(Ui& ui, App& app, Rect area) {
    const Theme& t = ui.theme();
    const Experiments& all = app.session().experiments();
    const std::string current = app.session().experiment().id;
    float y = area.y + ui.px(14);
    std::string group;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Experiment& e = all[i];
        if (e.group != group) {
            y += group.empty() ? 0 : ui.px(10);
            group = e.group;
            ui.text({area.x + ui.px(16), y + ui.px(9)}, capitals(group), t.label(), t.faint);
            y += ui.px(17);
        }
        const Rect r = {area.x + ui.px(12), y, area.width - ui.px(22), ui.px(22)};
        const Hit h = ui.hit("nav:" + e.id, r);
        const bool here = e.id == current;
        if (here) {
            ui.fill(r, t.raised, ui.px(5));
            ui.fill({area.x + ui.px(8), r.y, ui.px(3), r.height}, t.accent);
        } else if (h.hovered) {
            ui.fill(r, t.raised.with_alpha(0.6), ui.px(5));
            ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
        }
        const Font font = here ? Font{Face::semibold, t.body().size} : t.body();
        ui.text({area.x + ui.px(20), r.centre().y},
                shortened(e.title, font, r.right() - area.x - ui.px(22), ui.fonts()), font,
                here || h.hovered ? t.text : t.muted);
        if (here && app.take_lab_changed()) {
            ui.reveal(r);
        }
        ui.tooltip(h, "nav:" + e.id, e.question);
        if (h.pressed) {
            app.select(e.id);
        }
        const bool down = h.focused && ui.take_key(GLFW_KEY_DOWN);
        const bool up = h.focused && ui.take_key(GLFW_KEY_UP);
        if ((down && i + 1 < all.size()) || (up && i > 0)) {
            ui.focus("nav:" + all[down ? i + 1 : i - 1].id);
            ui.wake_in(0);
        }
        y += ui.px(22);
    }
    return y + ui.px(14);
}

}  // namespace nibble
