// Files written whole or not at all, and read up to a bound.
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

/// The first `most` bytes of a regular file (`from_end`: the last). Throws Error::io.
std::string read_file_part(const std::filesystem::path& path, std::size_t most,
                           bool from_end = false);

}  // namespace nibble
