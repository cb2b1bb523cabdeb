#include "viz/app/panels/param_panel.hpp"

#include <GLFW/glfw3.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <imgui.h>

#include "viz/app/panels/timeline_bar.hpp"
#include "viz/app/ui/slider_scale.hpp"
#include "viz/app/ui/words.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {

struct ParamPanel::Row {
    Ui& ui;
    Session& session;
    std::size_t index;
    float x, y, width;

    const ParamInfo& info() const { return session.experiment().params[index]; }
    const Value& value() const { return session.value(index); }
    std::string name(const char* part = "") const { return "param:" + info().name + part; }
    float middle() const { return y + ui.px(11); }
    void set(const Value& next) const {
        ui.later([&s = session, i = index, next] { s.set(i, next); });
    }
    void reset() const {
        ui.later([&s = session, i = index] { s.reset(i); });
    }
    std::string help() const {
        std::string words = info().sentence;
        if (info().type == ParamType::integer || info().type == ParamType::real) {
            words += fmt::format("{}{}. Double-click: back to {}.", words.empty() ? "" : "\n",
                                 info().accepts(), shown_value(info(), info().default_value));
        }
        return words;
    }
};

std::string ParamPanel::typing_error(const std::string& param) const {
    const auto found = errors_.find(param);
    return found == errors_.end() ? "" : found->second.words;
}

float ParamPanel::draw(Ui& ui, Session& session, Point at, float width, PanelRequests& requests) {
    std::vector<bool> shown = session.relevant();
    const Experiment& experiment = session.experiment();
    std::erase_if(errors_, [&](const auto& named) {
        const TypingError& e = named.second;
        return e.experiment != experiment.id || session.value(e.param) != e.beside;
    });
    if (const Timeline* line = TimelineBar::of(session)) {
        shown[experiment.index_of(line->param)] = false;  // it has a bar of its own
    }
    const bool offers = offer_.experiment == experiment.id;
    const auto is_hidden = [&](const ParamInfo& param) {
        const auto& names = offer_.params;
        return offers && !names.empty()
                   ? std::find(names.begin(), names.end(), param.name) == names.end()
                   : param.is_advanced;
    };
    const auto rows = [&](bool hidden) {
        for (std::size_t i = 0; i < experiment.params.size(); ++i) {
            if (!shown[i] || is_hidden(experiment.params[i]) != hidden) {
                continue;
            }
            const Row row{ui, session, i, at.x, at.y, width};
            switch (experiment.params[i].type) {
                case ParamType::integer:
                case ParamType::real:
                    at.y = number_row(row);
                    break;
                case ParamType::choice:
                    at.y = choice_row(row, requests);
                    break;
                case ParamType::boolean:
                    at.y = switch_row(row);
                    break;
                case ParamType::text:
                case ParamType::file:
                    at.y = text_row(row, requests);
                    break;
            }
        }
    };
    rows(false);
    int hidden = 0;
    for (std::size_t i = 0; i < experiment.params.size(); ++i) {
        hidden += shown[i] && is_hidden(experiment.params[i]);
    }
    if (hidden == 0 || (offers && offer_.hides_rest)) {
        return at.y;
    }
    bool& open = more_[experiment.id];
    ui.disclosure("more", at,
                  open ? "Fewer parameters" : fmt::format("More parameters ({})", hidden), open);
    at.y += ui.px(30);
    if (open) {
        rows(true);
    }
    return at.y;
}

void ParamPanel::label(const Row& row) {
    Ui& ui = row.ui;
    const float room = row.width - ui.px(90);
    const std::string words = shortened(row.info().title, ui.medium(), room, ui.fonts());
    const float wide = ui.width(words, ui.medium());
    const Hit h = ui.hit(row.name("/label"), {row.x, row.y, wide, ui.px(22)}, false);
    ui.text({row.x, row.middle()}, words, ui.medium(), ui.theme().text);
    ui.tooltip(h, row.name(), row.help());
    if (h.double_clicked) {
        row.reset();
        errors_.erase(row.info().name);
    }
}

float ParamPanel::error_line(const Row& row, float y) {
    const std::string error = typing_error(row.info().name);
    if (error.empty()) {
        return y;
    }
    Ui& ui = row.ui;
    const Color ink = ui.theme().style(Role::limit).color;
    return y + ui.paragraph({row.x, y}, error, ui.theme().small(), ink, row.width) + ui.px(6);
}

float ParamPanel::number_row(const Row& row) {
    Ui& ui = row.ui;
    label(row);
    const std::string shown = shown_value(row.info(), row.value());
    const float wide = std::max(ui.px(75), ui.width(shown, ui.theme().mono()) + ui.px(18));
    value_field(row, {row.x + row.width - wide, row.y, wide, ui.px(22)});
    slide(row, {row.x, row.y + ui.px(22), row.width, ui.px(22)});
    return error_line(row,
                      row.y + ui.px(54) - (typing_error(row.info().name).empty() ? 0 : ui.px(8)));
}

void ParamPanel::value_field(const Row& row, Rect r) {
    Ui& ui = row.ui;
    FieldStyle style{ui.theme().mono(), HAlign::right};
    style.tab_stop = false;
    style.is_wrong = !typing_error(row.info().name).empty();
    const FieldEvent event = ui.field(row.name("/field"), r, to_text(row.value()),
                                      shown_value(row.info(), row.value()), style);
    if (event.committed) {
        type_in(row, event.text);
    } else if (event.cancelled) {
        errors_.erase(row.info().name);
    }
    if ((event.committed || event.cancelled) && ui.focused() == row.name("/field")) {
        ui.focus(row.name());
    }
}

void ParamPanel::type_in(const Row& row, const std::string& text) {
    std::string bare = text;
    const std::string& unit = row.info().unit_name;
    // "32 w" is as good as "32": the field shows the unit, so it may come back with it.
    if (!unit.empty() && bare.size() > unit.size() && bare.ends_with(unit)) {
        bare.resize(bare.size() - unit.size());
    }
    while (!bare.empty() && bare.back() == ' ') {
        bare.pop_back();
    }
    bare.erase(0, std::min(bare.find_first_not_of(' '), bare.size()));
    try {
        const Value value = row.info().parsed(bare);
        errors_.erase(row.info().name);
        if (value != row.value()) {
            row.set(value);
        }
    } catch (const Error& e) {
        const Experiment& lab = row.session.experiment();
        errors_[row.info().name] = {with_labels(e.line(), lab), lab.id, row.index, row.value()};
    }
}

void ParamPanel::slide(const Row& row, Rect area) {
    Ui& ui = row.ui;
    const Theme& t = ui.theme();
    const float radius = ui.px(7), inset = radius;
    const Rect track = {area.x, area.y + ui.px(9), area.width, ui.px(4)};
    const Hit h = ui.hit(row.name(), area, true, false);
    const double now = number_of(row.value());
    const float travel = track.width - 2 * inset;
    const auto place = [&](double value) {
        return track.x + inset + travel * static_cast<float>(share_of(row.info(), value));
    };
    const float knob = place(now);
    if (h.double_clicked) {
        row.reset();
        errors_.erase(row.info().name);
    } else if (h.held) {
        const float pointer = ImGui::GetIO().MousePos.x;
        // A press on the knob alone moves nothing; a press beside it takes the knob there.
        const bool moved = ImGui::IsMouseDragging(0, 1.0F) || std::abs(pointer - knob) > radius;
        if (moved) {
            const Value to = value_at(row.info(), double(pointer - track.x - inset) / travel);
            ui.later([&s = row.session, i = row.index, to] { s.drag(i, to); });
        }
    } else if (h.let_go) {
        ui.later([&s = row.session] { s.release(); });
    }
    if (h.focused) {
        const auto step = [&](int steps) {
            const Value to = stepped(row.info(), now, steps);
            ui.later([&s = row.session, i = row.index, to] { s.nudge(i, to); });
        };
        for (const auto& [key, sign] : {std::pair{GLFW_KEY_LEFT, -1},
                                        {GLFW_KEY_DOWN, -1},
                                        {GLFW_KEY_RIGHT, 1},
                                        {GLFW_KEY_UP, 1}}) {
            if (ui.take_key(key)) {
                step(sign);
            } else if (ui.take_key(key, GLFW_MOD_SHIFT)) {
                step(10 * sign);
            }
        }
        if (ui.take_key(GLFW_KEY_BACKSPACE) || ui.take_key(GLFW_KEY_DELETE)) {
            row.reset();
        }
    }
    if (h.pressed && !h.let_go) {  // Enter: type the value
        ui.edit(row.name("/field"), to_text(row.value()));
        ui.wake_in(0);
    }
    if (h.grabbed && ImGui::GetIO().KeyCtrl) {
        ui.edit(row.name("/field"), to_text(row.value()));
    }
    ui.fill(track, t.line, ui.px(2));
    ui.fill({track.x, track.y, knob - track.x, track.height}, t.accent, ui.px(2));
    if (const Pinned* a = row.session.pinned()) {
        const float x = std::round(place(number_of(a->scenario.values[row.index])));
        const float half = ui.px(11) / 2;
        ui.fill({x - 1, track.centre().y - half, ui.px(2), 2 * half},
                t.style(Role::baseline).color);
    }
    const ImVec2 centre = {std::round(knob), track.centre().y};
    if (h.marked) {
        ui.draw().AddCircleFilled(centre, radius + ui.px(5), packed(t.accent.with_alpha(0.35)), 32);
    }
    ui.draw().AddCircleFilled(centre, radius, packed(t.panel), 32);
    ui.draw().AddCircle(centre, radius, packed(t.accent), 32, ui.px(h.held || h.hovered ? 3 : 2));
    if (h.hovered || h.held) {
        ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
    }
}

float ParamPanel::choice_row(const Row& row, PanelRequests& requests) {
    Ui& ui = row.ui;
    label(row);
    const std::vector<Choice>& choices = row.info().choices;
    const Rect r = {row.x, row.y + ui.px(25), row.width, ui.px(26)};
    const std::string& chosen = std::get<std::string>(row.value());
    std::size_t now = 0;
    float widest = 0;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        now = choices[i].name == chosen ? i : now;
        widest = std::max(widest, ui.width(choices[i].label, ui.medium()));
    }
    const bool fits = widest + ui.px(14) <= r.width / static_cast<float>(choices.size());
    ui.fill(r, ui.theme().raised, ui.px(6));
    ui.outline(r, ui.theme().line, ui.px(6));
    const std::size_t next = fits ? segments(row, r, now) : list_button(row, r, now, requests);
    if (next != now) {
        row.set(Value(choices[next].name));
        ui.focus(fits ? row.name("/") + choices[next].name : row.name(), false);
        ui.wake_in(0);
    }
    return row.y + ui.px(61);
}

std::size_t ParamPanel::arrow_choice(const Row& row, bool focused, std::size_t now) {
    if (!focused) {
        return now;
    }
    if (row.ui.take_key(GLFW_KEY_RIGHT) || row.ui.take_key(GLFW_KEY_DOWN)) {
        return std::min(now + 1, row.info().choices.size() - 1);
    }
    if (row.ui.take_key(GLFW_KEY_LEFT) || row.ui.take_key(GLFW_KEY_UP)) {
        return now == 0 ? 0 : now - 1;
    }
    return now;
}

std::size_t ParamPanel::segments(const Row& row, Rect r, std::size_t now) {
    Ui& ui = row.ui;
    const Theme& t = ui.theme();
    const std::vector<Choice>& choices = row.info().choices;
    const Rect inside = r.inset(ui.px(1));
    const float step = inside.width / static_cast<float>(choices.size());
    std::size_t next = now;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        const float from = std::round(inside.x + step * static_cast<float>(i));
        const float to = std::round(inside.x + step * static_cast<float>(i + 1));
        const Rect cell = {from, inside.y, to - from, inside.height};
        const Hit h = ui.hit(row.name("/") + choices[i].name, cell, i == now);
        if (i == now) {
            ui.fill(cell, t.accent, ui.px(5));
        } else if (h.hovered) {
            ui.fill(cell, t.text.with_alpha(0.06), ui.px(5));
            ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
        }
        ui.text({std::round(cell.centre().x), cell.centre().y}, choices[i].label, ui.medium(),
                i == now ? t.on_accent : t.muted, HAlign::centre);
        next = h.pressed ? i : arrow_choice(row, h.focused, next);
    }
    return next;
}

std::size_t ParamPanel::list_button(const Row& row, Rect r, std::size_t now,
                                    PanelRequests& requests) {
    Ui& ui = row.ui;
    const Theme& t = ui.theme();
    const Hit h = ui.hit(row.name(), r);
    const float room = r.width - ui.px(36);
    const Choice& choice = row.info().choices[now];
    const std::string& value = std::get<std::string>(row.value());
    const std::string shown = choice.name == value  // else the path of a file
                                  ? choice.label
                                  : std::filesystem::path(value).filename().string();
    ui.text({r.x + ui.px(10), r.centre().y}, shortened(shown, t.body(), room, ui.fonts()), t.body(),
            t.text);
    const float s = ui.px(4), cx = r.right() - ui.px(16), cy = r.centre().y;
    ui.draw().AddTriangleFilled({cx - s, cy - s / 2}, {cx + s, cy - s / 2}, {cx, cy + s * 0.8F},
                                packed(t.muted));
    if (h.hovered) {
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    }
    if (h.pressed) {
        requests.open_list = PanelRequests::List{row.index, r};
    }
    return arrow_choice(row, h.focused, now);
}

float ParamPanel::switch_row(const Row& row) {
    Ui& ui = row.ui;
    const Theme& t = ui.theme();
    label(row);
    const bool on = std::get<bool>(row.value());
    const Rect r = {row.x + row.width - ui.px(34), row.y + ui.px(2), ui.px(34), ui.px(18)};
    const Hit h = ui.hit(row.name(), r);
    ui.fill(r, on ? t.accent : t.line, r.height / 2);
    const float inset = ui.px(3), radius = r.height / 2 - inset;
    const float x = on ? r.right() - inset - radius : r.x + inset + radius;
    ui.draw().AddCircleFilled({x, r.centre().y}, radius, packed(on ? t.on_accent : t.text), 24);
    if (h.hovered) {
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    }
    if (h.pressed) {
        row.set(Value(!on));
    }
    return row.y + ui.px(32);
}

float ParamPanel::text_row(const Row& row, PanelRequests& requests) {
    Ui& ui = row.ui;
    label(row);
    const bool is_file = row.info().type == ParamType::file;
    const bool lists = !row.info().tensor_of.empty();
    const float button = is_file || lists ? ui.px(70) : 0, gap = button > 0 ? ui.px(8) : 0;
    const Rect r = {row.x, row.y + ui.px(25), row.width - button - gap, ui.px(26)};
    FieldStyle style{ui.theme().body()};
    style.hint = is_file ? fmt::format("drop a file: {}", fmt::join(row.info().suffixes, " "))
                         : std::string("none");
    style.is_wrong = !typing_error(row.info().name).empty();
    const std::string& now = std::get<std::string>(row.value());
    // Of a path the end tells more than the beginning.
    std::string shown = now;
    if (is_file && ui.width(shown, style.font) > r.width - ui.px(16)) {
        shown = "\u2026/" + now.substr(now.find_last_of('/') + 1);
    }
    const FieldEvent event = ui.field(row.name(), r, now, shown, style);
    if (event.committed) {
        type_in(row, event.text);
    } else if (event.cancelled) {
        errors_.erase(row.info().name);
    }
    if (is_file &&
        ui.button(row.name("/browse"), {r.right() + gap, r.y, button, r.height}, "Browse")) {
        requests.browse = row.index;
    }
    if (lists && ui.button(row.name("/list"), {r.right() + gap, r.y, button, r.height}, "List")) {
        requests.list_tensors = PanelRequests::List{row.index, {r.x, r.y, row.width, r.height}};
    }
    return error_line(row, row.y + ui.px(61));
}

}  // namespace nibble
