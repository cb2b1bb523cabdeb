// What the window's buttons, keys and commands do.
#include <GLFW/glfw3.h>
#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <imgui.h>

#include "sim/tensor/tensor_file.hpp"
#include "viz/app/app_frame.hpp"
#include "viz/app/overlays/overlays.hpp"
#include "viz/app/ui/words.hpp"
#include "viz/figure/export.hpp"

namespace nibble {
namespace {

std::string lower_suffix(const std::filesystem::path& path) {
    std::string suffix = path.extension().string();
    for (char& c : suffix) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return suffix;
}

/// Where a dialog starts: the folder that was used last, or home.
std::filesystem::path start_folder(const Settings& settings) {
    if (!settings.exports.folder.empty()) {
        return settings.exports.folder;
    }
    const char* home = std::getenv("HOME");
    return home != nullptr && *home != 0 ? home : ".";
}

}  // namespace

void App::tell(std::string words) {
    notice_ = std::move(words);
    notice_since_ = -1;
}

void App::show(std::unique_ptr<Overlay> overlay) {
    ui_.stop_editing();
    overlays_.push_back(std::move(overlay));
    ui_.wake_in(0);
}

void App::draw_overlays() {
    for (std::size_t i = 0; i < overlays_.size(); ++i) {
        ui_.begin_overlay(fmt::format("overlay {}", i), i + 1 == overlays_.size());
        const bool stays = overlays_[i]->draw(ui_, *this);
        ui_.end_overlay();
        if (!stays) {
            overlays_.erase(overlays_.begin() + static_cast<std::ptrdiff_t>(i));
            ui_.wake_in(0);
            break;
        }
    }
}

void App::toggle_theme() {
    if (settings_.projector) {
        settings_.projector = false;
    } else {
        settings_.theme = settings_.theme == ThemeKind::dark ? ThemeKind::light : ThemeKind::dark;
    }
    settings_changed_ = true;
    update_theme();
    ui_.wake_in(0);
}

void App::toggle_projector() {
    settings_.projector = !settings_.projector;
    settings_changed_ = true;
    update_theme();
    ui_.wake_in(0);
}

void App::toggle_pin() {
    if (session_.pinned() != nullptr) {
        session_.unpin();
        tell("A is unpinned");
    } else if (session_.pin()) {
        tell("This result is pinned as A");
    }
    ui_.wake_in(0);
}

void App::select(const std::string& experiment) {
    session_.select(experiment);
    params_.forget_errors();
    notice_.clear();
    settings_changed_ = true;
    ui_.wake_in(0);
}

void App::choose_device(kernels::Machine device) {
    if (device != session_.device()) {
        session_.set_device(device);
        settings_changed_ = true;
    }
    const kernels::DeviceInfo info = devices_.info(device);
    if (!session_.experiment().uses_device && device != kernels::Machine::cpu) {
        tell(session_.experiment().title +
             " computes on the CPU; labs with kernels take the device");
    } else if (!info.ready()) {
        tell(info.reason + " The CPU computes instead.");
    }
    ui_.wake_in(0);
}

void App::open_file(const std::filesystem::path& path) {
    try {
        session_.open(read_scenario(path, session_.experiments()));
        params_.forget_errors();
        settings_changed_ = true;
        tell("opened " + path.filename().string());
    } catch (const Error& e) { tell(e.line()); }
}

void App::save_file(const std::filesystem::path& path) {
    std::filesystem::path whole = path;
    if (!whole.has_extension()) {
        whole += ".json";
    }
    std::ofstream file(whole, std::ios::binary | std::ios::trunc);
    file << to_json_text(session_.scenario(), session_.experiments()) << '\n';
    tell(file.flush() ? "saved " + whole.string()
                      : "cannot write " + whole.string() + "; choose a folder of your own");
}

void App::drop(const std::filesystem::path& path) {
    const std::string suffix = lower_suffix(path);
    const auto takes = [&](const std::vector<std::string>& suffixes) {
        return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end();
    };
    const std::vector<ParamInfo>& params = session_.experiment().params;
    for (std::size_t i = 0; i < params.size(); ++i) {
        // A choice that takes files takes a model's shape; other .json files are scenarios.
        const bool is_shape =
            params[i].type == ParamType::choice && path.filename() == "config.json";
        if ((params[i].type == ParamType::file || is_shape) && takes(params[i].suffixes)) {
            try {
                session_.set(i, Value(path.string()));
                tell(fmt::format("{}: {}", params[i].title, path.filename().string()));
            } catch (const Error& e) { tell(e.line()); }
            return;
        }
    }
    if (takes(export_suffixes())) {
        open_file(path);
    } else {
        tell(fmt::format("{} takes no {} file", session_.experiment().title,
                         suffix.empty() ? "such" : suffix));
    }
}

void App::copy_command() {
    const std::string command = to_command(session_.scenario(), session_.experiments());
    ImGui::SetClipboardText(command.c_str());
    tell("copied: " + command);
}

void App::reset_panel() {
    session_.reset_panel();
    params_.forget_errors();
}

void App::show_export() {
    if (session_.outcome()) {
        show(make_export_dialog(*this));
    } else {
        tell("there is no chart yet");
    }
}

void App::show_devices() {
    const auto& rects = ui_.rects();
    const auto chip = rects.find("device");
    show(
        make_device_list(chip != rects.end() ? chip->second : Rect{ui_.px(16), ui_.px(11), 0, 26}));
}

void App::show_palette() {
    show(make_palette());
}

void App::show_parameter(std::size_t param) {
    const ParamInfo& info = session_.experiment().params.at(param);
    if (!session_.relevant().at(param)) {
        tell(info.title + " changes nothing with these values, so it is not shown");
        return;
    }
    if (info.is_advanced) {
        params_.shows_more(session_.experiment().id) = true;
    }
    if (const Timeline* line = TimelineBar::of(session_); line && line->param == info.name) {
        ui_.focus("timeline");
        ui_.wake_in(0);
        return;
    }
    const bool chooses = info.type == ParamType::choice;
    const std::string segment =
        chooses ? "/" + std::get<std::string>(session_.value(param)) : std::string();
    const std::string whole = "param:" + info.name;
    // A choice is one control or one a segment, depending on the room it has.
    ui_.focus(chooses && ui_.rects().count(whole + segment) != 0 ? whole + segment : whole);
    ui_.wake_in(0);
}

void App::serve(const PanelRequests& requests) {
    if (requests.open_list) {
        const PanelRequests::List& list = *requests.open_list;
        show(make_choice_list(list.param, list.anchor,
                              session_.experiment().params[list.param].choices));
    }
    if (requests.list_tensors) {
        list_tensors(*requests.list_tensors);
    }
    if (requests.browse) {
        const std::size_t param = *requests.browse;
        const ParamInfo& info = session_.experiment().params[param];
        const std::string& now = std::get<std::string>(session_.value(param));
        FileQuestion question;
        question.title = info.title;
        question.button = "Choose";
        question.suffixes = info.suffixes;
        question.start =
            now.empty() ? start_folder(settings_) : std::filesystem::path(now).parent_path();
        question.chosen = [this, param](const std::filesystem::path& path) {
            try {
                session_.set(param, Value(path.string()));
            } catch (const Error& e) { tell(e.line()); }
        };
        show(make_file_dialog(std::move(question)));
    }
}

void App::list_tensors(const PanelRequests::List& list) {
    const Experiment& experiment = session_.experiment();
    const std::size_t file = experiment.index_of(experiment.params[list.param].tensor_of);
    try {
        std::vector<Choice> choices = {{"", "the first matrix"}};
        const auto opened = TensorFile::open(std::get<std::string>(session_.value(file)));
        for (const TensorInfo& t : opened->tensors()) {
            choices.push_back(
                {t.name, fmt::format("{}  {}", t.name, fmt::join(t.shape, " \u00d7 "))});
        }
        show(make_choice_list(list.param, list.anchor, std::move(choices)));
    } catch (const Error& e) { tell(with_labels(e.line(), experiment)); }
}

void App::make_actions() {
    const auto ask = [this](FileQuestion::Wanted wanted) {
        FileQuestion q;
        q.wanted = wanted;
        const bool opens = wanted == FileQuestion::Wanted::existing_file;
        q.title = opens ? "Open a scenario, or a chart that holds one" : "Save the scenario";
        q.button = opens ? "Open" : "Save";
        q.suffixes = opens ? export_suffixes() : std::vector<std::string>{".json"};
        q.start = start_folder(settings_);
        if (!opens) {
            q.start /= session_.experiment().id + ".json";
        }
        q.chosen = [this, opens](const std::filesystem::path& path) {
            opens ? open_file(path) : save_file(path);
        };
        show(make_file_dialog(std::move(q)));
    };
    const auto on_timeline = [this](const auto& act) {
        if (TimelineBar::of(session_) != nullptr) {
            act();
        } else {
            tell(session_.experiment().title + " has no timeline");
        }
    };
    const auto step = [this, on_timeline](int steps) {
        on_timeline([this, steps] { timeline_.step(session_, steps); });
    };
    actions_ = {
        {"Commands", "Ctrl+K", [this] { show_palette(); }},
        {"Keys", "?", [this] { show(make_key_help()); }},
        {"Undo", "Ctrl+Z", [this] { session_.undo(), params_.forget_errors(); }},
        {"Redo", "Ctrl+Shift+Z", [this] { session_.redo(), params_.forget_errors(); }},
        {"Pin or unpin A", "A", [this] { toggle_pin(); }},
        {"Projector", "P, F5", [this] { toggle_projector(); }},
        {"Light or dark theme", "T", [this] { toggle_theme(); }},
        {"Export chart", "Ctrl+E", [this] { show_export(); }},
        {"Device", "", [this] { show_devices(); }},
        {"Copy as command", "Ctrl+C", [this] { copy_command(); }},
        {"Save scenario", "Ctrl+S", [ask] { ask(FileQuestion::Wanted::new_file); }},
        {"Open scenario", "Ctrl+O", [ask] { ask(FileQuestion::Wanted::existing_file); }},
        {"Play or pause", "Space",
         [this, on_timeline] { on_timeline([this] { timeline_.toggle(ui_, session_); }); }},
        {"Step forward", ". or Right", [step] { step(1); }},
        {"Step back", ", or Left", [step] { step(-1); }},
        {"Labs", "", [this] { show_lessons(false); }},
        {"Lessons", "L", [this] { show_lessons(true); }},
        {"Reset panel", "", [this] { reset_panel(); }},
        {"Quit", "Ctrl+Q", [this] { wants_close_ = true; }},
    };
}

void App::shortcuts() {
    const auto run = [this](std::string_view title) {
        const auto found = std::find_if(actions_.begin(), actions_.end(),
                                        [&](const Action& a) { return a.title == title; });
        NIBBLE_ASSERT(found != actions_.end(), "a shortcut names an action");
        ui_.later([this, act = found->run] {
            notice_.clear();
            act();
        });
    };
    struct Key {
        int key, mods;
        std::string_view action;
    };
    static constexpr int ctrl = GLFW_MOD_CONTROL;
    static constexpr Key anywhere[] = {
        {GLFW_KEY_K, ctrl, "Commands"},      {GLFW_KEY_E, ctrl, "Export chart"},
        {GLFW_KEY_S, ctrl, "Save scenario"}, {GLFW_KEY_O, ctrl, "Open scenario"},
        {GLFW_KEY_Q, ctrl, "Quit"},          {GLFW_KEY_F1, 0, "Keys"},
        {GLFW_KEY_F5, 0, "Projector"},
    };
    static constexpr Key outside_fields[] = {
        {GLFW_KEY_Z, ctrl, "Undo"},        {GLFW_KEY_Z, ctrl | GLFW_MOD_SHIFT, "Redo"},
        {GLFW_KEY_Y, ctrl, "Redo"},        {GLFW_KEY_C, ctrl, "Copy as command"},
        {GLFW_KEY_P, 0, "Projector"},      {GLFW_KEY_T, 0, "Light or dark theme"},
        {GLFW_KEY_A, 0, "Pin or unpin A"}, {GLFW_KEY_L, 0, "Lessons"},
    };
    const auto first = [&](const auto& keys) -> std::string_view {
        for (const Key& k : keys) {
            if (ui_.take_key(k.key, k.mods)) {
                return k.action;
            }
        }
        return {};
    };
    std::string_view action = first(anywhere);
    if (action.empty() && !ui_.is_typing()) {
        action = ui_.take_character('?') ? std::string_view("Keys") : first(outside_fields);
    }
    if (!action.empty()) {
        run(action);
        ui_.wake_in(0);
    }
    if (!ui_.is_typing() && ui_.take_key(GLFW_KEY_ESCAPE)) {
        ui_.later([this] { params_.forget_errors(); });
        ui_.wake_in(0);
    }
    if (!ui_.is_typing() && !is_lost() && TimelineBar::of(session_) != nullptr) {
        timeline_.take_keys(ui_, session_);
    }
}

}  // namespace nibble
