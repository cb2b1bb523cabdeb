// The lessons there are.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "viz/lesson/lesson.hpp"

namespace nibble {

/// lessons/ of the installation or of the sources; NIBBLE_LESSONS names another folder.
std::filesystem::path lessons_folder();

/// Every .md file of the folder but README.md: numbered ones first, in order. Empty when there is
/// no such folder.
std::vector<std::filesystem::path> lesson_files(const std::filesystem::path& folder);

/// Reads one file. Throws Error::io when that fails, and what read_lesson() throws.
Lesson load_lesson(const std::filesystem::path& path, const Experiments& all);

/// The lesson with this id, slug or file name ("02", "2", "rounding", "02-rounding.md"). Throws
/// Error::bad_param, naming the nearest.
Lesson find_lesson(std::string_view name, const Experiments& all,
                   const std::filesystem::path& folder = lessons_folder());

}  // namespace nibble
