// Runs every block of a lesson: what a reader would meet, before a reader meets it.
#pragma once

#include <string>
#include <vector>

#include "viz/lesson/bench.hpp"

namespace nibble {

/// Computes all of it, and tries the scripted answers. Returns what is wrong, one line each, with
/// file and line: nothing for a lesson that works.
std::vector<std::string> check_lesson(const Lesson& lesson, LessonBench& bench);

}  // namespace nibble
