#include "viz/lesson/answers_json.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json_depth.hpp"
#include "sim/core/text.hpp"
#include "sim/core/version.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

constexpr int newest_format = 1;
constexpr std::size_t longest_text = 2000;  // bytes of one answer
constexpr std::size_t most_points = 2000;   // of a drawn line

[[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) {
    throw Error(Error::Code::bad_file, "answers: " + what, hint);
}

std::string text_of(const Json& value, const std::string& key) {
    if (!value.is_string()) {
        refuse(fmt::format("\"{}\" is {}, not a string", key, value.type_name()));
    }
    auto text = value.get<std::string>();
    if (text.size() > longest_text) {
        refuse(fmt::format("\"{}\" is longer than {} bytes", key, longest_text));
    }
    return text;
}

void check_keys(const Json& object, const std::vector<std::string>& known,
                const std::string& where) {
    if (!object.is_object()) {
        refuse(fmt::format("{} is {}, not an object", where, object.type_name()));
    }
    for (const auto& [key, unused] : object.items()) {
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            refuse(fmt::format("{} has an unknown key \"{}\"", where, key.substr(0, 60)),
                   fmt::format("known: {}", fmt::join(known, ", ")));
        }
    }
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
    refuse(fmt::format("lesson {} has no block \"{}\"", lesson.id, id.substr(0, 60)),
           fmt::format("it has {}", fmt::join(ids, ", ")));
}

std::vector<int> chosen_of(const Json& value, std::size_t options) {
    if (!value.is_array() || value.size() > options) {
        refuse("\"chosen\" is no list of options");
    }
    std::vector<int> chosen;
    for (const Json& one : value) {
        if (!one.is_number_unsigned() || one.get<std::uint64_t>() >= options) {
            refuse(fmt::format("\"chosen\" names option {} of {}", one.dump(), options));
        }
        chosen.push_back(one.get<int>());
    }
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    return chosen;
}

std::vector<std::pair<double, double>> points_of(const Json& value) {
    if (!value.is_array() || value.size() > most_points) {
        refuse(fmt::format("\"points\" is no list of at most {} points", most_points));
    }
    std::vector<std::pair<double, double>> points;
    for (const Json& one : value) {
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
Scenario scenario_of(const Json& answer, const TaskBlock& task, const Experiments& all) {
    Scenario s = task.setting;
    const Experiment& e = find_experiment(all, s.experiment);
    const Json& parameters = answer.at("parameters");
    check_keys(parameters, task.controls, fmt::format("\"parameters\" of task {}", task.id));
    for (const auto& [key, item] : parameters.items()) {
        if (!item.is_primitive() || item.is_null() ||
            (item.is_number_unsigned() && item.get<std::uint64_t>() > std::uint64_t(INT64_MAX))) {
            refuse(fmt::format("\"{}\" is no value", key));
        }
        const Value v = item.is_boolean()          ? Value(item.get<bool>())
                        : item.is_number_integer() ? Value(item.get<std::int64_t>())
                        : item.is_number()         ? Value(item.get<double>())
                                                   : Value(text_of(item, key));
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

Answer answer_of(const Json& value, const LessonBlock& block, const Experiments& all) {
    Answer a;
    if (const auto* task = std::get_if<TaskBlock>(&block)) {
        check_keys(value, {"parameters"}, "answer " + task->id);
        if (value.contains("parameters")) {
            a.scenario = scenario_of(value, *task, all);
        }
        return a;
    }
    const auto& question = std::get<QuestionBlock>(block);
    check_keys(value, {"text", "chosen", "points"}, "answer " + question.id);
    if (value.contains("text")) {
        a.text = text_of(value["text"], "text");
    }
    if (value.contains("chosen")) {
        a.chosen = chosen_of(value["chosen"], question.options.size());
    }
    if (value.contains("points")) {
        a.points = points_of(value["points"]);
    }
    return a;
}

Json value_json(const Value& value) {
    return std::visit([](const auto& v) { return Json(v); }, value);
}

Json answer_json(const Answer& a, const LessonBlock& block, const Experiments& all) {
    Json j = Json::object();
    if (const auto* task = std::get_if<TaskBlock>(&block); task && a.scenario) {
        const Experiment& e = find_experiment(all, task->setting.experiment);
        j["parameters"] = Json::object();
        for (const std::string& name : task->controls) {
            j["parameters"][name] = value_json(a.scenario->values.at(e.index_of(name)));
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

LessonAnswers answers_of_json(const Json& whole, const Lesson& lesson, const Experiments& all,
                              const std::vector<std::string>& also,
                              std::vector<std::string>* warnings) {
    std::vector<std::string> known = {"format",        "nibble",  "lesson",
                                      "lesson_digest", "student", "answers"};
    known.insert(known.end(), also.begin(), also.end());
    check_keys(whole, known, "the top level");
    for (const char* key : {"format", "lesson", "answers"}) {
        if (!whole.contains(key)) {
            refuse(fmt::format("\"{}\" is missing", key));
        }
    }
    if (!whole["format"].is_number_unsigned() || whole["format"] > newest_format) {
        refuse(fmt::format("\"format\" = {} is not {} or older",
                           whole["format"].dump().substr(0, 20), newest_format),
               "a newer Nibble wrote this: update");
    }
    LessonAnswers all_answers;
    all_answers.lesson = text_of(whole["lesson"], "lesson");
    if (all_answers.lesson != lesson.id) {
        refuse(fmt::format("they are for lesson {}, not {}", all_answers.lesson.substr(0, 60),
                           lesson.id));
    }
    for (const auto& [key, into] : {std::pair("nibble", &all_answers.written_by),
                                    std::pair("lesson_digest", &all_answers.lesson_digest),
                                    std::pair("student", &all_answers.student)}) {
        if (whole.contains(key)) {
            *into = text_of(whole[key], key);
        }
    }
    if (!whole["answers"].is_object()) {
        refuse("\"answers\" is no object");
    }
    if (all_answers.lesson_digest.empty()) {  // written by hand
        all_answers.lesson_digest = lesson.digest;
    }
    const bool other_edition = all_answers.lesson_digest != lesson.digest;
    for (const auto& [id, value] : whole["answers"].items()) {
        try {
            all_answers.answers[id] = answer_of(value, block_of(lesson, id), all);
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
    check_json_depth(text, "answers");
    const Json whole = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (whole.is_discarded()) {
        refuse("this is not JSON");
    }
    return answers_of_json(whole, lesson, all, {}, warnings);
}

}  // namespace nibble
