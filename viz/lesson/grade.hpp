// Grading many hand-ins: every answer is marked anew, from the scenarios of the lesson.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "viz/lesson/hand_in.hpp"
#include "viz/lesson/marks.hpp"

namespace nibble {

struct Graded {
    std::string file;     // its name, without the folders
    std::string refused;  // why it was not graded; empty when it was
    std::string student, lesson, version;
    Marks marks;
    std::vector<std::string> flags;     // what a teacher should look at: a figure that does not fit
    std::vector<std::string> warnings;  // what may explain a difference: another version
};

/// Remembers lessons and outcomes from one hand-in to the next.
class Grader {
public:
    Grader(const Experiments& all, std::filesystem::path lessons)
        : all_(all), lessons_(std::move(lessons)), bench_(all) {}

    /// Never throws for what is in the file: it is refused with the reason, and the next can
    /// follow.
    Graded grade(const std::filesystem::path& path);

private:
    const Lesson& lesson(const std::string& id);
    void compare_figures(const HandIn& hand_in, const Lesson& lesson, Graded& graded);

    const Experiments& all_;
    std::filesystem::path lessons_;
    LessonBench bench_;
    std::map<std::string, Lesson> read_;
};

/// A row a hand-in: file, student, lesson, status, points, out_of, percent, flags, warnings, and a
/// column for each block. Texts that a spreadsheet would take for a formula start with a '.
std::string grades_csv(const std::vector<Graded>& all);

/// What Gradescope reads as results.json, for one hand-in.
std::string gradescope_json(const Graded& graded);

/// JUnit's XML: a suite a hand-in, a case a block.
std::string junit_xml(const std::vector<Graded>& all);

}  // namespace nibble
