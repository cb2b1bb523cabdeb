// What the files of data/published and data/measured have in common: numbers that others printed or
// measured, and in a table [source] where they are from, under which licence, and how they were
// seen. Each kind of number has a reader of its own beside what it is held against.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/roofline/toml_table.hpp"

namespace nibble {

struct Citation {
    std::string source, licence;
    std::string seen;  // "full text of the paper"; empty where nobody noted it
};

/// The table [source] of a file: from, licence and perhaps seen. Throws Error::bad_file naming the
/// line and key.
Citation citation_in(const TomlTable& file);

/// Every .toml of a folder, by name. Throws Error::io when the folder is not there.
std::vector<std::filesystem::path> data_files(const std::filesystem::path& folder);

}  // namespace nibble
