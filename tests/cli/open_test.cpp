// What `nibble open` asks of the window, and how the program ends when something goes wrong in it.
#include <new>

#include "sim/experiments/all.hpp"
#include "viz/cli/cli.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble {
namespace {

/// A scenario file, opened with a window that does as the test says.
struct Opening {
    test::TempFolder folder;
    std::string path = folder / "scenario.json";
    Scenario scenario;

    Opening() {
        const Experiment& e = all_experiments().front();
        scenario.experiment = e.id;
        scenario.values = e.defaults();
        scenario.seed = 11;
        test::write(path, to_json_text(scenario, all_experiments()));
    }
    int status(const OpenWindow& window) const {
        const char* words[] = {"nibble", "open", path.c_str()};
        return run_command_line(3, words, window);
    }
};

TEST_CASE("open hands the scenario to the window and returns its status", "[cli]") {
    const Opening opening;
    Scenario seen;
    CHECK(opening.status([&](const WindowRequest& request) {
        seen = request.scenario.value();
        return 42;
    }) == 42);
    CHECK(seen.experiment == opening.scenario.experiment);
    CHECK(seen.values == opening.scenario.values);
    CHECK(seen.seed == 11);
}

TEST_CASE("lesson hands its page to the window, for one reader or for a room", "[cli]") {
    WindowRequest seen;
    const auto status = [&](std::vector<const char*> words) {
        words.insert(words.begin(), {"nibble", "lesson"});
        return run_command_line(static_cast<int>(words.size()), words.data(),
                                [&](const WindowRequest& request) {
                                    seen = request;
                                    return 42;
                                });
    };
    CHECK(status({"02"}) == 42);
    CHECK(seen.lesson == "02");
    CHECK(seen.page == 0);
    CHECK_FALSE(seen.presents);
    CHECK_FALSE(seen.scenario);
    CHECK(status({"rounding", "--present", "--page", "3"}) == 42);
    CHECK(seen.lesson == "02");
    CHECK(seen.page == 2);
    CHECK(seen.presents);
    CHECK(status({"02", "--page", "0"}) == 2);
    CHECK(status({"nothing-like-it"}) == 2);
}

TEST_CASE("The exit status tells bad luck, bad commands and our bugs apart", "[cli]") {
    const Opening opening;
    const auto status_of = [&](auto thrown) {
        return opening.status([&](const WindowRequest&) -> int { throw thrown; });
    };
    CHECK(status_of(Error(Error::Code::no_device, "no display")) == 0);  // the command is printed
    CHECK(status_of(Error(Error::Code::io, "cannot read")) == 1);
    CHECK(status_of(std::bad_alloc()) == 1);
    CHECK(status_of(Error(Error::Code::bad_param, "no such choice")) == 2);
    CHECK(status_of(BrokenInvariant("impossible")) == 3);
    CHECK(status_of(Error(Error::Code::cancelled, "stopped")) == 130);
}

}  // namespace
}  // namespace nibble
