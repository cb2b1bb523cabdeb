// `nibble lesson` and `nibble grade` as they are typed.
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble::lesson_test {

using test::TempFolder;

namespace {

/// Answers to lesson 02, as somebody would have left them: one prediction, one task, two questions.
constexpr const char* some_answers = R"({"format": 1, "lesson": "02", "student": "Ada", "answers": {
    "error-curve": {"points": [[2, 0.5], [8, 0.0002]]},
    "twenty-decibels": {"parameters": {"scheme": "nf4"}},
    "bits-of-128": {"text": "4.125"}, "overhead-left": {"text": "0.37 bit"}}})";

}  // namespace

TEST_CASE("lesson list, show and check", "[cli][lesson]") {
    const auto list = test::nibble({"lesson", "list", "--json"});
    REQUIRE(list.status == 0);
    bool found = false;
    for (const auto& lesson : nlohmann::json::parse(list.out)) {
        found = found || (lesson["id"] == "02" && lesson["title"] == "Rounding a tensor");
    }
    CHECK(found);

    const auto shown = test::nibble({"lesson", "show", "02"});
    CHECK(shown.status == 0);
    CHECK(shown.out.find("codes are 48, −79, 16, 127 and −32") != std::string::npos);
    CHECK(shown.out.find("answer: 0.127 bit") == std::string::npos);
    CHECK(shown.out.find("0–6: rounding by hand") == std::string::npos);
    const auto solved = test::nibble({"lesson", "show", "02", "--teacher"});
    CHECK(solved.out.find("answer: 4.125") != std::string::npos);
    CHECK(solved.out.find("0–6: rounding by hand") != std::string::npos);

    const TempFolder folder;
    test::write(folder / "99-broken.md",
                "---\ntitle: x\nminutes: 20\nquestion: y?\n---\n```task\nid: a\n```\n");
    const auto broken = test::nibble({"lesson", "check", folder / "99-broken.md"});
    CHECK(broken.status == 1);
    CHECK(broken.out.find("99-broken.md:7: this task has no \"ask\"") != std::string::npos);
}

TEST_CASE("lesson says what it cannot do", "[cli][lesson]") {
    const auto unknown = test::nibble({"lesson", "show", "roundin"});
    CHECK(unknown.status == 2);
    CHECK(unknown.err == "nibble: no lesson is called \"roundin\"; did you mean rounding?\n");
    CHECK(test::nibble({"lesson", "chek"}).err ==
          "nibble: lesson cannot \"chek\"; did you mean check?\n");
    CHECK(test::nibble({"lesson", "sheet", "02"}).status == 2);
    CHECK(test::nibble({"lesson", "sheet", "02", "--out", "x.doc"}).status == 2);
    CHECK(test::nibble({"lesson", "report", "02"}).status == 2);
    CHECK(test::nibble({"grade"}).status == 2);
    CHECK(test::nibble({"lesson"}).status == 0);
}

TEST_CASE("from answers to a hand-in to grades", "[cli][lesson]") {
    const TempFolder folder;
    test::write(folder / "answers.json", some_answers);
    const auto report =
        test::nibble({"lesson", "report", "02", "--answers", folder / "answers.json", "--out",
                      folder / "ada.html", "--folder", folder / "ada"});
    CHECK(report.err == "");
    REQUIRE(report.status == 0);
    const std::string markdown = test::contents(folder / "ada/report.md");
    CHECK(markdown.find("Ada, 3 of 6 points") != std::string::npos);
    CHECK(markdown.find("(figures/twenty-decibels.svg)") != std::string::npos);
    CHECK(test::contents(folder / "ada/data/error-curve.csv").find("prediction") !=
          std::string::npos);
    // The figure opens in the lab again.
    const auto opened =
        test::nibble({"open", folder / "ada/figures/twenty-decibels.svg", "--command"});
    CHECK(opened.out == "nibble run quantizer --scheme nf4\n");

    test::write(folder / "bad.html", "<html><script>alert(1)</script></html>");
    const auto graded = test::nibble({"grade", folder / "ada.html", folder / "bad.html", "--out",
                                      folder / "grades.csv", "--gradescope",
                                      folder / "results.json", "--junit", folder / "results.xml"});
    CHECK(graded.status == 1);  // one was refused, and the other graded all the same
    CHECK(graded.out.find("3 / 6") != std::string::npos);
    CHECK(graded.out.find("refused") != std::string::npos);
    const std::string csv = test::contents(folder / "grades.csv");
    CHECK(csv.find("ada.html,Ada,02,graded,3,6,50.0,,,,") != std::string::npos);
    CHECK(nlohmann::json::parse(test::contents(folder / "results-ada.json"))["score"] == 3);
    CHECK(test::contents(folder / "results.xml").find("tests=\"6\" failures=\"3\"") !=
          std::string::npos);
}

TEST_CASE("a broken file of answers is refused in one line", "[cli][lesson]") {
    const TempFolder folder;
    test::write(folder / "a.json", R"({"format": 1, "lesson": "07", "answers": {}})");
    const auto wrong = test::nibble(
        {"lesson", "report", "02", "--answers", folder / "a.json", "--out", folder / "a.html"});
    CHECK(wrong.status == 1);
    CHECK(wrong.err.find("a.json: answers: they are for lesson 07, not 02") != std::string::npos);
    CHECK(folder.files() == std::vector<std::string>{"a.json"});
}

}  // namespace nibble::lesson_test
