// The list of lessons: number and title, time, what comes before, how much is done. And what stands
// above and below the pages of one.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <imgui.h>

#include "viz/app/lesson/lesson_card.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {

float draw_lesson_list(Ui& ui, App& app, Rect area) {
    const Theme& t = ui.theme();
    float y = area.y;
    std::string opened;
    for (const LessonReader::Entry& entry : app.lessons().entries()) {
        if (!entry.lesson) {
            const float high = ui.paragraph({area.x + ui.px(16), y}, entry.error, t.small(),
                                            t.style(Role::limit).color, area.width - ui.px(32));
            y += high + ui.px(10);
            continue;
        }
        const Lesson& lesson = *entry.lesson;
        const bool numbered = std::isdigit(static_cast<unsigned char>(lesson.id[0])) != 0;
        const float indent = ui.px(20 + (numbered ? 24 : 0)),
                    room = area.width - indent - ui.px(16);
        const auto rows =
            static_cast<float>(wrap(lesson.title, ui.medium(), room, ui.fonts()).size());
        const float leading = std::round(t.body().size * 1.45F);
        const Rect r = {area.x + ui.px(12), y, area.width - ui.px(22), rows * leading + ui.px(27)};
        const Hit h = ui.hit("lesson:" + lesson.id, r);
        if (h.hovered) {
            ui.fill(r, t.raised, ui.px(5));
            ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
        }
        if (numbered) {
            ui.text({area.x + ui.px(20), y + ui.px(4) + leading / 2}, lesson.id, t.mono(), t.faint);
        }
        ui.paragraph({area.x + indent, y + ui.px(4)}, lesson.title, ui.medium(), t.text, room);
        std::string below = fmt::format("{} min", lesson.minutes);
        if (!lesson.prerequisites.empty()) {
            below += fmt::format(", after {}", fmt::join(lesson.prerequisites, ", "));
        }
        ui.text({area.x + indent, r.bottom() - ui.px(12)}, below, t.small(), t.muted);
        if (entry.done > 0) {
            const bool all = entry.done >= entry.out_of;
            ui.text({r.right() - ui.px(6), r.bottom() - ui.px(12)},
                    fmt::format("{}/{}", entry.done, entry.out_of), t.small(),
                    all ? t.style(Role::reference).color : t.accent, HAlign::right);
        }
        ui.tooltip(h, "lesson:" + lesson.id, lesson.question);
        opened = h.pressed ? lesson.id : opened;
        y = r.bottom() + ui.px(4);
    }
    if (app.lessons().entries().empty()) {
        y += ui.paragraph({area.x + ui.px(16), y}, "There are no lessons where the program looks.",
                          t.body(), t.muted, area.width - ui.px(32));
    }
    if (!opened.empty()) {
        ui.later([&app, opened] { app.open_lesson(opened); });
    }
    return y + ui.px(14);
}

void draw_lesson_head(Ui& ui, App& app, Rect area) {
    const LessonReader& reader = app.lessons();
    const Theme& t = ui.theme();
    const Lesson& lesson = *reader.lesson();
    const float pad = ui.px(16), x = area.x + pad, right = area.right() - pad;
    const std::string back = "\u2190 Lessons";
    const std::string count = fmt::format("{} of {}", reader.at() + 1, reader.pages().size());
    float y = area.y + ui.px(8);
    if (!reader.presents()) {
        const Rect r = {x - ui.px(8), y, ui.width(back, ui.medium()) + ui.px(16), ui.px(24)};
        if (ui.button("lesson:leave", r, back, ButtonLook::quiet)) {
            ui.later([&app] { app.leave_lesson(); });
        }
    }
    ui.text({right, y + ui.px(12)}, count, t.small(), t.muted, HAlign::right);
    y += ui.px(reader.presents() ? 2 : 26);
    const Font font = {Face::semibold, t.body().size};
    const float room = right - x - (reader.presents() ? ui.width(count, t.small()) + ui.px(12) : 0);
    ui.text({x, y + ui.px(10)}, shortened(lesson.title, font, room, ui.fonts()), font, t.text);
    y += ui.px(26);
    const auto share = static_cast<float>(reader.at() + 1) /
                       static_cast<float>(std::max<std::size_t>(reader.pages().size(), 1));
    ui.fill({x, y, right - x, ui.px(3)}, t.line, ui.px(1.5F));
    ui.fill({x, y, (right - x) * share, ui.px(3)}, t.accent, ui.px(1.5F));
}

void draw_lesson_foot(Ui& ui, App& app, Rect area) {
    LessonReader& reader = app.lessons();
    const float pad = ui.px(16), gap = ui.px(10), high = ui.px(28);
    const float half = std::floor((area.width - 2 * pad - gap) / 2);
    const float y = std::round(area.centre().y - high / 2);
    ui.line({area.x, area.y}, {area.right(), area.y}, ui.theme().line);
    const auto turn = [&](int by) {
        ui.later([&reader, by] { reader.turn(by); });
        ui.wake_in(0);
    };
    if (reader.at() > 0 && ui.button("lesson:back", {area.x + pad, y, half, high}, "Back")) {
        turn(-1);
    }
    const bool more = reader.at() + 1 < reader.pages().size();
    const Rect next = {area.x + pad + half + gap, y, half, high};
    if (more && ui.button("lesson:next", next, "Next", ButtonLook::primary)) {
        turn(1);
    } else if (!more && !reader.presents() && ui.button("lesson:done", next, "Done")) {
        ui.later([&app] { app.leave_lesson(); });
    }
}

}  // namespace nibble
