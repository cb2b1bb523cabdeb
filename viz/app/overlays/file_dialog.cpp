// A file picker made of one text line and one list: the line is a path, the list is what goes on
// from there. Typing narrows it, Enter takes the marked row, Tab completes it.
#include <GLFW/glfw3.h>
#include <algorithm>
#include <cctype>
#include <imgui.h>
#include <system_error>

#include "viz/app/overlays/overlays.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

struct Entry {
    std::string name;
    bool is_folder = false;
};

bool ends_like(const std::string& name, const std::vector<std::string>& suffixes) {
    std::string low = name;
    std::transform(low.begin(), low.end(), low.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return suffixes.empty() || std::any_of(suffixes.begin(), suffixes.end(),
                                           [&](const std::string& s) { return low.ends_with(s); });
}

/// Folders first, then matching files, both by name. Hidden ones only when asked for by a dot.
std::vector<Entry> list_folder(const fs::path& folder, const std::string& prefix,
                               const FileQuestion& question, std::string& error) {
    std::vector<Entry> entries;
    std::error_code failed;
    for (fs::directory_iterator it(folder, failed), end; !failed && it != end;
         it.increment(failed)) {
        const std::string name = it->path().filename().string();
        std::error_code unknown;
        const bool is_folder = it->is_directory(unknown);
        const bool wanted = is_folder || (question.wanted != FileQuestion::Wanted::folder &&
                                          ends_like(name, question.suffixes));
        const bool hidden = name.starts_with(".") && !prefix.starts_with(".");
        if (wanted && !hidden && name.starts_with(prefix)) {
            entries.push_back({name, is_folder});
        }
    }
    error = failed ? "This folder cannot be read: " + failed.message() : "";
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return a.is_folder != b.is_folder ? a.is_folder : a.name < b.name;
    });
    return entries;
}

fs::path with_home(const std::string& text) {
    const char* home = std::getenv("HOME");
    if (home != nullptr && (text == "~" || text.starts_with("~/"))) {
        return fs::path(home + text.substr(1));
    }
    return text;
}

class FileDialog : public Overlay {
public:
    explicit FileDialog(FileQuestion question) : question_(std::move(question)) {
        std::error_code failed;
        const fs::path start = fs::absolute(question_.start, failed);
        text_ = start.string();
        if (fs::is_directory(start, failed) && !text_.ends_with('/')) {
            text_ += '/';
        }
    }

    bool draw(Ui& ui, App&) override {
        bool closed = false;
        const Size all = ui.screen();
        const Rect card = begin_card(
            ui, {std::min(ui.px(600), all.width - 16), std::min(ui.px(440), all.height - 16)},
            closed);
        const Theme& t = ui.theme();
        const float pad = ui.px(16);
        ui.text({card.x + pad, card.y + ui.px(24)}, question_.title,
                {Face::semibold, t.body().size}, t.text);
        refresh();
        if (ui.take_key(GLFW_KEY_DOWN)) {
            mark_ = mark_ + 1 < static_cast<int>(entries_.size()) ? mark_ + 1 : 0;
        } else if (ui.take_key(GLFW_KEY_UP)) {
            mark_ = mark_ > 0 ? mark_ - 1 : static_cast<int>(entries_.size()) - 1;
        }
        if (ui.take_key(GLFW_KEY_TAB)) {
            take(std::max(mark_, 0), ui);
        }
        type_path(ui, {card.x + pad, card.y + ui.px(44), card.width - 2 * pad, ui.px(30)});
        list(ui, {card.x + ui.px(8), card.y + ui.px(84), card.width - ui.px(16),
                  card.height - ui.px(138)});
        const float y = card.bottom() - ui.px(42);
        const Rect ok = {card.right() - pad - ui.px(90), y, ui.px(90), ui.px(28)};
        if (ui.button("file:ok", ok, overwrites_ ? "Replace" : question_.button,
                      ButtonLook::primary)) {
            decide(ui);
        }
        const Rect cancel = {ok.x - ui.px(98), y, ui.px(90), ok.height};
        closed = ui.button("file:cancel", cancel, "Cancel") || closed;
        const std::string& note = error_.empty() ? message_ : error_;
        ui.text({card.x + pad, ok.centre().y},
                shortened(note, t.small(), cancel.x - card.x - 2 * pad, ui.fonts()), t.small(),
                t.style(Role::limit).color);
        if (done_) {
            ui.later([chosen = question_.chosen, path = chosen_] { chosen(path); });
        }
        if (done_ || closed) {
            ui.stop_editing();
            return false;
        }
        return true;
    }

private:
    /// Lists the folder of the typed path again when the path has changed.
    void refresh() {
        if (text_ == listed_) {
            return;
        }
        listed_ = text_;
        mark_ = -1;
        overwrites_ = false;
        message_.clear();
        const fs::path path = with_home(text_);
        prefix_ = text_.ends_with('/') ? "" : path.filename().string();
        folder_ = text_.ends_with('/') ? path : path.parent_path();
        const bool saves = question_.wanted == FileQuestion::Wanted::new_file;
        entries_ = list_folder(folder_, saves ? "" : prefix_, question_, error_);
    }

    void type_path(Ui& ui, Rect r) {
        if (!ui.is_typing()) {
            ui.edit("file:path", text_);
        }
        FieldStyle style{ui.theme().body()};
        style.is_wrong = !error_.empty();
        style.select_all = false;
        const FieldEvent event = ui.field("file:path", r, text_, text_, style);
        if (event.editing && event.text != text_) {
            text_ = event.text;
            ui.wake_in(0);
        } else if (event.committed && ImGui::IsMouseDown(0) == false) {
            mark_ >= 0 ? take(mark_, ui) : decide(ui);
        }
    }

    /// Goes into a folder, or takes a file's name into the line.
    void take(int row, Ui& ui) {
        if (row < 0 || row >= static_cast<int>(entries_.size())) {
            return;
        }
        const Entry entry = entries_[static_cast<std::size_t>(row)];
        text_ = (folder_ / entry.name).string() + (entry.is_folder ? "/" : "");
        ui.edit("file:path", text_);
        ui.wake_in(0);
        if (!entry.is_folder && question_.wanted == FileQuestion::Wanted::existing_file) {
            refresh();
            decide(ui);
        }
    }

    void decide(Ui& ui) {
        const fs::path path = with_home(text_);
        std::error_code failed;
        const bool is_folder = fs::is_directory(path, failed);
        switch (question_.wanted) {
            case FileQuestion::Wanted::folder:
                done_ = is_folder;
                message_ = done_ ? "" : "There is no such folder";
                break;
            case FileQuestion::Wanted::existing_file:
                done_ = fs::is_regular_file(path, failed);
                if (is_folder && !text_.ends_with('/')) {
                    text_ += '/';
                    ui.edit("file:path", text_);
                } else if (!done_ && entries_.size() == 1) {
                    take(0, ui);
                } else if (!done_) {
                    message_ = is_folder ? "Choose a file" : "There is no such file";
                }
                break;
            case FileQuestion::Wanted::new_file:
                if (is_folder || prefix_.empty()) {
                    message_ = "Type a name for the file";
                } else if (fs::exists(path, failed) && !overwrites_) {
                    overwrites_ = true;
                    message_ = "There is such a file already";
                } else {
                    done_ = true;
                }
                break;
        }
        chosen_ = path;
        ui.wake_in(0);
    }

    void list(Ui& ui, Rect area) {
        const Theme& t = ui.theme();
        const Point corner = ui.begin_list("files", area);
        float y = corner.y;
        int taken = -1;
        const fs::path parent = folder_.parent_path();
        const auto row = [&](const std::string& name, const std::string& words, bool marked,
                             Color ink) {
            const Rect r = {corner.x, y, area.width - ui.px(8), ui.px(24)};
            y += r.height;
            const Hit h = ui.hit("file:" + name, r, false);
            if (marked || h.hovered) {
                ui.fill(r, marked ? t.raised : t.raised.with_alpha(0.5), ui.px(4));
            }
            ui.text({r.x + ui.px(10), r.centre().y}, words, t.body(), ink);
            if (marked && seen_mark_ != mark_) {
                ui.reveal(r);
                seen_mark_ = mark_;
            }
            return h.pressed;
        };
        bool up = false;
        if (folder_.has_relative_path()) {
            up = row("..", "\u2191 folder above", false, t.muted);
        }
        for (int i = 0; i < static_cast<int>(entries_.size()); ++i) {
            const Entry& e = entries_[static_cast<std::size_t>(i)];
            if (row(e.name, e.name + (e.is_folder ? "/" : ""), i == mark_,
                    e.is_folder ? t.muted : t.text)) {
                taken = i;
            }
        }
        if (entries_.empty() && error_.empty()) {
            ui.text({corner.x + ui.px(10), y + ui.px(14)}, "Nothing here that fits", t.body(),
                    t.faint);
        }
        ui.end_list(y);
        if (up) {
            const fs::path here = text_.ends_with('/') ? folder_.parent_path() : folder_;
            text_ = here.parent_path().string();
            text_ += text_.ends_with('/') ? "" : "/";
            ui.edit("file:path", text_);
            ui.wake_in(0);
        } else if (taken >= 0) {
            take(taken, ui);
        }
    }

    FileQuestion question_;
    std::string text_, listed_ = "\n", prefix_, error_, message_;
    fs::path folder_, chosen_;
    std::vector<Entry> entries_;
    int mark_ = -1, seen_mark_ = -1;
    bool done_ = false, overwrites_ = false;
};

}  // namespace

std::unique_ptr<Overlay> make_file_dialog(FileQuestion question) {
    return std::make_unique<FileDialog>(std::move(question));
}

}  // namespace nibble
