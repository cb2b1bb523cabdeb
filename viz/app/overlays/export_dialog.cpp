// Writing the chart on the screen to a file: format, size, theme, place; then where it is.
#include <GLFW/glfw3.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <imgui.h>

#include "viz/app/compare.hpp"
#include "viz/app/overlays/overlays.hpp"
#include "viz/figure/export.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

std::string documents() {
    const char* home = std::getenv("HOME");
    return home != nullptr && *home != 0 ? home : ".";
}

class ExportDialog : public Overlay {
public:
    explicit ExportDialog(App& app) : choices_(app.settings().exports) {
        if (choices_.folder.empty()) {
            choices_.folder = documents();
        }
        name_ = app.session().experiment().id;
        const std::vector<std::string>& known = export_suffixes();
        if (std::find(known.begin(), known.end(), choices_.suffix) == known.end()) {
            choices_.suffix = known.front();
        }
    }

    bool draw(Ui& ui, App& app) override {
        bool closed = false;
        const bool chart = choices_.suffix != ".csv" && choices_.suffix != ".json";
        const Size all = ui.screen();
        const Rect card = begin_card(
            ui, {std::min(ui.px(520), all.width - 16), std::min(ui.px(400), all.height - 16)},
            closed);
        const Theme& t = ui.theme();
        const float pad = ui.px(20);
        ui.text({card.x + pad, card.y + ui.px(28)}, "Export chart", {Face::semibold, 15 * t.scale},
                t.text);
        x_ = card.x + pad;
        width_ = card.width - 2 * pad;
        float y = card.y + ui.px(54);
        segments(ui, y, "format", export_suffixes(), choices_.suffix);
        y += ui.px(40);
        if (chart) {
            draw_size(ui, y);
            y += ui.px(40);
            std::vector<std::string> themes = {"dark", "light", "print"};
            std::string now(theme_name(choices_.theme));
            segments(ui, y, "theme", themes, now);
            choices_.theme = theme_kind(now);
            y += ui.px(40);
        }
        draw_place(ui, app, y);
        y += ui.px(80);
        draw_result(ui, y);
        closed = draw_buttons(ui, app, card) || closed;
        if (closed) {
            ui.stop_editing();
        }
        return !closed;
    }

private:
    float label(Ui& ui, float y, const char* words) const {
        ui.text({x_, y + ui.px(14)}, words, ui.medium(), ui.theme().text);
        return x_ + ui.px(90);
    }

    void segments(Ui& ui, float y, const char* what, const std::vector<std::string>& options,
                  std::string& chosen) {
        const Theme& t = ui.theme();
        const float from = label(ui, y, what == std::string("format") ? "Format" : "Theme");
        const Rect r = {from, y, x_ + width_ - from, ui.px(28)};
        ui.fill(r, t.raised, ui.px(6));
        ui.outline(r, t.line, ui.px(6));
        const float step = r.width / static_cast<float>(options.size());
        std::size_t now = 0;
        for (std::size_t i = 0; i < options.size(); ++i) {
            now = options[i] == chosen ? i : now;
        }
        std::size_t next = now;
        for (std::size_t i = 0; i < options.size(); ++i) {
            const float left = std::round(r.x + step * static_cast<float>(i));
            const Rect cell = {left, r.y, std::round(r.x + step * static_cast<float>(i + 1)) - left,
                               r.height};
            const std::string name = fmt::format("export:{}:{}", what, options[i]);
            const Hit h = ui.hit(name, cell, i == now);
            if (i == now) {
                ui.fill(cell.inset(1), t.accent, ui.px(5));
            }
            std::string words = options[i];
            if (words[0] == '.') {
                words.erase(0, 1);
                std::transform(words.begin(), words.end(), words.begin(),
                               [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
            } else {
                words[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(words[0])));
            }
            ui.text({std::round(cell.centre().x), cell.centre().y}, words, ui.medium(),
                    i == now ? t.on_accent : t.muted, HAlign::centre);
            if (h.pressed) {
                next = i;
            } else if (h.focused && ui.take_key(GLFW_KEY_RIGHT)) {
                next = std::min(i + 1, options.size() - 1);
            } else if (h.focused && ui.take_key(GLFW_KEY_LEFT)) {
                next = i > 0 ? i - 1 : 0;
            }
        }
        if (next != now) {
            chosen = options[next];
            written_.clear();
            ui.focus(fmt::format("export:{}:{}", what, chosen), false);
            ui.wake_in(0);
        }
    }

    template <class Number>
    void number(Ui& ui, Rect r, const char* name, Number& value, double low, double high) {
        FieldStyle style{ui.theme().mono(), HAlign::right};
        const std::string now = fmt::format("{}", value);
        const FieldEvent e = ui.field(fmt::format("export:{}", name), r, now, now, style);
        if (!e.committed) {
            return;
        }
        Number typed{};
        const char* end = e.text.data() + e.text.size();
        const auto [stop, failed] = std::from_chars(e.text.data(), end, typed);
        if (failed != std::errc{} || stop != end || !(typed >= low && typed <= high)) {
            error_ =
                fmt::format("{} = \"{}\" is not a number from {} to {}", name, e.text, low, high);
            refused_ = true;
        } else {
            value = typed;
            refused_ = false;
            error_.clear();
            written_.clear();
        }
    }

    void draw_size(Ui& ui, float y) {
        const Theme& t = ui.theme();
        float x = label(ui, y, "Size");
        const float wide = ui.px(72), high = ui.px(28), middle = y + high / 2;
        number(ui, {x, y, wide, high}, "width", choices_.width, 64, 8192);
        ui.text({x + wide + ui.px(10), middle}, "\u00d7", t.body(), t.muted, HAlign::centre);
        x += wide + ui.px(20);
        number(ui, {x, y, wide, high}, "height", choices_.height, 64, 8192);
        x += wide + ui.px(8);
        x += ui.text({x, middle}, "points", t.body(), t.muted) + ui.px(16);
        if (choices_.suffix == ".png") {
            number(ui, {x, y, ui.px(48), high}, "scale", choices_.scale, 0.25, 8);
            ui.text({x + ui.px(54), middle}, "pixels a point", t.body(), t.muted);
        }
    }

    void draw_place(Ui& ui, App& app, float y) {
        const float from = label(ui, y, "Folder"), high = ui.px(28);
        const float button = ui.px(74);
        FieldStyle style{ui.theme().body()};
        const Rect folder = {from, y, x_ + width_ - from - button - ui.px(8), high};
        const FieldEvent in =
            ui.field("export:folder", folder, choices_.folder, choices_.folder, style);
        if (in.committed) {
            choices_.folder = in.text;
            written_.clear();
        }
        if (ui.button("export:browse", {folder.right() + ui.px(8), y, button, high}, "Browse")) {
            FileQuestion q;
            q.wanted = FileQuestion::Wanted::folder;
            q.title = "Folder for charts";
            q.button = "Choose";
            q.start = choices_.folder;
            q.chosen = [this](const fs::path& path) {
                choices_.folder = path.string();
                written_.clear();
            };
            ui.later([&app, q] { app.show(make_file_dialog(q)); });
        }
        y += ui.px(40);
        label(ui, y, "Name");
        const Rect name = {from, y, x_ + width_ - from, high};
        const FieldEvent named =
            ui.field("export:name", name, name_, name_ + choices_.suffix, style);
        if (named.committed) {
            name_ = named.text;
            if (name_.ends_with(choices_.suffix)) {
                name_.resize(name_.size() - choices_.suffix.size());
            }
            written_.clear();
        }
    }

    void draw_result(Ui& ui, float y) {
        const Theme& t = ui.theme();
        if (!error_.empty()) {
            ui.paragraph({x_, y}, error_, t.body(), t.style(Role::limit).color, width_);
        } else if (!written_.empty()) {
            const float copy = ui.px(84);
            ui.text({x_, y + ui.px(10)}, "Written to", t.small(), t.muted);
            ui.text({x_, y + ui.px(28)},
                    shortened(written_, t.mono(), width_ - copy - ui.px(12), ui.fonts()), t.mono(),
                    t.style(Role::reference).color);
            ui.record("export:written", {x_, y, width_, ui.px(36)});
            if (ui.button("export:copy", {x_ + width_ - copy, y + ui.px(12), copy, ui.px(26)},
                          "Copy path")) {
                ImGui::SetClipboardText(written_.c_str());
            }
        }
    }

    bool draw_buttons(Ui& ui, App& app, Rect card) {
        const float y = card.bottom() - ui.px(46), high = ui.px(28);
        const Rect go = {x_ + width_ - ui.px(96), y, ui.px(96), high};
        const bool enter = !ui.is_typing() && ui.focused().empty() && ui.take_key(GLFW_KEY_ENTER);
        if (ui.button("export:go", go, "Export", ButtonLook::primary) || enter) {
            write(app);
        }
        return ui.button("export:close", {go.x - ui.px(104), y, ui.px(96), high}, "Close");
    }

    void write(App& app) {
        if (refused_) {  // the click that left the field: its error must be seen first
            refused_ = false;
            return;
        }
        error_.clear();
        written_.clear();
        if (name_.empty()) {
            error_ = "Type a name for the file";
            return;
        }
        const fs::path path = fs::path(choices_.folder) / (name_ + choices_.suffix);
        ExportOptions options;
        options.size = {static_cast<float>(choices_.width), static_cast<float>(choices_.height)};
        options.scale = static_cast<float>(choices_.scale);
        options.theme = choices_.theme;
        options.zooms = app.figure().zooms(app.session().experiment().id);
        try {
            // What is exported is what is seen: with the ghosts of A.
            const Session& session = app.session();
            const Pinned* a = session.pinned();
            const bool ghost = a != nullptr && a->outcome != session.outcome();
            export_outcome(ghost ? with_ghost(*session.outcome(), *a->outcome) : *session.outcome(),
                           session.outcome_scenario(), session.experiments(), path, options);
            std::error_code failed;
            const fs::path whole = fs::absolute(path, failed);
            written_ = (failed ? path : whole).string();
            app.settings().exports = choices_;
            app.note_settings();
        } catch (const Error& e) { error_ = e.line(); }
    }

    ExportChoices choices_;
    std::string name_, error_, written_;
    float x_ = 0, width_ = 0;
    bool refused_ = false;  // a size that was typed; the old one stands in the field again
};

}  // namespace

std::unique_ptr<Overlay> make_export_dialog(App& app) {
    return std::make_unique<ExportDialog>(app);
}

}  // namespace nibble
