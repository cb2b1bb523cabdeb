// Answers: typed, kept, read back, marked.
#include "viz/lesson/marks.hpp"

#include <cstdlib>

#include "viz/lesson/check.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"
#include "tests/lesson/fixture.hpp"

namespace nibble::marks_test {

using test::toy_experiments;
using test::toy_lesson;

namespace {

struct Class {
    Lesson lesson = toy_lesson();
    LessonBench bench{toy_experiments()};

    /// The verdict on one block when everything else is empty.
    MarkedBlock of(const std::string& id, const Answer& answer) {
        LessonAnswers answers = no_answers(lesson);
        answers.answers[id] = answer;
        for (const MarkedBlock& m : mark(lesson, answers, bench).blocks) {
            if (m.id == id) {
                return m;
            }
        }
        throw std::logic_error("no such block");
    }
    MarkedBlock typed(const std::string& text) {
        Answer a;
        a.text = text;
        return of("typed", a);
    }
};

std::string refusal(const std::string& json) {
    try {
        answers_from_json(json, toy_lesson(), toy_experiments());
    } catch (const Error& e) { return e.what(); }
    return "accepted";
}

}  // namespace

TEST_CASE("the model answers are worth everything, none are worth nothing", "[lesson]") {
    Class c;
    const Marks best = mark(c.lesson, model_answers(c.lesson, c.bench), c.bench);
    CHECK(best.out_of == 7);
    CHECK(best.points == 7);
    CHECK(mark(c.lesson, no_answers(c.lesson), c.bench).points == 0);
    CHECK(check_lesson(c.lesson, c.bench).empty());
}

TEST_CASE("a prediction counts for being made", "[lesson]") {
    Class c;
    Answer wrong;
    wrong.points = {{0, 10}, {10, 10}};
    const MarkedBlock m = c.of("drawn", wrong);
    CHECK(m.points == 1);
    CHECK(m.verdict == Verdict::predicted);
    // The truth runs from 0 to 10: the line lies above it at 0 and on it at 10.
    CHECK(m.remark ==
          "your line runs above the true one; it is farthest off at 0\u00a0s, with 10\u00a0m "
          "instead of 0\u00a0m");
    Answer point;
    point.points = {{1, 60}};
    CHECK(c.of("placed", point).remark ==
          "your point is exactly right on the time axis, and above it by a factor of 2 on the "
          "height axis");
}

TEST_CASE("numbers are taken in their unit and its prefixes, within the tolerance", "[lesson]") {
    Class c;  // truth 6 ms, within 5 %: 5.7 to 6.3
    for (const char* right :
         {"6", "6 ms", "6.3", "5.7ms", "0.006 s", "6000 µs", "6000us", "~6", "+6", "≈ 6.1 ms"}) {
        INFO(right);
        CHECK(c.typed(right).verdict == Verdict::right);
    }
    for (const char* wrong :
         {"6.31", "5.69", "6 s", "6 GB", "six", "6,0", "1e999", "nan", "-6", "6 ms or so"}) {
        INFO(wrong);
        CHECK(c.typed(wrong).verdict == Verdict::wrong);
    }
    CHECK(c.typed("").verdict == Verdict::unanswered);
    CHECK(c.typed("7").remark == "17 % above it");
    CHECK(c.typed("0.6").remark == "below it by a factor of 10");
    CHECK(c.typed("6 GB").remark == "\"6 GB\" is in \"GB\"; a number in ms, such as 4.5 ms");
    CHECK(read_quantity("2 TB/s", "GB/s") == Approx(2000));
    CHECK(read_quantity("1 GiB", "MiB") == 1024);
    CHECK_THROWS_AS(read_quantity("1 GB", "GB/s"), Error);
}

TEST_CASE("choices and words", "[lesson]") {
    Class c;
    const auto chosen = [](std::vector<int> which) {
        Answer a;
        a.chosen = std::move(which);
        return a;
    };
    CHECK(c.of("one", chosen({1})).verdict == Verdict::right);
    CHECK(c.of("one", chosen({0})).verdict == Verdict::wrong);
    CHECK(c.of("one", chosen({0, 1})).verdict == Verdict::wrong);
    CHECK(c.of("many", chosen({0, 2})).verdict == Verdict::right);
    CHECK(c.of("many", chosen({0})).verdict == Verdict::wrong);
    CHECK(c.of("many", chosen({0, 1, 2})).verdict == Verdict::wrong);
    for (const char* fit :
         {"bandwidth", "  BandWidth ", "memory  speed", "Memory read-out speed"}) {
        INFO(fit);
        Answer a;
        a.text = fit;
        const bool fits_second = std::string(fit).find("speed") != std::string::npos;
        CHECK(
            c.of("words", a).verdict ==
            (fits_second && std::string(fit) == "memory  speed" ? Verdict::wrong : Verdict::right));
    }
    CHECK_FALSE(fits("bandwidths", {"bandwidth"}));
    CHECK(fits("the bandwidths", {"*bandwidth*"}));
    CHECK_FALSE(fits(std::string(2000, 'a'), {"*a*a*a*a*b"}));  // in no time: no backtracking
}

TEST_CASE("a task counts when its condition holds and nothing else has moved", "[lesson]") {
    Class c;
    const auto at = [&](double x, double y, const char* shape) {
        Answer a;
        a.scenario = Scenario{"toy", {x, y, std::string(shape), std::string()}};
        return c.of("reach", a);
    };
    CHECK(at(7, 2, "square").verdict == Verdict::right);
    CHECK(at(6.9, 2, "square").verdict == Verdict::wrong);
    CHECK(at(7, 2, "round").remark == "not reached");
    CHECK(at(7, 3, "square").remark == "Y stays at 2 in this task");
}

TEST_CASE("answers survive their file", "[lesson]") {
    Class c;
    LessonAnswers before = model_answers(c.lesson, c.bench);
    before.student = "Ada \"<b>\" Lovelace\n\u00e9";
    const std::string text = to_json_text(before, c.lesson, toy_experiments());
    const LessonAnswers after = answers_from_json(text, c.lesson, toy_experiments());
    CHECK(after.answers == before.answers);
    CHECK(after.student == before.student);
    CHECK(after.lesson_digest == c.lesson.digest);
}

TEST_CASE("answers are kept in the user's folder", "[lesson]") {
    Class c;
    const test::TempFolder home;
    const char* const before = std::getenv("XDG_CONFIG_HOME");
    const std::string kept = before ? before : "";
    setenv("XDG_CONFIG_HOME", home.path().c_str(), 1);
    CHECK(load_answers(c.lesson, toy_experiments()).answers.empty());
    const LessonAnswers mine = model_answers(c.lesson, c.bench);
    save_answers(mine, c.lesson, toy_experiments());
    CHECK(load_answers(c.lesson, toy_experiments()).answers == mine.answers);
    test::write(home / "nibble/lessons/01-toy.json", "{");
    CHECK_THROWS_AS(load_answers(c.lesson, toy_experiments()), Error);
    before ? setenv("XDG_CONFIG_HOME", kept.c_str(), 1) : unsetenv("XDG_CONFIG_HOME");
}

TEST_CASE("answers that no reader wrote are refused", "[lesson]") {
    const auto with = [](const std::string& answers) {
        return R"({"format": 1, "lesson": "01", "lesson_digest": ")" + toy_lesson().digest +
               R"(", "answers": {)" + answers + "}}";
    };
    CHECK(refusal(with("")) == "accepted");
    CHECK(refusal(with(R"("reach": {"parameters": {"y": 3}})")).find("unknown key \"y\"") !=
          std::string::npos);
    CHECK(refusal(with(R"("reach": {"parameters": {"fine_print": "/etc/passwd"}})"))
              .find("unknown key") != std::string::npos);
    CHECK(refusal(with(R"("reach": {"parameters": {"x": 1e9}})")).find("out of range") !=
          std::string::npos);
    CHECK(refusal(with(R"("reach": {"parameters": {"x": [1]}})")).find("[...] is not a number") !=
          std::string::npos);
    CHECK(refusal(with(R"("one": {"chosen": [7]})")).find("names option 7 of 2") !=
          std::string::npos);
    CHECK(refusal(with(R"("one": {"chosen": [-1]})")).find("names option") != std::string::npos);
    CHECK(refusal(with(R"("nothing": {})")).find("no block \"nothing\"") != std::string::npos);
    CHECK(refusal(with(R"("typed": {"text": 6})")).find("not a text") != std::string::npos);
    CHECK(refusal(with(R"("drawn": {"points": [[1]]})")).find("no pair") != std::string::npos);
    CHECK(refusal(with("\"typed\": {\"text\": \"" + std::string(3000, 'x') + "\"}"))
              .find("longer than") != std::string::npos);
    CHECK(refusal("[1, 2").find("not JSON") != std::string::npos);
    CHECK(refusal(std::string(100000, '[')).find("nest") != std::string::npos);
    CHECK(refusal(R"({"format": 9, "lesson": "01", "answers": {}})").find("\"format\"") !=
          std::string::npos);
    CHECK(
        refusal(R"({"format": 1, "lesson": "02", "answers": {}})").find("for lesson 02, not 01") !=
        std::string::npos);
}

TEST_CASE("answers to another edition are taken as far as they fit", "[lesson]") {
    std::vector<std::string> warnings;
    const LessonAnswers answers = answers_from_json(
        R"({"format": 1, "lesson": "01", "lesson_digest": "old", "answers": {
            "gone": {"text": "x"}, "typed": {"text": "6"}, "one": {"chosen": [5]}}})",
        toy_lesson(), toy_experiments(), &warnings);
    CHECK(answers.answers.size() == 1);
    CHECK(answers.answers.at("typed").text == "6");
    REQUIRE(warnings.size() == 3);
    CHECK(warnings[2] == "written for another edition of lesson 01");
}

}  // namespace nibble::marks_test
