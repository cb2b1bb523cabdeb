// What the window remembers between sessions: theme, size, export choices, the last scenario.
//
// It lives in $XDG_CONFIG_HOME/nibble/settings.json (or ~/.config/nibble). A file that cannot be
// understood is ignored with a notice and replaced at the next change; nothing here ever throws.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sim/core/scenario.hpp"
#include "viz/figure/files.hpp"
#include "viz/figure/theme.hpp"

namespace nibble {

struct ExportChoices {
    std::string suffix = ".svg";
    int width = 960, height = 640;
    double scale = 2;
    ThemeKind theme = ThemeKind::print;
    std::string folder;  // empty: the home folder's Documents, or home
};

struct Settings {
    ThemeKind theme = ThemeKind::dark;
    bool projector = false;
    int width = 1280, height = 800;  // of the window
    ExportChoices exports;
    std::optional<Scenario> last;
    std::string lesson;  // that is being read; empty: none
    std::size_t lesson_page = 0;
};

struct LoadedSettings {
    Settings settings;
    std::string notice;  // why the file was ignored; empty when it was read or absent
};
LoadedSettings load_settings(const std::filesystem::path& folder, const Experiments& all);

/// Writes whole or not at all. False when it could not be written.
bool save_settings(const Settings& settings, const std::filesystem::path& folder,
                   const Experiments& all);

/// "dark", "light", "print".
std::string_view theme_name(ThemeKind kind);

}  // namespace nibble
