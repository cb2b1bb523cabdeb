// A class of hand-ins: good, wrong, stale, changed and hostile ones, made here.
#include "viz/lesson/grade.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "viz/figure/base64.hpp"
#include "viz/lesson/digest.hpp"
#include "viz/lesson/exhibits.hpp"
#include "viz/lesson/html.hpp"
#include "viz/lesson/report.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"
#include "tests/lesson/fixture.hpp"

namespace nibble::grade_test {

using test::toy_experiments;
using test::toy_lesson;

namespace {

/// A folder with the toy lesson, and hand-ins to it.
struct School {
    test::TempFolder folder;
    Lesson lesson = toy_lesson();
    LessonBench bench{toy_experiments()};

    School() { test::write(folder / "01-toy.md", test::toy_lesson_text()); }

    std::string report(const std::string& student = "Ada") {
        LessonAnswers answers = model_answers(lesson, bench);
        answers.student = student;
        return report_html(lesson, answers, bench);
    }
    Graded grade(const std::string& html) {
        const std::string path = folder / "hand-in.html";
        test::write(path, html);
        return Grader(toy_experiments(), folder.path()).grade(path);
    }
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a good hand-in is graded with full marks", "[lesson]") {
    School school;
    const Graded g = school.grade(school.report());
    CHECK(g.refused == "");
    CHECK(g.student == "Ada");
    CHECK(g.lesson == "01");
    CHECK(g.marks.points == 7);
    CHECK(g.marks.out_of == 7);
    CHECK(g.flags.empty());
    CHECK(g.warnings.empty());
}

TEST_CASE("wrong answers are marked anew, whatever the file claims", "[lesson]") {
    School school;
    const std::string wrong =
        replaced(school.report(), "\"text\": \"6 ms\"", "\"text\": \"60 ms\"");
    const Graded g = school.grade(wrong);
    CHECK(g.refused == "");
    CHECK(g.marks.points == 6);
    REQUIRE(g.flags.size() == 1);
    CHECK(g.flags[0] == "it claims 7 of 7 points");
}

TEST_CASE("a figure that does not match its parameters is flagged", "[lesson]") {
    School school;
    // x = 8 and x = 7.5 both reach the task; the figure was made with 8.
    const Graded moved = school.grade(replaced(school.report(), "\"x\": 8.0", "\"x\": 7.5"));
    CHECK(moved.marks.points == 7);
    REQUIRE(moved.flags.size() == 1);
    CHECK(moved.flags[0] == "the figure of reach does not match its parameters");

    LessonAnswers answers = model_answers(school.lesson, school.bench);
    const auto shown = exhibits(school.lesson, answers, school.bench);
    REQUIRE(shown.size() == 3);
    const std::string svg = exhibit_bytes(shown[2], ".svg", toy_experiments());
    const std::string html = school.report();
    const Graded painted =
        school.grade(replaced(html, base64(svg), base64(replaced(svg, "The sum", "The lie"))));
    REQUIRE(painted.flags.size() == 1);
    CHECK(painted.flags[0] == "the figure of reach was changed");

    const Graded bare = school.grade(replaced(html, "id=\"figure-reach\"", "id=\"figure-other\""));
    REQUIRE(bare.flags.size() == 1);
    CHECK(bare.flags[0] == "the figure of reach is missing");
}

TEST_CASE("a hand-in of another version or edition is graded with a warning", "[lesson]") {
    School school;
    std::string old =
        replaced(school.report(), "\"nibble\": \"" NIBBLE_VERSION "\"", "\"nibble\": \"0.0.9\"");
    const std::string digest = figure_digest(*school.bench.outcome(
        std::get<TaskBlock>(*std::find_if(school.lesson.blocks.begin(), school.lesson.blocks.end(),
                                          [](const auto& b) { return answer_id(b) == "reach"; }))
            .solution));
    old = replaced(old, "\"data\": \"" + digest, "\"data\": \"0123456789abcdef");
    const Graded g = school.grade(old);
    CHECK(g.refused == "");
    CHECK(g.marks.points == 7);
    CHECK(g.flags.empty());
    REQUIRE(g.warnings.size() == 2);
    CHECK(g.warnings[0].find("made with Nibble 0.0.9") == 0);
    CHECK(g.warnings[1] == "the figure of reach differs from this version's");

    const Graded edition =
        school.grade(replaced(school.report(), school.lesson.digest + "\"", "00\""));
    CHECK(edition.marks.points == 7);
    REQUIRE(edition.warnings.size() == 1);
    CHECK(edition.warnings[0].find("another edition") != std::string::npos);
}

TEST_CASE("hostile hand-ins are refused by name", "[lesson]") {
    School school;
    const std::string good = school.report();
    const auto reason = [&](const std::string& html) { return school.grade(html).refused; };
    const auto in_body = [&](const std::string& what) {
        return reason(replaced(good, "<main>", "<main>" + what));
    };

    CHECK(reason("") == "it does not begin as a hand-in does");
    CHECK(reason("<!DOCTYPE html>") == "there are no answers in it");
    CHECK(in_body("<script>alert(1)</script>") == "<script> stands in it");
    CHECK(in_body("<SCRIPT src=\"x\">") == "<script> stands in it");
    CHECK(in_body("<svg onload=\"alert(1)\">") == "<svg> stands in it");
    CHECK(
        in_body("<img id=\"figure-a\" src=\"https://example.org/x.png\">").find("<img> fetches") ==
        0);
    CHECK(in_body("<img id=\"figure-a\" src=x onerror=alert(1)>") ==
          "<img> has \"src\" without quotes");
    CHECK(in_body("<p onclick=\"alert(1)\">") == "<p> has an attribute \"onclick\"");
    CHECK(in_body("<iframe src=\"x\">") == "<iframe> stands in it");
    CHECK(in_body("<a href=\"javascript:alert(1)\">") == "<a> stands in it");
    CHECK(in_body("<!-- hidden -->") == "<!-- hidd ...> stands in it");
    CHECK(in_body("<p class=\"") == "<p> is not well-formed");  // the quote closes in the next tag
    CHECK(in_body("< p>").find("stands in it") != std::string::npos);
    CHECK(reason(replaced(good, "<!DOCTYPE html>",
                          "<!DOCTYPE html [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>")) ==
          "it does not begin as a hand-in does");
    CHECK(reason(replaced(good, "default-src 'none'", "default-src *")).find("is not ours") !=
          std::string::npos);
    CHECK(reason(replaced(good, "body{", "@import 'https://example.org';body{")) ==
          "its style holds \"@import\"");
    CHECK(reason(replaced(good, "body{", "body{background:url(//example.org);")) ==
          "its style holds \"url(\"");
    CHECK(in_body("<img id=\"figure-a\" src=\"data:image/svg+xml;base64," +
                  base64("<svg><script>1</script></svg>") + "\">") == "a figure holds \"<script\"");
    CHECK(in_body("<img id=\"figure-a\" src=\"data:image/svg+xml;base64," +
                  base64("<svg><image href=\"https://example.org/x\"/></svg>") + "\">") ==
          "a figure refers to something outside of it");
    CHECK(in_body("<img id=\"figure-a\" src=\"data:image/svg+xml;base64,%%%\">") ==
          "a picture is not written in base64");
    CHECK(reason(good + good.substr(15)).find("twice") != std::string::npos);
    CHECK(reason(good + std::string(1, '\0')) == "it is not UTF-8 text");
    CHECK(reason(good + "\xff") == "it is not UTF-8 text");
    CHECK(reason(good + std::string(largest_hand_in, ' ')).ends_with("larger than 16 MiB"));
    const std::size_t json = good.find("hidden>") + 8;
    CHECK(reason(good.substr(0, json) + std::string(100000, '[') + "</pre>").find("nest") !=
          std::string::npos);
    CHECK(reason(good.substr(0, json) + "{\"lesson\": 1}</pre>") ==
          "the hand-in: \"lesson\" = 1 is not a text");
    CHECK(reason(good.substr(0, json) + "{\"lesson\": \"../../etc/passwd\"}</pre>")
              .find("no lesson is called \"../../etc/passwd\"") != std::string::npos);
    CHECK(reason(replaced(good, "\"parameters\": {",
                          "\"parameters\": {\"fine_print\": \"/dev/zero\",")) ==
          "the hand-in, answers, reach, parameters: unknown key \"fine_print\"");
    Grader grader(toy_experiments(), school.folder.path());
    CHECK(grader.grade(school.folder / "absent.html").refused.find("No such file") !=
          std::string::npos);
    CHECK(grader.grade(school.folder.path()).refused.find("not a regular file") !=
          std::string::npos);
}

TEST_CASE("what a student writes cannot break out of the hand-in", "[lesson]") {
    School school;
    const std::string name = "</pre><script>alert(1)</script><p \"'&\u00e9";
    const std::string html = school.report(name);
    CHECK(html.find("<script") == std::string::npos);
    const Graded g = school.grade(html);
    CHECK(g.refused == "");
    CHECK(g.student == name);
}

TEST_CASE("a broken hand-in never harms the grader", "[lesson]") {
    // Every cut and many single-byte changes of a good one: graded or refused, and never anything
    // else.
    School school;
    const std::string good = school.report();
    const std::string path = school.folder / "hand-in.html";
    Grader grader(toy_experiments(), school.folder.path());
    const Rng rng = Rng(7).stream("mutations");
    int refused = 0;
    for (std::uint64_t i = 0; i < 400; ++i) {
        std::string bad = good;
        if (i % 4 == 0) {
            bad.resize(rng.below(2 * i, good.size()));
        } else {
            // Half of the changes hit the answers, which are short beside the pictures.
            const std::size_t answers = good.find("hidden>");
            const std::size_t from = i % 2 == 0 ? 0 : answers;
            bad[from + rng.below(2 * i, good.size() - from)] =
                static_cast<char>(rng.below(2 * i + 1, 256));
        }
        test::write(path, bad);
        const Graded g = grader.grade(path);
        refused += g.refused.empty() ? 0 : 1;
        CHECK(g.refused.find("bug") == std::string::npos);
        CHECK(g.refused.find("it cannot be graded") == std::string::npos);
    }
    CHECK(refused > 100);  // all hundred that were cut, and more
}

TEST_CASE("grades as files", "[lesson]") {
    School school;
    std::vector<Graded> all;
    all.push_back(school.grade(school.report("=HYPERLINK(\"x\")")));
    all.push_back(school.grade(
        replaced(school.report("Bo, \"B\""), "\"text\": \"6 ms\"", "\"text\": \"60 ms\"")));
    all.push_back(school.grade("nonsense"));
    all[2].file = "<bad>.html";
    const std::string csv = grades_csv(all);
    const auto line = [&](std::size_t n) {
        std::size_t from = 0;
        for (; n > 0; --n) {
            from = csv.find('\n', from) + 1;
        }
        return csv.substr(from, csv.find('\n', from) - from);
    };
    CHECK(line(0) ==
          "file,student,lesson,status,points,out_of,percent,flags,warnings,reason,01 drawn,"
          "01 placed,01 reach,01 one,01 many,01 typed,01 words");
    CHECK(
        line(1) ==
        "hand-in.html,\"'=HYPERLINK(\"\"x\"\")\",01,graded,7,7,100.0,,,,predicted,predicted,right,"
        "right,right,right,right");
    CHECK(line(2).find("hand-in.html,\"Bo, \"\"B\"\"\",01,flagged,6,7,85.7,") == 0);
    CHECK(line(3) == "<bad>.html,,,refused,,,,,,it does not begin as a hand-in does,,,,,,,");

    const auto results = nlohmann::json::parse(gradescope_json(all[1]));
    CHECK(results["score"] == 6);
    CHECK(results["tests"].size() == 7);
    CHECK(results["tests"][5]["score"] == 0);
    CHECK(results["tests"][5]["output"] == "wrong: 60 ms: above it by a factor of 10");

    const std::string xml = junit_xml(all);
    CHECK(xml.find("tests=\"7\" failures=\"1\"") != std::string::npos);
    CHECK(xml.find("&lt;bad&gt;.html") != std::string::npos);
    CHECK(xml.find("<error message=\"it does not begin") != std::string::npos);
}

TEST_CASE("base64 both ways", "[lesson]") {
    CHECK(base64("Man") == "TWFu");
    CHECK(base64("Ma") == "TWE=");
    CHECK(base64("M") == "TQ==");
    for (const char* text : {"", "a", "ab", "abc", "abcd\xff"}) {
        CHECK(from_base64(base64(text)) == text);
    }
    CHECK_THROWS_AS(from_base64("a b"), Error);
}

}  // namespace nibble::grade_test
