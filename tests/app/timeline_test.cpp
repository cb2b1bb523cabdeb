// The timeline bar under real input: play, step, drag, marks, undo.
#include <algorithm>
#include <cmath>

#include "viz/app/panels/timeline_bar.hpp"

#include "tests/app/window_fixture.hpp"

namespace nibble::timeline_test {

using nibble::test::can_show_windows;
using nibble::test::Desk;

namespace {

WindowOptions on(const std::string& id, const std::vector<std::pair<std::string, Value>>& changes) {
    const Experiment& experiment = find_experiment(all_experiments(), id);
    Scenario start;
    start.experiment = id;
    start.values = experiment.defaults();
    for (const auto& [name, value] : changes) {
        start.values[experiment.index_of(name)] = value;
    }
    WindowOptions options;
    options.start = start;
    return options;
}

std::int64_t step_of(Desk& desk) {
    return std::get<std::int64_t>(desk.value("step"));
}

const Timeline& line_of(Desk& desk) {
    REQUIRE(TimelineBar::of(desk.session()) != nullptr);
    return *TimelineBar::of(desk.session());
}

}  // namespace

TEST_CASE("a lab with steps has a bar for them instead of a slider", "[window][timeline]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("kernel-ladder", {}));
    CHECK(desk.has("timeline"));
    CHECK_FALSE(desk.has("param:step"));
    CHECK(desk.has("param:rung"));
    desk.app().select("number-formats");
    desk.settle();
    CHECK_FALSE(desk.has("timeline"));
}

TEST_CASE("the bar steps by its buttons and by keys, and stays within its ends",
          "[window][timeline]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("kernel-ladder", {}));
    const std::int64_t last = line_of(desk).last;
    REQUIRE(last > 3);
    desk.key("comma");
    CHECK(step_of(desk) == 1);
    desk.key("period");
    CHECK(step_of(desk) == 2);
    desk.key("Right");
    CHECK(step_of(desk) == 3);
    desk.key("Left");
    CHECK(step_of(desk) == 2);
    desk.click("timeline:forward");
    CHECK(step_of(desk) == 3);
    desk.click("timeline:back");
    CHECK(step_of(desk) == 2);
    desk.key("End");
    CHECK(step_of(desk) == last);
    desk.key("Right");
    CHECK(step_of(desk) == last);
    desk.key("Home");
    CHECK(step_of(desk) == 1);
    desk.click("timeline:step");
    desk.type("4");
    desk.key("Return");
    CHECK(step_of(desk) == 4);
}

TEST_CASE("playing ends at the last step, is one undo step, and starts over from there",
          "[window][timeline]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("kernel-ladder", {}));
    const std::int64_t last = line_of(desk).last;
    const std::int64_t from = last - 2;
    desk.session().set(desk.param("step"), Value(from));
    desk.settle();
    desk.key("space");
    desk.until("it has played to the end", [&] { return step_of(desk) == last; });
    desk.until("it has stopped", [&] { return !desk.app().timeline().playing(); });
    desk.settle();
    desk.key("ctrl+z");
    CHECK(step_of(desk) == from);

    // From here without keys: pressing one waits until all is quiet, and a slow machine could play
    // to the end before it is.
    desk.key("End");
    desk.app().timeline().toggle(desk.app().ui(), desk.session());
    CHECK(desk.app().timeline().playing());
    CHECK(step_of(desk) == 1);
    desk.until("it has gone on", [&] { return step_of(desk) == 2; });
    desk.app().timeline().toggle(desk.app().ui(), desk.session());
    CHECK_FALSE(desk.app().timeline().playing());
    desk.settle();
    CHECK(step_of(desk) == 2);
}

TEST_CASE("Space plays a lab that was clicked in the list", "[window][timeline]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer", {}));
    desk.click("nav:kernel-ladder");
    desk.click("timeline:back");
    const std::int64_t before = step_of(desk);
    desk.click("nav:kernel-ladder");
    desk.key("space");
    desk.until("the next step is shown", [&] { return step_of(desk) > before; });
}

TEST_CASE("a slider with the focus keeps its arrow keys", "[window][timeline]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("kernel-ladder", {}));
    desk.app().show_parameter(desk.param("rung"));
    desk.settle();
    REQUIRE(desk.app().ui().focused() == "param:rung");
    desk.key("Right");
    CHECK(std::get<std::int64_t>(desk.value("rung")) == 2);
    CHECK(step_of(desk) == 1);
}

TEST_CASE("the thumb is dragged in one undo step, and a press on a mark goes to its step",
          "[window][timeline]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("gptq", {{"model", Value("synthetic")}, {"step", Value(std::int64_t{0})}}));
    const Timeline line = line_of(desk);
    REQUIRE(line.first == 0);
    REQUIRE_FALSE(line.marks.empty());
    const Rect track = desk.app().ui().rects().at("timeline");
    const float radius = desk.app().ui().px(7);
    const auto at = [&](std::int64_t step) {
        return Point{track.x + radius +
                         (track.width - 2 * radius) * static_cast<float>(step) /
                             static_cast<float>(line.last),
                     track.centre().y};
    };
    desk.move(at(0));
    desk.press();
    desk.move(at(line.last / 4));
    desk.move(at(line.last / 2));
    desk.let_go();
    // A pixel is less than a step wide here or about as wide: the pointer lands on its neighbour.
    CHECK(std::abs(step_of(desk) - line.last / 2) <= 1);
    desk.key("ctrl+z");
    CHECK(step_of(desk) == 0);

    const std::int64_t mark = line.marks.front().at;
    Point beside = at(mark);
    beside.x += 3;  // within the mark's reach
    desk.click(beside);
    const bool on_a_mark = std::any_of(line.marks.begin(), line.marks.end(),
                                       [&](const auto& m) { return m.at == step_of(desk); });
    CHECK(on_a_mark);
}

}  // namespace nibble::timeline_test
