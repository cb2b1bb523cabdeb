// Lesson files: what is read, and where an error points.
#include "viz/lesson/bench.hpp"
#include "viz/lesson/plain.hpp"

#include "tests/catch.hpp"
#include "tests/lesson/fixture.hpp"

namespace nibble::lesson_test {

using test::toy_experiments;
using test::toy_lesson;

namespace {

/// The message of reading the toy lesson with `from` replaced by `to`.
std::string refusal(const std::string& from, const std::string& to) {
    std::string text = test::toy_lesson_text();
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    try {
        read_lesson(text, "01-toy.md", toy_experiments());
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_file);
        return e.line();
    }
    return "accepted";
}

double value_of(const std::string& formula, const std::string& changes = {}) {
    static LessonBench bench(toy_experiments());
    const Place here{"x.md", 3};
    Scenario s{"toy", toy_experiments()[0].defaults()};
    for (const char* name : {"x", "y"}) {
        if (const auto at = changes.find(std::string(name) + "="); at != std::string::npos) {
            s.values[toy_experiments()[0].index_of(name)] = std::stod(changes.substr(at + 2));
        }
    }
    return bench.number(Formula(formula, here), s);
}

std::string formula_refusal(const std::string& formula) {
    try {
        value_of(formula);
    } catch (const Error& e) { return e.line(); }
    return "accepted";
}

template <class Wanted>
std::vector<Wanted> all_of_kind(const Lesson& lesson) {
    std::vector<Wanted> found;
    for (const LessonBlock& block : lesson.blocks) {
        if (const auto* one = std::get_if<Wanted>(&block)) {
            found.push_back(*one);
        }
    }
    return found;
}

}  // namespace

TEST_CASE("a lesson is read with everything in it", "[lesson]") {
    const Lesson lesson = toy_lesson();
    CHECK(lesson.id == "01");
    CHECK(lesson.slug == "toy");
    CHECK(lesson.minutes == 20);
    CHECK(lesson.question == "What is the sum?");  // a value that goes on in the next line
    CHECK(lesson.prerequisites == std::vector<std::string>{"00"});
    const auto questions = all_of_kind<QuestionBlock>(lesson);
    REQUIRE(questions.size() == 6);
    CHECK(questions[0].is_prediction);
    CHECK(questions[0].series == "true");
    CHECK(questions[2].options.size() == 2);
    CHECK(questions[4].tolerance_is_percent);
    CHECK(questions[5].accept == std::vector<std::string>{"bandwidth", "memory * speed"});
    const auto tasks = all_of_kind<TaskBlock>(lesson);
    REQUIRE(tasks.size() == 1);
    CHECK(tasks[0].controls == std::vector<std::string>{"x", "shape"});
    CHECK(std::get<double>(tasks[0].solution.values[0]) == 8);
    CHECK(all_of_kind<FigureBlock>(lesson).at(0).id == "figure-1");
    CHECK(all_of_kind<TeacherBlock>(lesson).size() == 1);
}

TEST_CASE("prose keeps its styles, and computes its numbers", "[lesson]") {
    const auto prose = all_of_kind<Prose>(toy_lesson());
    REQUIRE(prose.size() == 2);
    CHECK(prose[0].kind == Prose::Kind::heading);
    LessonBench bench(toy_experiments());
    const Prose filled = bench.filled(prose[1]);
    CHECK(plain_line(filled.text) ==
          "Some prose with a_i, code, and 5\u00a0ms; also 6. The sum is 5.");
    const auto& pieces = filled.text;
    CHECK(std::count_if(pieces.begin(), pieces.end(), [](const Inline& i) { return i.emphasis; }) ==
          1);
    CHECK(std::count_if(pieces.begin(), pieces.end(), [](const Inline& i) { return i.code; }) == 1);
    CHECK(std::count_if(pieces.begin(), pieces.end(),
                        [](const Inline& i) { return i.kind == Inline::Kind::computed; }) == 3);
}

TEST_CASE("markdown: lists, quotes, tables and equations", "[lesson]") {
    const auto read = read_markdown(
        "1. one\n2. two\n   - inner\n\n> said\n\n$$x^{2}$$\n\n| a | b |\n| --- | --- |\n"
        "| 1 | *2* |\n\n~~~\ncode\n~~~\n",
        {"x.md", 1}, toy_experiments());
    std::vector<std::string> kinds;
    for (const Prose& p : read) {
        kinds.push_back(std::to_string(static_cast<int>(p.kind)) + p.marker);
    }
    REQUIRE(kinds == std::vector<std::string>{"2"
                                              "1.",
                                              "2"
                                              "2.",
                                              "2•", "3", "5", "6", "6", "4"});
    CHECK(read[2].level == 1);
    CHECK(read[5].is_table_head);
    CHECK(plain_text(read[6].cells.at(1)) == "2");
    CHECK(read[7].text.at(0).text == "code\n");
    CHECK(plain_math("2^{b-1} - s_{g}") == "2^(b-1) - s_g");
}

TEST_CASE("errors in a lesson name file, line and the way out", "[lesson]") {
    CHECK(refusal("setting: toy\nfigure", "setting: tpy\nfigure") ==
          "01-toy.md:16: no experiment is called \"tpy\"; did you mean toy?");
    CHECK(refusal("solution: x=8", "solution: z=8")
              .starts_with("01-toy.md:40: toy has no parameter \"z\""));
    CHECK(refusal("solution: x=8", "solution: x=80").find("out of range") != std::string::npos);
    CHECK(refusal("hint: Move", "hnt: Move") ==
          "01-toy.md:41: a task has no key \"hnt\"; did you mean \"hint\"?");
    CHECK(refusal("id: placed", "id: drawn").find("01-toy.md:21: id \"drawn\" is taken") == 0);
    CHECK(refusal("unit: ms\n", "").find("this question has no \"unit\"") != std::string::npos);
    CHECK(refusal("kind: multiple", "kind: several").find("is not one of") != std::string::npos);
    CHECK(refusal("sum}} minutes", "sum minutes").find("{{ is not closed") != std::string::npos);
    CHECK(refusal("{{value toy: sum * 2}}", "{{value toy: sum * }}").find("ends too early") !=
          std::string::npos);
    CHECK(refusal("minutes: 20", "minutes: soon").find("01-toy.md:3: minutes \"soon\"") == 0);
    CHECK(refusal("because: No.", "  because: No.").find("the key \"because\" is indented") !=
          std::string::npos);
    CHECK(
        refusal("```question\nid: one", "```qestion\nid: one").find("did you mean \"question\"?") !=
        std::string::npos);
    CHECK(refusal("accept: bandwidth", "accept: *").find("the model answer") != std::string::npos);
}

TEST_CASE("a picture or HTML in a lesson", "[lesson]") {
    const Place here{"x.md", 1};
    CHECK_THROWS_AS(read_markdown("![a](b.png)", here, toy_experiments()), Error);
    const auto html = read_markdown("<script>alert(1)</script>", here, toy_experiments());
    CHECK(plain_text(html.at(0).text) == "<script>alert(1)</script>");  // text like any other
}

TEST_CASE("formulas follow the usual rules", "[lesson]") {
    CHECK(value_of("1 + 2 * 3 ^ 2") == 19);
    CHECK(value_of("-2 ^ 2") == -4);  // as in mathematics
    CHECK(value_of("10 - 3 - 2") == 5);
    CHECK(value_of("2 * (x + y)") == 6);
    CHECK(value_of("not sum > 5 and true") == 1);
    CHECK(value_of("1 == 2 or 3 >= 3") == 1);
    CHECK(value_of("min(4, 2, 3) + max(1, abs(-7)) + log2(8) + floor(1.9)") == 13);
    CHECK(value_of("sum[x=9] - sum") == 8);
    CHECK(value_of("product[x=3 y=4]") == 12);
    CHECK(value_of("cell(rows, b, value)[y=7]") == 7);
    CHECK(value_of("cell(rows, a, kind) == \"first\"") == 1);
    CHECK(value_of("shape == \"round\"") == 1);
    CHECK(value_of("sum", "x=5") == 7);
}

TEST_CASE("a formula that means nothing says why", "[lesson]") {
    CHECK(formula_refusal("summ + 1")
              .find("x.md:3: formula \"summ + 1\": toy has no parameter or metric summ; "
                    "did you mean sum?") == 0);
    CHECK(formula_refusal("ticks").find("read off a clock") != std::string::npos);
    CHECK(formula_refusal("shape + 1").find("is a text, not a number") != std::string::npos);
    CHECK(formula_refusal("shape == \"oval\"").find("is not a choice") != std::string::npos);
    CHECK(formula_refusal("shape == 1").find("compared with a number") != std::string::npos);
    CHECK(formula_refusal("cell(rows, c, value)").find("no such row") != std::string::npos);
    CHECK(formula_refusal("sum[x=]").find("is not a number") != std::string::npos);
    CHECK(formula_refusal("sin(1)").find("there is no function sin") != std::string::npos);
    for (const char* broken :
         {"", "(", "1 +", "1 2", "sum[x=1", "min(1)", "\"a", "a < b < c", "@"}) {
        INFO(broken);
        CHECK(formula_refusal(broken) != "accepted");
    }
    CHECK(formula_refusal(std::string(2000, '(')).find("nest too deep") != std::string::npos);
    CHECK(formula_refusal(std::string(2000, '-') + "1").find("nest too deep") != std::string::npos);
}

}  // namespace nibble::lesson_test
