// The figures of a hand-in: where each task was left, and each prediction over the truth.
#pragma once

#include <string>
#include <vector>

#include "viz/lesson/answers.hpp"
#include "viz/lesson/bench.hpp"

namespace nibble {

struct Exhibit {
    std::string id;      // of the block
    Scenario scenario;   // that it shows
    Outcome outcome;     // with the reader's line or point drawn in
    std::string figure;  // the one figure to show; empty: all
    std::string digest;  // of the data behind it, without what the reader drew
};

/// In the lesson's order; only of blocks that were answered.
std::vector<Exhibit> exhibits(const Lesson& lesson, const LessonAnswers& answers,
                              LessonBench& bench);

/// Only what grading compares: the digest of one block's exhibit, "" when it has none.
std::string exhibit_digest(const LessonBlock& block, const Answer& answer, LessonBench& bench);

/// The exhibit as a file of one of export_suffixes(), the scenario inside.
std::string exhibit_bytes(const Exhibit& exhibit, const std::string& suffix,
                          const Experiments& all);

}  // namespace nibble
