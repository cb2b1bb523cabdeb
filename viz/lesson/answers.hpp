// What a reader did with a lesson: the same struct in the window, in a file and in a hand-in.
//
//     { "format": 1, "nibble": "0.1.0", "lesson": "02", "lesson_digest": "8c1f...", "student":
//     "Ada",
//       "answers": { "guess": { "text": "6 dB" }, "who-pays": { "chosen": [1] },
//                    "curve": { "points": [[2, 4.5], [8, 40]] },
//                    "budget": { "parameters": { "bits": 3 }, "seed": 1 } } }
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "viz/lesson/lesson.hpp"

namespace nibble {

/// One of these is filled, by the kind of the block.
struct Answer {
    std::string text = {};                               // of a number or a short text, as typed
    std::vector<int> chosen = {};                        // options, counted from 0, increasing
    std::vector<std::pair<double, double>> points = {};  // a drawn line by x, or one point
    std::optional<Scenario> scenario = std::nullopt;     // of a task: where its reader stands
    friend bool operator==(const Answer&, const Answer&) = default;
};

struct LessonAnswers {
    std::string lesson;                          // its id
    std::string lesson_digest;                   // of the file that was answered
    std::string student = {};                    // as they write their name; may be empty
    std::map<std::string, Answer> answers = {};  // by the block's id
    std::string written_by = {};                 // version of the program
};

/// No answers yet.
LessonAnswers no_answers(const Lesson& lesson);
/// Every answer right, tasks solved by their scripted solution: for tests and the teacher.
class LessonBench;
LessonAnswers model_answers(const Lesson& lesson, LessonBench& bench);

std::string to_json_text(const LessonAnswers& answers, const Lesson& lesson, const Experiments& all,
                         int indent = 2);
/// Throws Error::bad_file, naming what is wrong: another lesson, an unknown key, a block that the
/// lesson does not have, a wrong type, more than a reader could have written. Answers to another
/// edition of the lesson are taken as far as they fit this one; what does not is left out and named
/// in `warnings`.
LessonAnswers answers_from_json(std::string_view text, const Lesson& lesson, const Experiments& all,
                                std::vector<std::string>* warnings = nullptr);

/// The file in the user's configuration folder that keeps the answers to a lesson; empty when there
/// is no such folder.
std::filesystem::path answers_file(const Lesson& lesson);
/// What is kept there, or no answers. Throws as answers_from_json does, and Error::io.
LessonAnswers load_answers(const Lesson& lesson, const Experiments& all);
/// Writes whole or not at all, folders included. Throws Error::io.
void save_answers(const LessonAnswers& answers, const Lesson& lesson, const Experiments& all);

/// "6.7 ms", "6.7", "0.0067 s" for a number wanted in ms -> 6.7. Throws Error::bad_param, saying
/// what is expected.
double read_quantity(std::string_view text, std::string_view unit);

/// Whether a short text fits one of the patterns: any case, any spacing, * for anything.
bool fits(std::string_view text, const std::vector<std::string>& patterns);

}  // namespace nibble
