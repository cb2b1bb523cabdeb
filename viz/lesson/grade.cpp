#include "viz/lesson/grade.hpp"

#include <algorithm>
#include <exception>
#include <fmt/format.h>

#include "sim/core/input_file.hpp"
#include "sim/core/version.hpp"
#include "viz/figure/files.hpp"
#include "viz/lesson/catalogue.hpp"
#include "viz/lesson/digest.hpp"
#include "viz/lesson/exhibits.hpp"

namespace nibble {

const Lesson& Grader::lesson(const std::string& id) {
    const auto known = read_.find(id);
    if (known != read_.end()) {
        return known->second;
    }
    return read_.emplace(id, find_lesson(id.substr(0, 60), all_, lessons_)).first->second;
}

void Grader::compare_figures(const HandIn& hand_in, const Lesson& lesson, Graded& graded) {
    const bool same_version = graded.version == version;
    for (const LessonBlock& block : lesson.blocks) {
        const auto answer = hand_in.answers.answers.find(answer_id(block));
        if (answer == hand_in.answers.answers.end()) {
            continue;
        }
        const std::string truth = exhibit_digest(block, answer->second, bench_);
        if (truth.empty()) {
            continue;
        }
        const std::string& id = answer->first;
        const auto figure = std::find_if(hand_in.figures.begin(), hand_in.figures.end(),
                                         [&](const HandInFigure& f) { return f.id == id; });
        if (figure == hand_in.figures.end() || figure->svg.empty()) {
            graded.flags.push_back(fmt::format("the figure of {} is missing", id));
        } else if (digest_of(figure->svg) != figure->picture) {
            graded.flags.push_back(fmt::format("the figure of {} was changed", id));
        } else if (figure->data != truth && same_version) {
            graded.flags.push_back(
                fmt::format("the figure of {} does not match its parameters", id));
        } else if (figure->data != truth) {
            graded.warnings.push_back(
                fmt::format("the figure of {} differs from this version's", id));
        }
    }
}

Graded Grader::grade(const std::filesystem::path& path) {
    Graded graded;
    graded.file = path.filename().string();
    try {
        const RawHandIn raw = read_raw_hand_in(read_text_file(path, largest_hand_in));
        const Lesson& its_lesson = lesson(raw.lesson);
        const HandIn hand_in = read_hand_in(raw, its_lesson, all_);
        graded.student = hand_in.answers.student;
        graded.lesson = its_lesson.id;
        graded.version = hand_in.answers.written_by;
        graded.warnings = hand_in.warnings;
        if (graded.version != version) {
            graded.warnings.push_back(fmt::format("made with Nibble {}, graded with {}",
                                                  graded.version.substr(0, 20), version));
        }
        graded.marks = mark(its_lesson, hand_in.answers, bench_);
        compare_figures(hand_in, its_lesson, graded);
        if (hand_in.points != graded.marks.points || hand_in.out_of != graded.marks.out_of) {
            const std::string difference =
                fmt::format("it claims {} of {} points", hand_in.points, hand_in.out_of);
            (graded.warnings.empty() ? graded.flags : graded.warnings).push_back(difference);
        }
    } catch (const Error& e) { graded.refused = e.what(); } catch (const std::exception& e) {
        graded.refused = fmt::format("it cannot be graded: {}", e.what());
    }
    return graded;
}

}  // namespace nibble
