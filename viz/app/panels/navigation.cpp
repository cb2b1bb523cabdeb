// The left column: labs by group, as the registry orders them, or lessons.
#include <GLFW/glfw3.h>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <imgui.h>

#include "viz/app/app_frame.hpp"
#include "viz/app/lesson/lesson_card.hpp"
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

float draw_tabs(Ui& ui, App& app, Rect area) {
    const float gap = ui.px(2),
                wide = std::floor((std::min(area.width, ui.px(196)) - ui.px(20)) / 2);
    float x = area.x + ui.px(12);
    for (const bool lessons : {false, true}) {
        const Rect r = {x, area.y + ui.px(10), wide - gap, ui.px(26)};
        const bool here = app.shows_lessons() == lessons;
        const Hit h = ui.hit(lessons ? "tab:lessons" : "tab:labs", r);
        if (here || h.hovered) {
            ui.fill(r, ui.theme().raised.with_alpha(here ? 1 : 0.6), ui.px(5));
        }
        ui.text({std::round(r.centre().x), r.centre().y}, lessons ? "Lessons" : "Labs",
                here ? Font{Face::semibold, ui.theme().body().size} : ui.theme().body(),
                here || h.hovered ? ui.theme().text : ui.theme().muted, HAlign::centre);
        if (h.hovered) {
            ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
        }
        if (h.pressed) {
            ui.later([&app, lessons] { app.show_lessons(lessons); });
        }
        x += wide;
    }
    return area.y + ui.px(44);
}

float draw_navigation(Ui& ui, App& app, Rect area) {
    const float below = draw_tabs(ui, app, area);
    area.height -= below - area.y;
    area.y = below;
    if (app.shows_lessons()) {
        return draw_lesson_list(ui, app, area);
    }
    const Theme& t = ui.theme();
    const Experiments& all = app.session().experiments();
    const std::string current = app.session().experiment().id;
    float y = area.y + ui.px(4);
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
            ui.later([&app, &e] { app.select(e.id); });
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
