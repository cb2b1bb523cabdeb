// The window under real input. Each test opens one, moves the pointer and presses keys through the
// X server, and looks at the state behind the picture.
#include <filesystem>
#include <fstream>

#include "sim/tensor/tensor_file.hpp"
#include "viz/app/ui/slider_scale.hpp"
#include "viz/figure/export.hpp"

#include "tests/app/window_fixture.hpp"

namespace nibble::window_test {

using nibble::test::can_show_windows;
using nibble::test::Desk;

namespace {

WindowOptions on(const std::string& id) {
    WindowOptions options;
    Scenario start;
    start.experiment = id;
    start.values = find_experiment(all_experiments(), id).defaults();
    options.start = start;
    return options;
}

bool answers_exactly(Desk& desk) {
    return !desk.session().busy() && !desk.session().outcome_is_preview() &&
           desk.session().outcome_scenario().values == desk.session().scenario().values;
}

}  // namespace

TEST_CASE("dragging a slider changes its parameter and ends in the exact result", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    const auto before = desk.session().outcome();
    desk.move(desk.place("param:bits", 0.345F));
    desk.press();
    desk.move(desk.place("param:bits", 0.6F));
    CHECK(desk.session().dragging());
    desk.move(desk.place("param:bits", 0.98F));
    desk.let_go();
    CHECK(std::get<std::int64_t>(desk.value("bits")) == 8);
    CHECK(answers_exactly(desk));
    CHECK(desk.session().outcome() != before);

    SECTION("the whole drag is one undo step") {
        desk.key("ctrl+z");
        CHECK(std::get<std::int64_t>(desk.value("bits")) == 4);
        CHECK_FALSE(desk.session().can_undo());
        desk.key("ctrl+shift+z");
        CHECK(std::get<std::int64_t>(desk.value("bits")) == 8);
    }
    SECTION("a double click takes the default back") {
        desk.double_click(desk.place("param:bits", 0.5F));
        CHECK(std::get<std::int64_t>(desk.value("bits")) == 4);
    }
}

TEST_CASE("a slider answers the arrow keys once Tab has brought the focus", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    const std::size_t stops = all_experiments().size() + 40;  // the labs, and what else there is
    for (std::size_t i = 0; i < stops && desk.app().ui().focused() != "param:group_size"; ++i) {
        desk.key("Tab");
    }
    REQUIRE(desk.app().ui().focused() == "param:group_size");
    desk.key("Right");
    CHECK(std::get<std::int64_t>(desk.value("group_size")) == 64);
    desk.key("Left");
    desk.key("Left");
    CHECK(std::get<std::int64_t>(desk.value("group_size")) == 16);
    CHECK(answers_exactly(desk));
}

TEST_CASE("a typed value is taken, and one out of range is refused beside the field", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    desk.click("param:group_size/field");
    CHECK(desk.app().ui().is_typing());
    desk.type("48");
    desk.key("Return");
    CHECK(std::get<std::int64_t>(desk.value("group_size")) == 48);
    CHECK_FALSE(desk.app().ui().is_typing());
    CHECK(answers_exactly(desk));

    desk.click("param:bits/field");
    desk.type("99");
    desk.key("Return");
    CHECK(std::get<std::int64_t>(desk.value("bits")) == 4);
    CHECK(desk.app().params().typing_error("bits") ==
          "“Bits per code” = 99 is out of range; “Bits per code” takes 2 to 8 bit");
    SECTION("Escape clears the error") {
        desk.key("Escape");
        CHECK(desk.app().params().typing_error("bits").empty());
    }
    SECTION("the error goes with the value that it stood beside") {
        desk.key("Right");
        CHECK(std::get<std::int64_t>(desk.value("bits")) == 5);
        CHECK(desk.app().params().typing_error("bits").empty());
    }

    desk.click("param:bits/field");
    desk.type("3");
    desk.key("Return");
    CHECK(std::get<std::int64_t>(desk.value("bits")) == 3);
    CHECK(desk.app().params().typing_error("bits").empty());

    desk.click("param:bits/field");
    desk.type("7");
    desk.key("Escape");
    CHECK(std::get<std::int64_t>(desk.value("bits")) == 3);
}

TEST_CASE("dragging a handle on a figure moves its parameter", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("number-formats"));
    REQUIRE(desk.has("handle:value"));
    const double before = std::get<double>(desk.value("value"));
    const Point from = desk.place("handle:value");
    desk.move(from);
    desk.press();
    desk.move({from.x + 40, from.y});
    desk.move({from.x + 80, from.y});
    CHECK(desk.session().dragging());
    desk.let_go();
    CHECK(std::get<double>(desk.value("value")) > before);
    CHECK(answers_exactly(desk));
    desk.key("ctrl+z");
    CHECK(std::get<double>(desk.value("value")) == before);
}

TEST_CASE("the wheel zooms a plot and a double click takes it back", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    WindowOptions options = on("quantizer");
    options.size = {1280, 1040};  // high enough not to scroll: there the wheel zooms
    Desk desk(options);
    const auto plot = [&]() -> const PlotArea* {
        for (const PlotArea& p : desk.app().figure().scene().plots) {
            if (p.zoomable) {
                return &p;
            }
        }
        return nullptr;
    };
    REQUIRE(plot() != nullptr);
    const std::string id = plot()->figure_id;
    const double low = plot()->x.low, high = plot()->x.high;
    const Point corner = desk.app().figure().origin(), middle = plot()->frame.centre();
    const Point at = {corner.x + middle.x, corner.y + middle.y + plot()->frame.height * 0.3F};
    desk.move(at);
    desk.wheel(3);
    CHECK(desk.app().figure().zooms("quantizer").count(id) == 1);
    CHECK(plot()->x.high - plot()->x.low < (high - low) * 0.7);
    desk.double_click(at);
    CHECK(desk.app().figure().zooms("quantizer").empty());
    CHECK(plot()->x.low == low);
}

TEST_CASE("the export dialog writes the chart where it says, with the scenario inside",
          "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    desk.click("param:bits/field");
    desk.type("5");
    desk.key("Return");
    desk.key("ctrl+e");
    REQUIRE(desk.has("export:go"));
    desk.click("export:format:.svg");
    desk.click("export:name");
    desk.type("my-chart");
    desk.key("Return");
    desk.click("export:go");
    REQUIRE(desk.has("export:written"));
    const std::filesystem::path path = std::filesystem::path(std::getenv("HOME")) / "my-chart.svg";
    REQUIRE(std::filesystem::exists(path));
    CHECK(read_scenario(path, all_experiments()).values == desk.session().scenario().values);

    SECTION("a folder that cannot be written is told in words") {
        desk.click("export:folder");
        desk.type("/proc/nothing");
        desk.key("Return");
        desk.click("export:go");
        CHECK_FALSE(desk.has("export:written"));
        CHECK(desk.app().has_overlay());
    }
    SECTION("Escape closes the dialog") {
        desk.key("Escape");
        CHECK_FALSE(desk.app().has_overlay());
    }
}

TEST_CASE("an idle window renders no frames", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    desk.move({640, 20});
    desk.settle();
    const auto watch = [&] {
        const int before = desk.window().frames();
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
        while (std::chrono::steady_clock::now() < end) {
            desk.window().pump(0.5);
        }
        return desk.window().frames() - before;
    };
    // A tooltip may still be due when the pointer has just come to rest, or a window be exposed.
    int frames = watch();
    for (int i = 0; i < 5 && frames > 0; ++i) {
        frames = watch();
    }
    CHECK(frames == 0);
}

TEST_CASE("labs keep their parameters while another one is shown", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    desk.click("param:bits/field");
    desk.type("6");
    desk.key("Return");
    desk.click("nav:number-formats");
    CHECK(desk.session().experiment().id == "number-formats");
    CHECK(answers_exactly(desk));
    desk.click("nav:quantizer");
    CHECK(std::get<std::int64_t>(desk.value("bits")) == 6);
    CHECK(answers_exactly(desk));
}

TEST_CASE("the command palette finds labs, actions and parameters", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    desk.key("ctrl+k");
    CHECK(desk.app().has_overlay());
    desk.type("number formats");
    desk.key("Return");
    CHECK_FALSE(desk.app().has_overlay());
    CHECK(desk.session().experiment().id == "number-formats");
    desk.key("ctrl+k");
    desk.type("keys");
    desk.key("Return");
    CHECK(desk.app().has_overlay());
    desk.key("Escape");
    CHECK_FALSE(desk.app().has_overlay());
}

TEST_CASE("theme, projector and pin answer their keys and buttons", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    CHECK(desk.app().theme().kind == ThemeKind::dark);
    desk.key("t");
    CHECK(desk.app().theme().kind == ThemeKind::light);
    desk.click("projector");
    CHECK(desk.app().settings().projector);
    CHECK(desk.app().theme().scale == Approx(1.75));
    CHECK(desk.app().theme().background == Color{255, 255, 255});
    CHECK_FALSE(desk.has("nav:quantizer"));
    desk.click("labs");
    CHECK(desk.has("nav:quantizer"));
    desk.key("Escape");
    desk.key("F5");
    CHECK_FALSE(desk.app().settings().projector);

    desk.click("pin");
    REQUIRE(desk.session().pinned() != nullptr);
    desk.click("param:bits/field");
    desk.type("7");
    desk.key("Return");
    CHECK(desk.session().pinned()->outcome != desk.session().outcome());
    desk.key("a");
    CHECK(desk.session().pinned() == nullptr);
}

TEST_CASE("what the window was left with comes back, and a broken file does no harm", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    const test::OwnSettings own;
    const auto write = [&](const std::string& text) {
        std::filesystem::create_directories(own.folder());
        std::ofstream(own.folder() / "settings.json") << text;
    };
    const auto first_frames = [](Window& window) {
        while (window.frames() == 0 || !window.is_idle()) {
            window.pump(0.05);
        }
    };
    WindowOptions plain;
    plain.size = {1280, 800};
    {
        const auto opened = test::open_window(plain);
        Window& window = *opened;
        first_frames(window);
        window.app().select("quantizer");
        window.app().session().set(window.app().session().experiment().index_of("bits"),
                                   Value(std::int64_t{3}));
        window.app().toggle_theme();
        first_frames(window);
    }
    {
        const auto opened = test::open_window(plain);
        Window& window = *opened;
        first_frames(window);
        const Session& session = window.app().session();
        CHECK(session.experiment().id == "quantizer");
        CHECK(std::get<std::int64_t>(session.value(session.experiment().index_of("bits"))) == 3);
        CHECK(window.app().theme().kind == ThemeKind::light);
        CHECK(window.app().notice().empty());
    }
    write("{\"format\": 1, \"theme\": 7");
    {
        const auto opened = test::open_window(plain);
        Window& window = *opened;
        first_frames(window);
        CHECK(window.app().session().experiment().id == all_experiments().front().id);
        CHECK(window.app().notice().find("could not be understood") != std::string::npos);
    }
}

TEST_CASE("the device badge lists the devices, and the chosen one computes", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    desk.click("device");
    CHECK(desk.has("device:cpu"));
    CHECK(desk.has("device:cuda"));
    desk.click("device:emulated");
    CHECK_FALSE(desk.app().has_overlay());
    CHECK(desk.session().device() == kernels::Machine::emulated);
    CHECK(desk.session().outcome_scenario().device == kernels::Machine::emulated);
    CHECK(answers_exactly(desk));
    if (desk.app().devices().info(kernels::Machine::cuda).ready()) {
        return;
    }
    desk.click("device");
    desk.click("device:cuda");
    CHECK(desk.session().device() == kernels::Machine::cuda);
    CHECK(desk.session().outcome_scenario().device == kernels::Machine::cpu);
    CHECK(desk.app().notice().find("The CPU computes instead.") != std::string::npos);
    CHECK(desk.session().error().empty());
}

TEST_CASE("the palette finds parameters without effect and says that they have none", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("quantizer"));
    desk.key("ctrl+k");
    desk.type("outlier count");
    desk.key("Return");
    CHECK(desk.app().notice() ==
          "Outlier count changes nothing with these values, so it is not shown");
}

TEST_CASE("a tensor of the chosen file is picked from a list", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    const auto path = std::filesystem::temp_directory_path() / "nibble-window-list.safetensors";
    write_safetensors(path, {{"first", {2, 64}, std::vector<float>(128, 1.0F)},
                             {"second", {4, 32}, std::vector<float>(128, 2.0F)}});
    Desk desk(on("quantizer"));
    desk.session().set(desk.param("file"), Value(path.string()));
    desk.app().show_parameter(desk.param("tensor"));
    desk.settle();
    desk.key("Escape");
    desk.click("param:tensor/list");
    REQUIRE(desk.has("choice:second"));
    desk.click("choice:second");
    CHECK(std::get<std::string>(desk.value("tensor")) == "second");
    CHECK(answers_exactly(desk));
    std::filesystem::remove(path);
}

TEST_CASE("one lab's panel stays where it is while another's is scrolled", "[window]") {
    if (!can_show_windows()) {
        return;
    }
    Desk desk(on("number-formats"));
    const float before = desk.place("param:format").y;
    desk.click("nav:quantizer");
    desk.click("more");
    const float unscrolled = desk.place("param:bits").y;
    desk.move({1200, 400});
    desk.wheel(-5);
    REQUIRE(desk.place("param:bits").y < unscrolled);
    desk.click("nav:number-formats");
    CHECK(desk.place("param:format").y == before);
}

}  // namespace nibble::window_test
