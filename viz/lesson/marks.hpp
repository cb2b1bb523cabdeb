// Marking: one point for each task done, each prediction made and each question answered right.
//
// A prediction is worth its point whatever it says: being surprised is the purpose of it.
#pragma once

#include <string>
#include <vector>

#include "viz/lesson/answers.hpp"
#include "viz/lesson/bench.hpp"

namespace nibble {

enum class Verdict { unanswered, right, wrong, predicted };
std::string_view name(Verdict verdict);

struct MarkedBlock {
    std::string id;
    std::string kind;  // "task", "prediction", "question"
    Verdict verdict = Verdict::unanswered;
    int points = 0;           // of 1
    std::string given = {};   // the answer in words
    std::string truth = {};   // the true one in words
    std::string remark = {};  // how far off, or why it does not count
};

struct Marks {
    std::vector<MarkedBlock> blocks;  // in the lesson's order
    int points = 0, out_of = 0;
};

MarkedBlock mark(const TaskBlock& task, const Answer& answer, LessonBench& bench);
MarkedBlock mark(const QuestionBlock& question, const Answer& answer, LessonBench& bench);
Marks mark(const Lesson& lesson, const LessonAnswers& answers, LessonBench& bench);

/// How a drawn line or a placed point lies to the true one, in a sentence.
std::string gap_in_words(const std::vector<std::pair<double, double>>& drawn,
                         const std::vector<std::pair<double, double>>& truth, const Figure& figure);

}  // namespace nibble
