// Lessons in the window under real input: the list, a page, a prediction drawn with the pointer,
// and a presentation driven by keys.
#include "tests/app/lesson_folder.hpp"

namespace nibble::lesson_window_test {

using nibble::test::can_show_windows;
using nibble::test::Desk;

namespace {

/// Where the window looks for lessons while a test runs.
struct Lessons {
    test::LessonFolder folder;
    Lessons() { setenv("NIBBLE_LESSONS", folder.lessons().c_str(), 1); }
    ~Lessons() { unsetenv("NIBBLE_LESSONS"); }
};

WindowOptions on_lesson(bool presents, std::size_t page = 0) {
    WindowOptions options;
    options.lesson = "01";
    options.presents = presents;
    options.lesson_page = page;
    return options;
}

double x_of(Desk& desk) {
    return std::get<double>(desk.value("x"));
}

constexpr std::size_t figure_page = 2, task_page = 3, choice_page = 4;

}  // namespace

TEST_CASE("a lesson is opened from its list, left again, and never locks the labs", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    const Lessons lessons;
    Desk desk({}, test::toy_experiments());
    desk.click("tab:lessons");
    REQUIRE(desk.has("lesson:01"));
    desk.click("lesson:01");
    REQUIRE(desk.app().reads());
    CHECK(desk.app().lessons().at() == 0);
    desk.click("lesson:next");
    CHECK(desk.app().lessons().at() == 1);
    desk.key("alt+Left");
    CHECK(desk.app().lessons().at() == 0);
    desk.click("tab:labs");
    CHECK_FALSE(desk.app().reads());
    CHECK(desk.has("nav:toy"));
    desk.click("tab:lessons");
    CHECK(desk.app().reads());
    desk.click("lesson:leave");
    CHECK_FALSE(desk.app().reads());
    CHECK(desk.has("lesson:01"));
}

TEST_CASE("a page sets the lab up and offers its controls first", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    const Lessons lessons;
    Desk desk(on_lesson(false, figure_page), test::toy_experiments());
    CHECK(x_of(desk) == 4);
    CHECK(desk.has("param:y"));
    desk.click("lesson:next");
    CHECK(x_of(desk) == 1);
    CHECK(desk.has("param:x"));
    CHECK_FALSE(desk.has("param:y"));  // behind "More parameters"
    CHECK(desk.has("more"));
}

TEST_CASE("a prediction is drawn with the pointer, shown against the result, and kept",
          "[window]") {
    if (!can_show_windows()) {
        return;
    }
    const Lessons lessons;
    Desk desk(on_lesson(false), test::toy_experiments());
    desk.until("the chart is there", [&] { return desk.has("prediction"); });
    CHECK(desk.app().lessons().hides_result());
    const Rect frame = desk.app().ui().rects().at("prediction");
    desk.move({frame.x + 2, frame.bottom() - 4});
    desk.press();
    desk.move({frame.centre().x, frame.centre().y});
    desk.move({frame.right() - 3, frame.y + frame.height * 0.2F});
    desk.let_go();
    const auto& points = desk.app().lessons().work()->draft.points;
    REQUIRE(points.size() == 2);  // the series has two places
    CHECK(points[0].first == 0);
    CHECK(points[1].first == 10);
    CHECK(points[1].second > points[0].second);
    desk.click("lesson:answer");
    CHECK_FALSE(desk.app().lessons().hides_result());
    CHECK(desk.has("figure"));
    REQUIRE(desk.app().lessons().work()->mark);
    CHECK_FALSE(desk.app().lessons().work()->mark->remark.empty());
}

TEST_CASE("a task ticks when the lab reaches it", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    const Lessons lessons;
    Desk desk(on_lesson(false, task_page), test::toy_experiments());
    desk.until("the task has been looked at", [&] { return desk.has("task:open"); });
    desk.session().set({{"x", Value(8.0)}, {"shape", Value("square")}});
    desk.until("it is reached", [&] { return desk.has("task:reached"); });
    CHECK(desk.app().lessons().work()->revealed);
}

TEST_CASE("a presentation is driven by keys: steps, reveals, and leaves", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    const Lessons lessons;
    Desk desk(on_lesson(true), test::toy_experiments());
    CHECK(desk.app().presents());
    CHECK(desk.app().theme().scale == Approx(1.75));
    CHECK(desk.app().theme().background == Color{255, 255, 255});
    CHECK_FALSE(desk.has("export"));  // no bars: only the lesson and the chart
    CHECK(desk.app().lessons().hides_result());
    desk.key("r");
    CHECK_FALSE(desk.app().lessons().hides_result());
    desk.key("Right");
    desk.key("Right");
    CHECK(desk.app().lessons().at() == figure_page);
    CHECK(x_of(desk) == 4);
    desk.key("space");
    CHECK(desk.app().lessons().at() == task_page);
    CHECK(desk.has("param:x"));
    CHECK_FALSE(desk.has("param:y"));
    CHECK_FALSE(desk.has("more"));  // only what the page chose

    SECTION("the start scenario is the same each time a page comes") {
        desk.session().set(desk.param("x"), Value(9.0));
        desk.key("Left");
        CHECK(x_of(desk) == 4);
        desk.key("Right");
        CHECK(x_of(desk) == 1);
    }
    SECTION("answers hide until R") {
        desk.key("Down");
        REQUIRE(desk.app().lessons().at() == choice_page);
        desk.click("option:0");
        CHECK_FALSE(desk.app().lessons().work()->revealed);
        desk.key("r");
        CHECK(desk.app().lessons().work()->revealed);
    }
    SECTION("Escape leaves, and the theme is as it was") {
        desk.key("Escape");
        CHECK_FALSE(desk.app().reads());
        CHECK(desk.app().theme().scale == 1);
    }
}

}  // namespace nibble::lesson_window_test
