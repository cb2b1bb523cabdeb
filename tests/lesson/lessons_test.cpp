// Every lesson that comes with Nibble: it parses, every block runs, the scripted answers solve it.
#include <cstdlib>
#include <set>

#include "sim/experiments/all.hpp"
#include "viz/lesson/catalogue.hpp"
#include "viz/lesson/check.hpp"
#include "viz/lesson/marks.hpp"
#include "viz/lesson/report.hpp"
#include "viz/lesson/sheet.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"
#include "tests/places.hpp"

namespace nibble::lessons_test {

namespace {

const std::filesystem::path folder = std::filesystem::path(test::source_dir()) / "lessons";

LessonBench& bench() {
    static LessonBench one(all_experiments());
    return one;
}

}  // namespace

TEST_CASE("every lesson runs, its model answers are worth 100 %, none are worth 0", "[lesson]") {
    const auto files = lesson_files(folder);
    REQUIRE(files.size() >= 2);
    for (const auto& path : files) {
        INFO(path);
        const Lesson lesson = load_lesson(path, all_experiments());
        for (const std::string& problem : check_lesson(lesson, bench())) {
            FAIL_CHECK(problem);
        }
        const Marks best = mark(lesson, model_answers(lesson, bench()), bench());
        CHECK(best.points == best.out_of);
        CHECK(mark(lesson, no_answers(lesson), bench()).points == 0);
    }
}

TEST_CASE("every lesson has a driving question, sources and notes for the teacher", "[lesson]") {
    std::set<std::string> ids;
    for (const auto& path : lesson_files(folder)) {
        INFO(path);
        const Lesson lesson = load_lesson(path, all_experiments());
        CHECK(ids.insert(lesson.id).second);
        CHECK(lesson.question.ends_with("?"));
        CHECK(lesson.minutes >= 20);
        CHECK(lesson.minutes <= 40);
        int notes = 0, reading = 0;
        for (const LessonBlock& block : lesson.blocks) {
            notes += std::holds_alternative<TeacherBlock>(block) ? 1 : 0;
            if (const auto* prose = std::get_if<Prose>(&block)) {
                reading += prose->kind == Prose::Kind::heading &&
                                   plain_text(prose->text) == "Further reading"
                               ? 1
                               : 0;
            }
        }
        CHECK(notes >= 1);
        CHECK(reading == 1);
    }
}

TEST_CASE("lessons are found by number, slug and file name", "[lesson]") {
    for (const char* name : {"02", "2", "rounding", "02-rounding", "02-rounding.md"}) {
        CHECK(find_lesson(name, all_experiments(), folder).id == "02");
    }
    try {
        find_lesson("roundin", all_experiments(), folder);
        FAIL("found");
    } catch (const Error& e) { CHECK(e.hint() == "did you mean rounding?"); }
    CHECK(lesson_files("/nowhere").empty());
}

TEST_CASE("a lab sheet is a PDF of several pages with the lesson's words", "[lesson]") {
    const Lesson lesson = find_lesson("02", all_experiments(), folder);
    const std::string sheet = sheet_pdf(lesson, bench(), false);
    const std::string answers = sheet_pdf(lesson, bench(), true);
    CHECK(sheet.starts_with("%PDF-1.4"));
    if (std::system("command -v pdftotext > /dev/null") != 0) {
        WARN("skipped: pdftotext is not installed");
        return;
    }
    const test::TempFolder out;
    const auto words = [&](const std::string& pdf) {
        test::write(out / "a.pdf", pdf);
        return test::shell("pdftotext " + (out / "a.pdf") + " -").out;
    };
    const std::string plain = words(sheet), solved = words(answers);
    CHECK(plain.find("Rounding a tensor") != std::string::npos);
    CHECK(plain.find("Name") != std::string::npos);
    CHECK(plain.find("For the teacher") == std::string::npos);
    CHECK(plain.find("scheme=nf4") == std::string::npos);
    CHECK(solved.find("scheme=nf4") != std::string::npos);
    CHECK(solved.find("Where it goes wrong") != std::string::npos);
}

TEST_CASE("a hand-in opens in a browser without errors or network", "[lesson]") {
    if (std::system("command -v chromium > /dev/null") != 0) {
        WARN("skipped: chromium is not installed");
        return;
    }
    const Lesson lesson = find_lesson("02", all_experiments(), folder);
    const test::TempFolder out;
    test::write(out / "report.html", report_html(lesson, model_answers(lesson, bench()), bench()));
    const auto seen = test::shell(
        "chromium --headless --no-sandbox --disable-gpu --user-data-dir=" + (out / "profile") +
        " --enable-logging=stderr --dump-dom file://" + (out / "report.html"));
    CHECK(seen.status == 0);
    CHECK(seen.out.find("id=\"nibble-hand-in\"") != std::string::npos);
    CHECK(seen.err.find("CONSOLE") ==
          std::string::npos);  // errors and refused requests stand there
    CHECK(seen.err.find("ERR_") == std::string::npos);
}

}  // namespace nibble::lessons_test
