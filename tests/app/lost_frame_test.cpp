// A bug met while a frame is drawn, or while its changes are made, costs the frame and no more.
#include <stdexcept>

#include "tests/app/window_fixture.hpp"

namespace nibble::lost_frame_test {

using nibble::test::can_show_windows;
using nibble::test::Desk;

namespace {

struct Frail {
    double x = 1;
};

/// A lab that is drawn, and one whose outcome beyond x = 5 cannot be: its steps belong to no
/// parameter.
const Experiments& frail_labs() {
    static const Experiments all = [] {
        const auto run = [](const Frail& p, const RunContext&) { return p; };
        const auto show = [](const Frail& p, const Frail&) {
            Outcome o;
            o.finding = "This lab is drawn";
            if (p.x > 5) {
                o.timeline = Timeline{"nothing", 0, 3};
            }
            return o;
        };
        Experiments list;
        for (const char* id : {"sound", "frail"}) {
            list.push_back(define<Frail, Frail>(id, "Tests", id, "Is it drawn?",
                                                {real("x", &Frail::x, {0, 10})}, run, show));
        }
        return list;
    }();
    return all;
}

struct Thrower : Overlay {
    bool draw(Ui& ui, App&) override {
        ui.begin_list("inside", {10, 10, 100, 100});
        throw std::runtime_error("a bug inside a list");
    }
};

}  // namespace

TEST_CASE("a lab that cannot be drawn says so, once, and others go on", "[window][lost]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk({}, frail_labs());
    desk.click("nav:frail");
    CHECK(desk.app().lost_frames() == 0);
    desk.session().set(0, Value(8.0));
    desk.settle();
    const int lost = desk.app().lost_frames();
    CHECK(lost == 1);
    CHECK(desk.has("lost"));
    desk.settle();
    const int frames = desk.window().frames();
    for (int i = 0; i < 5; ++i) {
        desk.window().pump(0.02);
    }
    CHECK(desk.window().frames() <= frames + 1);  // it does not try again and again
    desk.window().draw_now();
    CHECK(desk.app().lost_frames() == lost);

    SECTION("another lab is drawn") {
        desk.click("nav:sound");
        CHECK(desk.session().experiment().id == "sound");
        CHECK_FALSE(desk.has("lost"));
        CHECK(desk.has("figure"));
        desk.click("nav:frail");
        CHECK(desk.has("lost"));
    }
    SECTION("this one is drawn again when it has been reset") {
        desk.click("lost:reset");
        CHECK(std::get<double>(desk.value("x")) == 1);
        CHECK_FALSE(desk.has("lost"));
        CHECK(desk.has("figure"));
    }
    SECTION("the list of labs opens over it") {
        desk.click("lost:labs");
        CHECK(desk.app().has_overlay());
        CHECK(desk.app().lost_frames() == lost);
    }
}

TEST_CASE(
    "a bug in what lies above the panels, or in a change, ends neither the window nor the lab",
    "[window][lost]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk({}, frail_labs());
    desk.app().show(std::make_unique<Thrower>());
    desk.window().draw_now();
    CHECK(desk.app().lost_frames() == 1);
    CHECK_FALSE(desk.app().has_overlay());
    desk.window().draw_now();
    CHECK(desk.app().lost_frames() == 1);
    REQUIRE(desk.has("lost:again"));
    desk.click("lost:again");
    CHECK(desk.has("figure"));

    desk.app().ui().later([] { NIBBLE_ASSERT(false, "a change may be wrong"); });
    desk.window().draw_now();
    CHECK(desk.app().lost_frames() == 2);
    desk.settle();
    desk.click("lost:again");
    desk.app().ui().later([] { throw Error(Error::Code::bad_param, "that is refused"); });
    desk.window().draw_now();
    CHECK(desk.app().lost_frames() == 2);
    CHECK(desk.app().notice() == "that is refused");
}

TEST_CASE("while a frame is drawn the session cannot be changed") {
    Runner runner;
    Session session(frail_labs(), runner);
    {
        const Session::Still still(session);
        CHECK_THROWS_AS(session.select("frail"), BrokenInvariant);
        CHECK_THROWS_AS(session.set(0, Value(2.0)), BrokenInvariant);
    }
    session.set(0, Value(3.0));
    CHECK(std::get<double>(session.value(0)) == 3);
    runner.wait_idle();
}

}  // namespace nibble::lost_frame_test
