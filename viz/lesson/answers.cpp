#include "viz/lesson/answers.hpp"

#include <fmt/format.h>

#include "sim/core/input_file.hpp"
#include "sim/core/version.hpp"
#include "viz/figure/files.hpp"
#include "viz/lesson/bench.hpp"

namespace nibble {
namespace {

constexpr std::size_t longest_file = 1U << 20U;

std::string model_number(const Truth& truth, const std::string& unit) {
    return fmt::format("{}{}{}", truth.value, unit.empty() ? "" : " ", unit);
}

Answer model_answer(const QuestionBlock& q, LessonBench& bench) {
    const Truth truth = bench.truth(q);
    Answer a;
    for (std::size_t i = 0; i < truth.right.size(); ++i) {
        if (truth.right[i]) {
            a.chosen.push_back(static_cast<int>(i));
        }
    }
    if (q.kind == AnswerKind::number) {
        a.text = model_number(truth, q.unit);
    } else if (q.kind == AnswerKind::text) {
        a.text = q.accept.at(0);
    }
    a.points = truth.line;
    return a;
}

}  // namespace

LessonAnswers no_answers(const Lesson& lesson) {
    return {lesson.id, lesson.digest, {}, {}, std::string(version)};
}

LessonAnswers model_answers(const Lesson& lesson, LessonBench& bench) {
    LessonAnswers all = no_answers(lesson);
    for (const LessonBlock& block : lesson.blocks) {
        if (const auto* task = std::get_if<TaskBlock>(&block)) {
            all.answers[task->id].scenario = task->solution;
        } else if (const auto* question = std::get_if<QuestionBlock>(&block)) {
            all.answers[question->id] = model_answer(*question, bench);
        }
    }
    return all;
}

std::filesystem::path answers_file(const Lesson& lesson) {
    const std::filesystem::path folder = settings_folder();
    return folder.empty() ? folder : folder / "lessons" / (lesson.path.stem().string() + ".json");
}

LessonAnswers load_answers(const Lesson& lesson, const Experiments& all) {
    const std::filesystem::path path = answers_file(lesson);
    std::error_code ignored;
    if (path.empty() || !std::filesystem::exists(path, ignored)) {
        return no_answers(lesson);
    }
    const std::string text = read_text_file(path, longest_file);
    try {
        return answers_from_json(text, lesson, all);
    } catch (const Error& e) {
        throw Error(e.code(), fmt::format("{}: {}", path.string(), e.what()), e.hint());
    }
}

void save_answers(const LessonAnswers& answers, const Lesson& lesson, const Experiments& all) {
    const std::filesystem::path path = answers_file(lesson);
    if (path.empty()) {
        throw Error(Error::Code::io, "there is no folder for settings",
                    "set HOME or XDG_CONFIG_HOME");
    }
    std::error_code failed;
    std::filesystem::create_directories(path.parent_path(), failed);
    write_whole_file(path, to_json_text(answers, lesson, all) + "\n");
}

}  // namespace nibble
