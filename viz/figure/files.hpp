// Files written whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace nibble {

/// The folder for what the program remembers: $XDG_CONFIG_HOME/nibble or ~/.config/nibble; empty
/// when neither variable is set.
std::filesystem::path settings_folder();

/// Writes beside `path` and renames. Throws Error::io naming the path and the system's reason.
void write_whole_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace nibble
