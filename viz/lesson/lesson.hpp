// A lesson: prose, and blocks that a reader works through. lessons/README.md describes the files.
//
// Everything about results is computed: a true value is a formula over an experiment's outcome, a
// task's condition too. What a block means when it is run is in bench.hpp, what a reader did with
// it in answers.hpp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "viz/lesson/rich_text.hpp"

namespace nibble {

/// A chart to look at: the lab at `setting`.
struct FigureBlock {
    Place place;
    std::string id;
    Scenario setting;
    std::vector<std::string> figures;   // ids of the outcome's figures; empty: all
    std::vector<std::string> controls;  // parameters to offer; empty: those that the lab shows
    RichText caption;
};

/// Free exploration until a condition holds.
struct TaskBlock {
    Place place;
    std::string id;
    RichText ask;
    Scenario setting;                   // where it starts
    std::vector<std::string> controls;  // the only parameters that may move
    Formula reached;
    Scenario solution;  // one way to do it: for tests and the teacher
    std::vector<RichText> hints;
    RichText why;  // after it is done
};

enum class AnswerKind {
    single,    // one option
    multiple,  // every right option and no other
    number,    // typed, with a unit
    text,      // short, against patterns
    line,      // drawn on a figure; only to predict
    point,     // placed on a figure; only to predict
};

struct Option {
    RichText text;
    Formula right;     // empty: it is wrong
    RichText because;  // shown when it was chosen
};

/// A question, or a prediction: then it stands before the reveal, and is marked for being made.
struct QuestionBlock {
    Place place;
    std::string id;
    bool is_prediction = false;
    AnswerKind kind = AnswerKind::single;
    RichText ask;
    std::optional<Scenario> setting;    // absent: nothing is computed
    std::vector<Option> options;        // of single and multiple
    Formula truth;                      // of a number
    Formula tolerance;                  // of a number: how far off is right
    bool tolerance_is_percent = false;  // of the truth
    std::string unit;                   // of a number
    std::vector<std::string> accept;    // of a text: patterns, * for anything; the first is a model
    std::string figure, series;         // of a line: drawn over this series of this figure
    Formula x, y;                       // of a point: where it truly lies, on that figure's axes
    std::vector<RichText> hints;
    RichText why;
};

/// For whoever gives the lesson; not for students.
struct TeacherBlock {
    Place place;
    std::vector<Prose> notes;
};

using LessonBlock = std::variant<Prose, FigureBlock, TaskBlock, QuestionBlock, TeacherBlock>;

struct Lesson {
    std::filesystem::path path;
    std::string id;    // "02"; of a file without a number its whole name: "check-the-textbook"
    std::string slug;  // "rounding": the file's name without number and suffix
    std::string title;
    int minutes = 0;
    std::vector<std::string> prerequisites;  // ids of lessons
    std::string question;                    // the driving question
    std::vector<LessonBlock> blocks;
    std::string digest;  // of the file's text: 16 hexadecimal digits
};

/// The id of a block that a reader answers; "" of the others.
const std::string& answer_id(const LessonBlock& block);
std::string_view name(AnswerKind kind);

/// `text` is the content of `path`, whose name must be NN-slug.md or slug.md. Throws
/// Error::bad_file with file, line and the way out.
Lesson read_lesson(std::string_view text, const std::filesystem::path& path,
                   const Experiments& all);

}  // namespace nibble
