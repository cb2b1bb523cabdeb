#include "viz/app/panels/timeline_bar.hpp"

#include <GLFW/glfw3.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <imgui.h>

namespace nibble {
namespace {

constexpr float mark_reach = 5;  // points beside a mark that still mean it

/// Where the steps lie on the track.
struct Track {
    Rect rect;
    float inset = 0;  // the thumb's radius at both ends
    const Timeline& line;

    float travel() const { return rect.width - 2 * inset; }
    float x(std::int64_t at) const {
        const auto steps = static_cast<float>(std::max<std::int64_t>(line.last - line.first, 1));
        return rect.x + inset + travel() * static_cast<float>(at - line.first) / steps;
    }
    std::int64_t at(float x) const {
        const double share = std::clamp((x - rect.x - inset) / travel(), 0.0F, 1.0F);
        return line.first + std::llround(share * static_cast<double>(line.last - line.first));
    }
    /// The mark nearest to the pointer, within reach; null when there is none.
    const Timeline::Mark* mark_near(float pointer, float reach) const {
        const Timeline::Mark* nearest = nullptr;
        for (const Timeline::Mark& mark : line.marks) {
            const float away = std::abs(x(mark.at) - pointer);
            if (away <= reach &&
                (nearest == nullptr || away < std::abs(x(nearest->at) - pointer))) {
                nearest = &mark;
            }
        }
        return nearest;
    }
};

/// "step 118 of 200"
std::string words_of_step(const Timeline& line, std::int64_t at) {
    return fmt::format("{} {} of {}", line.step_name, at, line.last);
}

void draw_chevron(const Ui& ui, Point centre, float direction, Color ink) {
    const float wide = ui.px(2) * direction, high = ui.px(4);
    const ImVec2 corners[] = {{centre.x - wide, centre.y - high},
                              {centre.x + wide, centre.y},
                              {centre.x - wide, centre.y + high}};
    ui.draw().AddPolyline(corners, 3, packed(ink), 0, std::max(1.4F, 1.4F * ui.theme().scale));
}

void draw_play_sign(const Ui& ui, Point centre, bool playing, Color ink) {
    const float s = ui.px(5);
    if (playing) {
        const float bar = ui.px(3);
        ui.fill({centre.x - s + ui.px(1), centre.y - s, bar, 2 * s}, ink);
        ui.fill({centre.x + s - ui.px(1) - bar, centre.y - s, bar, 2 * s}, ink);
        return;
    }
    ui.draw().AddTriangleFilled({centre.x - s * 0.8F, centre.y - s}, {centre.x + s, centre.y},
                                {centre.x - s * 0.8F, centre.y + s}, packed(ink));
}

}  // namespace

const Timeline* TimelineBar::of(const Session& session) {
    const auto& outcome = session.outcome();
    return outcome && outcome->timeline ? &*outcome->timeline : nullptr;
}

TimelineBar::Place TimelineBar::place(const Session& session) {
    const Timeline* line = of(session);
    NIBBLE_ASSERT(line != nullptr, "the bar is there only with a timeline");
    const std::size_t param = session.experiment().index_of(line->param);
    const std::int64_t now = std::get<std::int64_t>(session.value(param));
    return {*line, param, std::clamp(now, line->first, line->last)};
}

void TimelineBar::move_to(Session& session, std::int64_t at) {
    const Place here = place(session);
    session.nudge(here.param, Value(std::clamp(at, here.line.first, here.line.last)));
}

void TimelineBar::pause(Session& session) {
    if (play_) {
        play_.reset();
        session.end_nudges();
    }
}

void TimelineBar::step(Session& session, std::int64_t steps) {
    pause(session);
    const Place here = place(session);
    // Kept within the line before it is added: the ends may be far from zero.
    const std::int64_t room = steps < 0 ? here.line.first - here.at : here.line.last - here.at;
    move_to(session, here.at + (steps < 0 ? std::max(steps, room) : std::min(steps, room)));
}

void TimelineBar::toggle(Ui& ui, Session& session) {
    ui.wake_in(0);
    if (play_) {
        pause(session);
        return;
    }
    session.end_nudges();
    const Place here = place(session);
    if (here.at >= here.line.last) {
        move_to(session, here.line.first);
    }
    play_ = Play{session.experiment().id, session.value(here.param),
                 ui.now() + 1 / here.line.steps_a_second};
}

void TimelineBar::play_on(Ui& ui, Session& session) {
    const Place here = place(session);
    const bool undisturbed = play_->experiment == session.experiment().id &&
                             play_->shown == session.value(here.param) && session.error().empty();
    if (!undisturbed || here.at >= here.line.last) {
        pause(session);
        return;
    }
    if (session.busy()) {
        return;  // its result brings the next frame
    }
    const double late = ui.now() - play_->next_at;
    if (late >= 0) {
        // A screen shows fewer pictures a second than some timelines have steps. Time lost by slow
        // pictures is not made up: nothing worth a look is jumped over.
        const double rate = here.line.steps_a_second;
        const double most = std::max(1.0, rate / 30);
        const auto steps = static_cast<std::int64_t>(std::min(1 + std::floor(late * rate), most));
        move_to(session, here.at + steps);
        play_->shown = session.value(here.param);
        play_->next_at = std::max(play_->next_at + static_cast<double>(steps) / rate, ui.now());
    }
    ui.wake_in(std::max(0.0, play_->next_at - ui.now()));
}

float TimelineBar::draw_buttons(Ui& ui, Session& session, Rect area) {
    const Theme& t = ui.theme();
    const Size size = {ui.px(30), ui.px(26)};
    Rect r = {area.x + ui.px(18), std::round(area.centre().y - size.height / 2), size.width,
              size.height};
    const auto next = [&] { r.x += size.width + ui.px(6); };
    if (ui.button("timeline:play", r, "")) {
        ui.later([&] { toggle(ui, session); });
    }
    draw_play_sign(ui, r.centre(), playing(), t.text);
    ui.tooltip_on("timeline:play", r, playing() ? "Pause (Space)" : "Play (Space)");
    next();
    for (const int direction : {-1, 1}) {
        const std::string name = direction < 0 ? "timeline:back" : "timeline:forward";
        if (ui.button(name, r, "")) {
            ui.later([&, direction] { step(session, direction); });
        }
        draw_chevron(ui, r.centre(), static_cast<float>(direction), t.text);
        ui.tooltip_on(name, r, direction < 0 ? "One step back (,)" : "One step forward (.)");
        next();
    }
    return r.x - ui.px(6);
}

float TimelineBar::draw_step(Ui& ui, Session& session, Rect area) {
    const Place here = place(session);
    const float pad = ui.px(8);
    const float wide = ui.width(words_of_step(here.line, here.line.last), ui.medium()) + 2 * pad;
    const Rect r = {std::round(area.right() - ui.px(8) - wide), area.centre().y - ui.px(13), wide,
                    ui.px(26)};
    FieldStyle style{ui.medium(), HAlign::right};
    style.plain = true;
    style.tab_stop = false;
    const FieldEvent event = ui.field("timeline:step", r, std::to_string(here.at),
                                      words_of_step(here.line, here.at), style);
    if (event.committed) {
        std::int64_t typed = 0;
        const char* end = event.text.data() + event.text.size();
        const auto [stop, failed] = std::from_chars(event.text.data(), end, typed);
        if (failed == std::errc{} && stop == end) {
            ui.later([&, typed] {
                pause(session);
                move_to(session, typed);
            });
        }
    }
    return r.x;
}

void TimelineBar::draw_track(Ui& ui, Session& session, Rect area) {
    const Theme& t = ui.theme();
    const Place here = place(session);
    const float radius = ui.px(7), middle = area.centre().y;
    const Track track{{area.x, middle - ui.px(2), area.width, ui.px(4)}, radius, here.line};
    const Rect reach = {area.x, middle - ui.px(13), area.width, ui.px(26)};
    const Hit h = ui.hit("timeline", reach, true, false);
    const float pointer = ImGui::GetIO().MousePos.x;
    const Timeline::Mark* mark = track.mark_near(pointer, ui.px(mark_reach));
    if (h.grabbed) {
        snapped_ = mark != nullptr;
    }
    snapped_ = snapped_ && !ImGui::IsMouseDragging(0, ui.px(mark_reach));
    const auto drag_to = [&](std::int64_t at) {
        ui.later([&session, param = here.param, at] { session.drag(param, Value(at)); });
    };
    if (h.held) {
        ui.later([&] { pause(session); });
        // A press on the thumb alone moves nothing; a press beside it takes the thumb there.
        const bool on_thumb = std::abs(pointer - track.x(here.at)) <= radius;
        if (snapped_ && mark != nullptr) {
            drag_to(mark->at);
        } else if (!on_thumb || ImGui::IsMouseDragging(0, 1.0F)) {
            drag_to(track.at(pointer));
        }
    } else if (h.let_go) {
        ui.later([&] { session.release(); });
    }

    const float thumb = std::round(track.x(here.at));
    ui.fill(track.rect, t.line, ui.px(2));
    ui.fill({track.rect.x, track.rect.y, thumb - track.rect.x, track.rect.height}, t.accent,
            ui.px(2));
    const auto tick = [&](std::int64_t at, Color color) {
        ui.fill({std::round(track.x(at)) - ui.px(1), middle - ui.px(8), ui.px(2), ui.px(16)},
                color);
    };
    for (const Timeline::Mark& m : here.line.marks) {
        tick(m.at, t.style(Role::limit).color);
    }
    if (const Pinned* a = session.pinned()) {
        const auto at = std::get<std::int64_t>(a->scenario.values[here.param]);
        tick(std::clamp(at, here.line.first, here.line.last), t.style(Role::baseline).color);
    }
    const ImVec2 centre = {thumb, middle};
    if (h.marked) {
        ui.draw().AddCircleFilled(centre, radius + ui.px(5), packed(t.accent.with_alpha(0.35)), 32);
    }
    ui.draw().AddCircleFilled(centre, radius, packed(t.panel), 32);
    ui.draw().AddCircle(centre, radius, packed(t.accent), 32, ui.px(h.held || h.hovered ? 3 : 2));
    if (h.hovered && mark != nullptr && !mark->label.empty()) {
        ui.tooltip_now(fmt::format("{}\n{}", words_of_step(here.line, mark->at), mark->label));
    } else {
        ui.tooltip(h, "timeline", session.experiment().params[here.param].sentence);
    }
    if (h.hovered || h.held) {
        ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
    }
}

void TimelineBar::draw(Ui& ui, Session& session, Rect area) {
    if (play_) {
        ui.later([&] { play_on(ui, session); });
    }
    const Theme& t = ui.theme();
    ui.begin_pane("timeline", area, false, t.panel);
    ui.line({area.x, area.y}, {area.right(), area.y}, t.line);
    if (area.x > 0) {
        ui.line({area.x, area.y}, {area.x, area.bottom()}, t.line);
    }
    const Rect row = {area.x, area.y + ui.px(14), area.width, ui.px(26)};
    const float from = draw_buttons(ui, session, row) + ui.px(18);
    const float to = draw_step(ui, session, row);
    draw_track(ui, session, {from, row.y, to - from, row.height});
    ui.end_pane(area.y);
}

void TimelineBar::take_keys(Ui& ui, Session& session) {
    const Place here = place(session);
    if (ui.take_key(GLFW_KEY_SPACE)) {
        ui.later([&] { toggle(ui, session); });
    }
    const auto go = [&](std::int64_t steps) {
        ui.later([this, &session, steps] { step(session, steps); });
        ui.wake_in(0);
    };
    struct Key {
        int key, mods;
        std::int64_t steps;
    };
    const std::int64_t all = here.line.last - here.line.first;
    const Key keys[] = {
        {GLFW_KEY_LEFT, 0, -1},
        {GLFW_KEY_RIGHT, 0, 1},
        {GLFW_KEY_LEFT, GLFW_MOD_SHIFT, -10},
        {GLFW_KEY_RIGHT, GLFW_MOD_SHIFT, 10},
        {GLFW_KEY_HOME, 0, -all},
        {GLFW_KEY_END, 0, all},
    };
    for (const Key& k : keys) {
        if (ui.take_key(k.key, k.mods)) {
            go(k.steps);
        }
    }
    for (const auto& [character, steps] : {std::pair{',', -1}, {'.', 1}}) {
        if (ui.take_character(character)) {
            go(steps);
        }
    }
}

}  // namespace nibble
