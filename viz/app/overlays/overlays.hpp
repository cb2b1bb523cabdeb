// What opens above the window: command palette, dialogs, lists.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "viz/app/app_frame.hpp"

namespace nibble {

/// Ctrl+K: labs, actions and parameters by name.
std::unique_ptr<Overlay> make_palette();
/// The labs, where the window has no room for the navigation.
std::unique_ptr<Overlay> make_lab_list();
/// What a choice or text parameter may become, below its button.
std::unique_ptr<Overlay> make_choice_list(std::size_t param, Rect anchor,
                                          std::vector<Choice> choices);
/// The devices, each with its state, below the badge.
std::unique_ptr<Overlay> make_device_list(Rect anchor);
/// Every key and what it does.
std::unique_ptr<Overlay> make_key_help();
/// Format, size, theme, place; then what was written.
std::unique_ptr<Overlay> make_export_dialog(App& app);

struct FileQuestion {
    enum class Wanted { existing_file, new_file, folder } wanted = Wanted::existing_file;
    std::string title;                  // "Open a scenario or a chart"
    std::string button;                 // "Open"
    std::vector<std::string> suffixes;  // listed files end in one of them; empty: all
    std::filesystem::path start;        // a folder, or the file to propose
    std::function<void(const std::filesystem::path&)> chosen;
};
std::unique_ptr<Overlay> make_file_dialog(FileQuestion question);

/// A card in the middle of the upper part of the window, everything else veiled. `closed` turns
/// true when Escape or a click beside the card dismisses it.
/// `top` negative: at a third of what is left.
Rect begin_card(Ui& ui, Size size, bool& closed, float top = -1);

}  // namespace nibble
