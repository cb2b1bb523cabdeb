// Reading a lesson without a window: pages, answers, hints, what is kept, what a presenter sees.
#include "viz/app/lesson/lesson_reader.hpp"

#include <chrono>
#include <fstream>
#include <thread>

#include "viz/app/lesson/prediction_view.hpp"

#include "tests/app/lesson_folder.hpp"
#include "tests/catch.hpp"
#include "tests/lesson/fixture.hpp"

namespace nibble::lesson_reader_test {

using test::toy_experiments;

namespace {

struct Desk {
    test::LessonFolder folder;
    LessonReader reader{toy_experiments(), [] {}, folder.lessons()};

    explicit Desk(bool presents = false) {
        reader.open("01", presents);
        settle();
    }
    /// Waits for everything that was asked of the reader's thread.
    void settle() {
        while (reader.busy()) {
            reader.poll();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    /// To the page that asks this.
    void go_to(const std::string& id) {
        while (reader.turn(-1)) {}
        while (reader.page().id() != id) {
            REQUIRE(reader.turn(1));
        }
        settle();
    }
    LessonReader::Work& work() { return *reader.work(); }
};

std::string words_of(const LessonPage& page) {
    std::string all;
    for (const Prose& piece : page.prose) {
        all += plain_text(piece.text);
    }
    return all;
}

}  // namespace

TEST_CASE("a page has prose and at most one thing to do, and notes are left out", "[lesson-app]") {
    const std::vector<LessonPage> pages = pages_of(test::toy_lesson());
    REQUIRE(pages.size() == 8);  // two predictions, a figure, a task, four questions
    CHECK(words_of(pages[0]).find("A heading") != std::string::npos);
    CHECK(pages[0].id() == "drawn");
    CHECK(pages[2].figure() != nullptr);
    CHECK(pages[3].task() != nullptr);
    CHECK(pages.back().id() == "words");
    CHECK(pages[3].controls() == std::vector<std::string>{"x", "shape"});
    CHECK(pages.back().setting() == nullptr);
    for (const LessonPage& page : pages) {
        CHECK(words_of(page).find("Take your time") == std::string::npos);
    }
}

TEST_CASE("what a page computes is an ellipsis until it has been computed", "[lesson-app]") {
    const LessonPage empty = pages_of(test::toy_lesson()).front();
    CHECK(words_of(empty).find("\u2026") != std::string::npos);
    LessonBench bench(toy_experiments());
    const std::string whole = words_of(filled(empty, bench));
    CHECK(whole.find("\u2026") == std::string::npos);
    CHECK(whole.find("5\u00a0ms") != std::string::npos);  // x = 3, y = 2
    Desk desk;
    CHECK(words_of(desk.reader.page()) == whole);
}

TEST_CASE("a question is answered, explained, and may be tried again", "[lesson-app]") {
    Desk desk;
    desk.go_to("typed");
    desk.work().draft.text = "six";
    desk.reader.answer();
    CHECK_FALSE(desk.work().problem.empty());
    CHECK_FALSE(desk.work().revealed);
    desk.work().draft.text = "7 ms";  // it is 6, give or take 5 %
    desk.reader.answer();
    desk.settle();
    REQUIRE(desk.work().mark);
    CHECK(desk.work().mark->verdict == Verdict::wrong);
    CHECK_FALSE(desk.reader.explains());  // the right answer stays secret
    desk.reader.try_again();
    CHECK_FALSE(desk.work().revealed);
    desk.work().draft.text = "0.006 s";
    desk.reader.answer();
    desk.settle();
    REQUIRE(desk.work().mark);
    CHECK(desk.work().mark->verdict == Verdict::right);
    CHECK(desk.reader.explains());
}

TEST_CASE("one option replaces another, several stand beside each other", "[lesson-app]") {
    Desk desk;
    desk.go_to("one");
    desk.reader.answer();
    CHECK_FALSE(desk.work().problem.empty());
    desk.reader.choose(0);
    desk.reader.choose(1);
    CHECK(desk.work().draft.chosen == std::vector<int>{1});
    desk.go_to("many");
    desk.reader.choose(2);
    desk.reader.choose(0);
    desk.reader.choose(1);
    desk.reader.choose(1);
    CHECK(desk.work().draft.chosen == std::vector<int>{0, 2});
    desk.reader.answer();
    desk.settle();
    CHECK(desk.work().mark->verdict == Verdict::right);
    desk.reader.choose(1);  // what has been answered stays
    CHECK(desk.work().draft.chosen == std::vector<int>{0, 2});
}

TEST_CASE("the result hides until the prediction has been made, and the gap is told",
          "[lesson-app]") {
    Desk desk;
    desk.go_to("drawn");
    CHECK(desk.reader.hides_result());
    desk.reader.answer();
    CHECK(desk.reader.hides_result());  // nothing was drawn
    desk.work().draft.points = {{0, 0}, {10, 20}};
    desk.reader.answer();
    desk.settle();
    CHECK_FALSE(desk.reader.hides_result());
    REQUIRE(desk.work().mark);
    CHECK(desk.work().mark->verdict == Verdict::predicted);
    CHECK(desk.work().mark->remark.find("above") != std::string::npos);
    desk.reader.try_again();  // a prediction is made once
    CHECK(desk.work().revealed);
    desk.go_to("one");
    CHECK_FALSE(desk.reader.hides_result());
}

TEST_CASE("a task notices that it has been reached", "[lesson-app]") {
    Desk desk;
    desk.go_to("reach");
    const TaskBlock task = *desk.reader.page().task();
    desk.reader.watch(task.setting);
    desk.settle();
    REQUIRE(desk.work().task);
    CHECK_FALSE(desk.work().task->reached);
    CHECK_FALSE(desk.work().revealed);
    desk.reader.hint();
    desk.reader.hint();
    CHECK(desk.work().hints == 1);  // there are no more
    desk.reader.watch(task.solution);
    desk.settle();
    CHECK(desk.work().task->reached);
    CHECK(desk.work().revealed);
    CHECK(desk.reader.answers().answers.at("reach").scenario == task.solution);
}

TEST_CASE("answers are kept, and are there when the lesson is opened again", "[lesson-app]") {
    Desk desk;
    CHECK(desk.reader.entries().at(0).done == 0);
    CHECK(desk.reader.entries().at(0).out_of == 7);
    desk.go_to("one");
    desk.reader.choose(1);
    desk.reader.answer();
    desk.settle();
    CHECK(desk.reader.problem().empty());
    CHECK(desk.reader.entries().at(0).done == 1);
    LessonReader again(
        toy_experiments(), [] {}, desk.folder.lessons());
    again.open("01");
    CHECK(again.answers().answers.at("one").chosen == std::vector<int>{1});
    CHECK(again.entries().at(0).done == 1);
}

TEST_CASE("whoever presents keeps nothing and sees results when they ask", "[lesson-app]") {
    Desk desk(true);
    desk.go_to("one");
    CHECK_FALSE(desk.work().revealed);
    desk.reader.choose(0);
    desk.reader.reveal();
    desk.settle();
    CHECK(desk.work().revealed);
    REQUIRE(desk.work().mark);
    CHECK(desk.work().mark->verdict == Verdict::wrong);
    desk.go_to("drawn");
    CHECK(desk.reader.hides_result());
    desk.reader.reveal();
    CHECK_FALSE(desk.reader.hides_result());
    LessonReader again(
        toy_experiments(), [] {}, desk.folder.lessons());
    again.open("01");
    CHECK(again.answers().answers.empty());
}

TEST_CASE("a broken lesson is a row that says why, an unknown one is refused", "[lesson-app]") {
    Desk desk;
    std::ofstream(desk.folder.lessons() / "02-broken.md") << "no header";
    LessonReader reader(
        toy_experiments(), [] {}, desk.folder.lessons());
    REQUIRE(reader.entries().size() == 2);
    CHECK(reader.entries()[0].lesson.has_value());
    CHECK_FALSE(reader.entries()[1].lesson.has_value());
    CHECK(reader.entries()[1].error.find("02-broken.md") != std::string::npos);
    CHECK_THROWS_AS(reader.open("09"), Error);
    CHECK(reader.lesson() == nullptr);
}

TEST_CASE("the chart to predict on has its axes but not the result", "[lesson-app]") {
    LessonBench bench(toy_experiments());
    const Lesson lesson = test::toy_lesson();
    const std::vector<LessonPage> pages = pages_of(lesson);
    const QuestionBlock& drawn = *pages[0].question();
    const Outcome blank = blank_chart(*bench.outcome(*drawn.setting), drawn);
    REQUIRE(blank.rows.size() == 1);
    const Figure& figure = blank.rows[0].figures.at(0);
    CHECK(figure.x.label == "time");
    REQUIRE(figure.y.limits);
    CHECK(figure.y.limits->second >= 10);
    for (const Mark& mark : figure.marks) {
        const auto* line = std::get_if<Line>(&mark);
        CHECK((line == nullptr || line->label != "true"));
    }
}

TEST_CASE("a drawn line keeps one y for each x, in order", "[lesson-app]") {
    std::vector<std::pair<double, double>> line;
    put_point(line, 4, 1);
    put_point(line, 2, 5);
    put_point(line, 8, 3);
    put_point(line, 4, 2);
    CHECK(line == std::vector<std::pair<double, double>>{{2, 5}, {4, 2}, {8, 3}});
}

}  // namespace nibble::lesson_reader_test
