// The hand-in: one HTML file that shows what a reader did, and carries it for the grader.
//
// The file holds no script and refers to nothing outside. What the grader reads is JSON in
// <pre id="nibble-hand-in" hidden>: the answers (answers.hpp) and beside them
//
//     "figures": [ { "id": "budget", "data": "8c1f...", "picture": "77ab..." } ],
//     "points": 5, "out_of": 6
//
// where `data` is the digest of the numbers behind a figure and `picture` that of its SVG.
#pragma once

#include <filesystem>
#include <string>

#include "viz/lesson/answers.hpp"
#include "viz/lesson/bench.hpp"

namespace nibble {

std::string report_html(const Lesson& lesson, const LessonAnswers& answers, LessonBench& bench);

/// The same as report.md with figures/*.svg and data/*.csv in a folder that is made when it is not
/// there. Throws Error::io.
void write_report_folder(const Lesson& lesson, const LessonAnswers& answers, LessonBench& bench,
                         const std::filesystem::path& folder);

}  // namespace nibble
