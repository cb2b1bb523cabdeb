// The lab sheet: a lesson to print, with lines to write on, or with the answers for the teacher.
#pragma once

#include <string>

#include "viz/lesson/bench.hpp"

namespace nibble {

/// A PDF of A4 pages. A prediction ends its page, so that nobody sees what comes before they have
/// drawn. With `answers`: truths, hints, solutions and the teacher's notes, beside a stripe.
std::string sheet_pdf(const Lesson& lesson, LessonBench& bench, bool answers);

}  // namespace nibble
