#include "viz/lesson/answers_json.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json_object.hpp"
#include "sim/core/quoted.hpp"
#include "sim/core/text.hpp"
#include "sim/core/version.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;
using Read = nlohmann::json;

constexpr int newest_format = 1;
constexpr std::size_t longest_text = 2000;  // bytes of one answer
constexpr std::size_t most_points = 2000;   // of a drawn line

[[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) {
    throw Error(Error::Code::bad_file, "answers: " + what, hint);
}

std::string short_text(const JsonObject& object, const std::string& key) {
    std::string text = object.text_or(key, "");
    if (text.size() > longest_text) {
        refuse(fmt::format("\"{}\" is longer than {} bytes", key, longest_text));
    }
    return text;
}

const LessonBlock& block_of(const Lesson& lesson, const std::string& id) {
    std::vector<std::string> ids;
    for (const LessonBlock& block : lesson.blocks) {
        if (!id.empty() && answer_id(block) == id) {
            return block;
        }
        if (!answer_id(block).empty()) {
            ids.push_back(answer_id(block));
        }
    }
    refuse(fmt::format("lesson {} has no block \"{}\"", lesson.id, printable(id, 60)),
           fmt::format("it has {}", fmt::join(ids, ", ")));
}

std::vector<int> chosen_of(const JsonObject& answer, std::size_t options) {
    const Read& value = answer.list("chosen");
    if (value.size() > options) {
        refuse("\"chosen\" is no list of options");
    }
    std::vector<int> chosen;
    for (const Read& one : value) {
        if (!one.is_number_unsigned() || one.get<std::uint64_t>() >= options) {
            refuse(fmt::format("\"chosen\" names option {} of {}", shown(one), options));
        }
        chosen.push_back(one.get<int>());
    }
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    return chosen;
}

std::vector<std::pair<double, double>> points_of(const JsonObject& answer) {
    const Read& value = answer.list("points");
    if (value.size() > most_points) {
        refuse(fmt::format("\"points\" is no list of at most {} points", most_points));
    }
    std::vector<std::pair<double, double>> points;
    for (const Read& one : value) {
        if (!one.is_array() || one.size() != 2 || !one[0].is_number() || !one[1].is_number()) {
            refuse("a point is no pair of numbers");
        }
        points.emplace_back(one[0].get<double>(), one[1].get<double>());
    }
    std::stable_sort(points.begin(), points.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    return points;
}

/// Only the task's own controls are taken: no file is ever opened because a hand-in names it.
Scenario scenario_of(const JsonObject& parameters, const TaskBlock& task, const Experiments& all) {
    Scenario s = task.setting;
    const Experiment& e = find_experiment(all, s.experiment);
    parameters.only(task.controls);
    for (const std::string& key : parameters.names()) {
        const Value v = parameters.value(key);
        if (std::holds_alternative<std::string>(v)) {
            short_text(parameters, key);
        }
        const std::size_t i = e.index_of(key);
        const ParamInfo& p = e.params[i];
        const auto names_choice = [&](const Choice& c) { return Value(c.name) == v; };
        if (!p.suffixes.empty() && std::none_of(p.choices.begin(), p.choices.end(), names_choice)) {
            refuse(fmt::format("\"{}\" names a file", key), "a hand-in cannot bring one");
        }
        try {
            s.values[i] = p.checked(v);
        } catch (const Error& error) { refuse(error.what(), error.hint()); }
    }
    return s;
}

Answer answer_of(const JsonObject& value, const LessonBlock& block, const Experiments& all) {
    Answer a;
    if (const auto* task = std::get_if<TaskBlock>(&block)) {
        value.only({"parameters"});
        if (const auto parameters = value.object_if("parameters")) {
            a.scenario = scenario_of(*parameters, *task, all);
        }
        return a;
    }
    const auto& question = std::get<QuestionBlock>(block);
    value.only({"text", "chosen", "points"});
    a.text = short_text(value, "text");
    if (value.has("chosen")) {
        a.chosen = chosen_of(value, question.options.size());
    }
    if (value.has("points")) {
        a.points = points_of(value);
    }
    return a;
}

Json answer_json(const Answer& a, const LessonBlock& block, const Experiments& all) {
    Json j = Json::object();
    if (const auto* task = std::get_if<TaskBlock>(&block); task && a.scenario) {
        const Experiment& e = find_experiment(all, task->setting.experiment);
        j["parameters"] = Json::object();
        for (const std::string& name : task->controls) {
            j["parameters"][name] = json_of(a.scenario->values.at(e.index_of(name)));
        }
        return j;
    }
    if (!a.text.empty()) {
        j["text"] = a.text;
    }
    if (!a.chosen.empty()) {
        j["chosen"] = a.chosen;
    }
    for (const auto& [x, y] : a.points) {
        j["points"].push_back({x, y});
    }
    return j;
}

}  // namespace

Json answers_to_json(const LessonAnswers& answers, const Lesson& lesson, const Experiments& all) {
    Json whole = {{"format", newest_format},    {"nibble", version},
                  {"lesson", answers.lesson},   {"lesson_digest", answers.lesson_digest},
                  {"student", answers.student}, {"answers", Json::object()}};
    for (const auto& [id, answer] : answers.answers) {
        whole["answers"][id] = answer_json(answer, block_of(lesson, id), all);
    }
    return whole;
}

LessonAnswers answers_of_json(const JsonObject& whole, const Lesson& lesson, const Experiments& all,
                              const std::vector<std::string>& also,
                              std::vector<std::string>* warnings) {
    std::vector<std::string> known = {"format",        "nibble",  "lesson",
                                      "lesson_digest", "student", "answers"};
    known.insert(known.end(), also.begin(), also.end());
    whole.only(known);
    if (const auto format = whole.whole("format", 1); format > newest_format) {
        refuse(fmt::format("\"format\" = {} is not {} or older", format, newest_format),
               "a newer Nibble wrote this: update");
    }
    LessonAnswers all_answers;
    all_answers.lesson = whole.text("lesson");
    if (all_answers.lesson != lesson.id) {
        refuse(fmt::format("they are for lesson {}, not {}", printable(all_answers.lesson),
                           lesson.id));
    }
    all_answers.written_by = short_text(whole, "nibble");
    all_answers.lesson_digest = short_text(whole, "lesson_digest");
    all_answers.student = short_text(whole, "student");
    if (all_answers.lesson_digest.empty()) {  // written by hand
        all_answers.lesson_digest = lesson.digest;
    }
    const bool other_edition = all_answers.lesson_digest != lesson.digest;
    const JsonObject answers = whole.object("answers");
    for (const std::string& id : answers.names()) {
        try {
            all_answers.answers[id] = answer_of(answers.object(id), block_of(lesson, id), all);
        } catch (const Error& e) {
            if (!other_edition) {
                throw;
            }
            all_answers.answers.erase(id);
            if (warnings) {
                warnings->push_back(fmt::format("left out: {}", e.what()));
            }
        }
    }
    if (other_edition && warnings) {
        warnings->push_back(fmt::format("written for another edition of lesson {}", lesson.id));
    }
    return all_answers;
}

std::string to_json_text(const LessonAnswers& answers, const Lesson& lesson, const Experiments& all,
                         int indent) {
    return answers_to_json(answers, lesson, all)
        .dump(indent, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

LessonAnswers answers_from_json(std::string_view text, const Lesson& lesson, const Experiments& all,
                                std::vector<std::string>* warnings) {
    return answers_of_json(JsonObject(text, "answers"), lesson, all, {}, warnings);
}

}  // namespace nibble
