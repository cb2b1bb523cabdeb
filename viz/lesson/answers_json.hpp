// JSON of answers as values, for the hand-in that carries them beside other things.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "sim/core/json_object.hpp"
#include "viz/lesson/answers.hpp"

namespace nibble {

nlohmann::ordered_json answers_to_json(const LessonAnswers& answers, const Lesson& lesson,
                                       const Experiments& all);
/// As answers_from_json(); keys in `also` are left to the caller.
LessonAnswers answers_of_json(const JsonObject& whole, const Lesson& lesson, const Experiments& all,
                              const std::vector<std::string>& also = {},
                              std::vector<std::string>* warnings = nullptr);

}  // namespace nibble
