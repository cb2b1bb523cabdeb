// A lesson with every kind of block over a toy experiment that answers at once.
#pragma once

#include <string>

#include "viz/lesson/lesson.hpp"

namespace nibble::test {

/// One experiment, "toy": x from 0 to 10 (1), y from 0 to 10 (2), shape round or square, fine_print
/// (a file). Metrics: sum = x + y, product, and ticks, which is timed. A figure "curve" with the
/// line "true" through (0, 0), (10, 10 x). A table "rows" by name: a, b with value x, y.
const Experiments& toy_experiments();

/// 01-toy.md: five predictions and questions of each kind, one task.
const std::string& toy_lesson_text();
Lesson toy_lesson();

}  // namespace nibble::test
