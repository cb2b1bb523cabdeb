// A lesson as plain text: for a terminal, and for the Markdown of a hand-in.
#pragma once

#include <string>
#include <string_view>

#include "viz/lesson/bench.hpp"

namespace nibble {

/// "2^{b-1}" -> "2^(b-1)", "s_{g}" -> "s_g": the notation of equations without braces.
std::string plain_math(std::string_view math);

/// Letters alone, with emphasis as *stars* when `marked`. Computed text must be filled in before.
std::string plain_line(const RichText& text, bool marked = false);

/// The whole lesson, computed, in paragraphs of at most `width` columns; with `teacher` its notes
/// and the answers too.
std::string plain_lesson(const Lesson& lesson, LessonBench& bench, std::size_t width, bool teacher);

}  // namespace nibble
