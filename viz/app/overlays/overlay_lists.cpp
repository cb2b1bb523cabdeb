// The overlays that are lists: commands, labs, choices; and the help on keys.
#include <GLFW/glfw3.h>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <imgui.h>

#include "viz/app/overlays/overlays.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {

Rect begin_card(Ui& ui, Size size, bool& closed, float top) {
    const Size all = ui.screen();
    const Theme& t = ui.theme();
    top = top >= 0 ? top : std::max(ui.px(8), (all.height - size.height) * 0.3F);
    const Rect card = {std::round((all.width - size.width) / 2), std::round(top), size.width,
                       size.height};
    ui.fill({0, 0, all.width, all.height}, Color{0, 0, 0, 110});
    ui.fill(card, t.panel, ui.px(6));
    ui.outline(card, t.line, ui.px(6));
    const ImVec2 pointer = ImGui::GetIO().MousePos;
    closed = ui.take_key(GLFW_KEY_ESCAPE) ||
             (ImGui::IsMouseClicked(0) && ImGui::IsWindowHovered(ImGuiHoveredFlags_ChildWindows) &&
              !card.contains({pointer.x, pointer.y}));
    return card;
}

namespace {

std::string lower(std::string text) {
    for (char& c : text) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return text;
}

/// Whether the letters of `typed` occur in `title` in this order.
bool matches(const std::string& title, const std::string& typed) {
    std::size_t at = 0;
    for (const char c : typed) {
        at = c == ' ' ? at : title.find(c, at);
        if (at == std::string::npos) {
            return false;
        }
        at += c != ' ';
    }
    return true;
}

/// Up and Down move the mark through `count` rows.
void move_mark(Ui& ui, std::size_t& mark, std::size_t count) {
    if (count == 0) {
        mark = 0;
        return;
    }
    mark = std::min(mark, count - 1);
    if (ui.take_key(GLFW_KEY_DOWN)) {
        mark = (mark + 1) % count;
    } else if (ui.take_key(GLFW_KEY_UP)) {
        mark = (mark + count - 1) % count;
    }
}

constexpr std::size_t most_rows = 12;  // of the palette; more of them scroll

class Palette : public Overlay {
public:
    bool draw(Ui& ui, App& app) override {
        bool closed = false;
        if (entries_.empty()) {
            collect(app);
            ui.edit("palette", "");
        }
        std::vector<const Action*> found = search();
        // The line stays where it is while the list below it grows and shrinks.
        const std::size_t shown = std::clamp<std::size_t>(found.size(), 1, most_rows);
        const float tallest = ui.px(62) + ui.px(28) * static_cast<float>(most_rows);
        const float top = std::max(ui.px(8), (ui.screen().height - tallest) * 0.3F);
        const Size size = {std::min(ui.px(520), ui.screen().width - 16),
                           ui.px(62) + ui.px(28) * static_cast<float>(shown)};
        const Rect card = begin_card(ui, size, closed, top);
        FieldStyle style{ui.theme().body()};
        style.hint = "Type a lab, a command or a parameter";
        if (!ui.is_typing() && !closed) {
            ui.edit("palette", typed_);
        }
        const Rect input = {card.x + ui.px(12), card.y + ui.px(12), card.width - ui.px(24),
                            ui.px(30)};
        move_mark(ui, mark_, found.size());
        const FieldEvent event = ui.field("palette", input, typed_, typed_, style);
        if (event.editing && event.text != typed_) {
            typed_ = event.text;
            mark_ = 0;
            ui.wake_in(0);
        }
        const Action* chosen = event.committed && mark_ < found.size() ? found[mark_] : nullptr;
        if (const Action* clicked = list(ui, card, found)) {
            chosen = clicked;
        }
        if (chosen != nullptr) {
            ui.stop_editing();
            ui.later(chosen->run);
            return false;
        }
        if (closed || event.cancelled || event.committed) {
            ui.stop_editing();
            return false;
        }
        return true;
    }

private:
    void collect(App& app) {
        for (const Experiment& e : app.session().experiments()) {
            entries_.push_back(
                {e.group + ": " + e.title, "", [&app, id = e.id] { app.select(id); }});
        }
        for (const Action& action : app.actions()) {
            entries_.push_back(action);
        }
        const std::vector<bool> relevant = app.session().relevant();
        for (std::size_t i = 0; i < relevant.size(); ++i) {
            const std::string now = to_text(app.session().value(i));
            entries_.push_back({"Set " + app.session().experiment().params[i].title,
                                relevant[i] ? now : "no effect now",
                                [&app, i] { app.show_parameter(i); }});
        }
    }
    std::vector<const Action*> search() const {
        std::vector<const Action*> exact, loose;
        const std::string typed = lower(typed_);
        for (const Action& a : entries_) {
            const std::string title = lower(a.title);
            if (title.find(typed) != std::string::npos) {
                exact.push_back(&a);
            } else if (matches(title, typed)) {
                loose.push_back(&a);
            }
        }
        exact.insert(exact.end(), loose.begin(), loose.end());
        return exact;
    }
    const Action* list(Ui& ui, Rect card, const std::vector<const Action*>& found) {
        const Theme& t = ui.theme();
        const Rect area = {card.x + ui.px(6), card.y + ui.px(50), card.width - ui.px(12),
                           card.height - ui.px(58)};
        const Point corner = ui.begin_list("palette-list", area);
        float y = corner.y;
        const Action* clicked = nullptr;
        if (found.empty()) {
            ui.text({corner.x + ui.px(14), y + ui.px(16)}, "Nothing is called that", t.body(),
                    t.muted);
        }
        for (std::size_t i = 0; i < found.size(); ++i) {
            const Rect r = {corner.x, y, area.width - ui.px(8), ui.px(28)};
            const Hit h = ui.hit("palette:" + found[i]->title, r, false);
            if (i == mark_ || h.hovered) {
                ui.fill(r, i == mark_ ? t.raised : t.raised.with_alpha(0.5), ui.px(5));
            }
            ui.text({r.x + ui.px(14), r.centre().y}, found[i]->title, ui.medium(), t.text);
            ui.text({r.right() - ui.px(12), r.centre().y}, found[i]->keys, t.small(), t.faint,
                    HAlign::right);
            if (i == mark_ && i != seen_mark_) {
                ui.reveal(r);
                seen_mark_ = mark_;
            }
            clicked = h.pressed ? found[i] : clicked;
            y += r.height;
        }
        ui.end_list(y);
        return clicked;
    }

    std::vector<Action> entries_;
    std::string typed_;
    std::size_t mark_ = 0, seen_mark_ = 0;
};

class LabList : public Overlay {
public:
    bool draw(Ui& ui, App& app) override {
        const std::string& lab = app.session().experiment().id;
        lab_ = lab_.empty() ? lab : lab_;
        const Rect r = {0, 0, ui.px(196), ui.screen().height};
        ui.fill({0, 0, ui.screen().width, r.height}, Color{0, 0, 0, 110});
        ui.fill(r, ui.theme().panel);
        ui.line({r.right(), 0}, {r.right(), r.height}, ui.theme().line);
        const Point corner = ui.begin_list("lab-list", r);
        ui.end_list(draw_navigation(ui, app, {corner.x, corner.y, r.width, r.height}));
        const bool outside = ImGui::IsMouseClicked(0) && ImGui::GetIO().MousePos.x > r.right();
        return !outside && !ui.take_key(GLFW_KEY_ESCAPE) && !app.reads() && lab == lab_;
    }

private:
    std::string lab_;  // that it was opened in
};

class ChoiceList : public Overlay {
public:
    ChoiceList(std::size_t param, Rect anchor, std::vector<Choice> choices)
        : param_(param), anchor_(anchor), choices_(std::move(choices)) {}

    bool draw(Ui& ui, App& app) override {
        const Theme& t = ui.theme();
        const std::vector<Choice>& choices = choices_;
        const float row = ui.px(26);
        if (!opened_) {
            opened_ = true;
            const std::string& now = std::get<std::string>(app.session().value(param_));
            while (mark_ + 1 < choices.size() && choices[mark_].name != now) {
                ++mark_;
            }
        }
        const float all = ui.screen().height;
        const float high = std::min(row * static_cast<float>(choices.size()) + ui.px(8), all - 16);
        const float below = anchor_.bottom() + ui.px(2);
        const float y = below + high < all ? below : std::max(8.0F, all - 8 - high);
        const Rect card = {anchor_.x, y, anchor_.width, high};
        ui.fill(card, t.raised, ui.px(6));
        ui.outline(card, t.line, ui.px(6));
        move_mark(ui, mark_, choices.size());
        std::optional<std::size_t> chosen;
        const Point corner = ui.begin_list("choices", card.inset(ui.px(4)));
        for (std::size_t i = 0; i < choices.size(); ++i) {
            const Rect r = {corner.x, corner.y + row * static_cast<float>(i), card.width - ui.px(8),
                            row};
            const Hit h = ui.hit("choice:" + choices[i].name, r, false);
            if (h.hovered || i == mark_) {
                ui.fill(r, h.hovered ? t.text.with_alpha(0.1) : t.line, ui.px(4));
            }
            ui.text({r.x + ui.px(8), r.centre().y},
                    shortened(choices[i].label, t.body(), r.width - ui.px(16), ui.fonts()),
                    t.body(), t.text);
            chosen = h.pressed ? i : chosen;
        }
        ui.end_list(corner.y + row * static_cast<float>(choices.size()));
        if (ui.take_key(GLFW_KEY_ENTER) || ui.take_key(GLFW_KEY_SPACE)) {
            chosen = mark_;
        }
        if (chosen) {
            ui.later([&session = app.session(), i = param_, next = Value(choices[*chosen].name)] {
                session.set(i, next);
            });
            return false;
        }
        const ImVec2 p = ImGui::GetIO().MousePos;
        return !ui.take_key(GLFW_KEY_ESCAPE) &&
               !(ImGui::IsMouseClicked(0) && !card.contains({p.x, p.y}));
    }

private:
    std::size_t param_;
    Rect anchor_;
    std::vector<Choice> choices_;
    std::size_t mark_ = 0;
    bool opened_ = false;
};

class KeyHelp : public Overlay {
public:
    bool draw(Ui& ui, App& app) override {
        std::vector<std::pair<std::string, std::string>> rows = {
            {"Tab, Shift+Tab", "next, previous control"},
            {"arrows, Shift+arrows", "move a slider by a step, by ten"},
            {"Enter, Ctrl+click", "type a slider's value"},
            {"double-click, Backspace", "back to the default"},
            {"wheel, drag", "zoom, move a plot; double-click: as it was"},
            {"Alt+Right, Alt+Left", "next, previous page of a lesson"},
        };
        for (const Action& a : app.actions()) {
            if (!a.keys.empty()) {
                rows.emplace_back(a.keys, a.title);
            }
        }
        const Theme& t = ui.theme();
        const float row = ui.px(23);
        const float high = row * static_cast<float>(rows.size()) + ui.px(64);
        bool closed = false;
        const Size all = ui.screen();
        const Rect card = begin_card(
            ui, {std::min(ui.px(520), all.width - 16), std::min(high, all.height - 16)}, closed);
        ui.text({card.x + ui.px(20), card.y + ui.px(26)}, "Keys",
                {Face::semibold, t.title().size * 0.8F}, t.text);
        const Rect area = {card.x, card.y + ui.px(46), card.width, card.height - ui.px(54)};
        const Point corner = ui.begin_list("keys", area);
        float y = corner.y + row / 2;
        for (const auto& [keys, what] : rows) {
            ui.text({card.x + ui.px(20), y}, keys, t.mono(), t.accent);
            ui.text({card.x + ui.px(216), y}, what, t.body(), t.text);
            y += row;
        }
        ui.end_list(y);
        return !closed && !ui.take_character('?') && !ui.take_key(GLFW_KEY_ENTER);
    }
};

}  // namespace

std::unique_ptr<Overlay> make_palette() {
    return std::make_unique<Palette>();
}
std::unique_ptr<Overlay> make_lab_list() {
    return std::make_unique<LabList>();
}
std::unique_ptr<Overlay> make_choice_list(std::size_t param, Rect anchor,
                                          std::vector<Choice> choices) {
    return std::make_unique<ChoiceList>(param, anchor, std::move(choices));
}
std::unique_ptr<Overlay> make_key_help() {
    return std::make_unique<KeyHelp>();
}

}  // namespace nibble
