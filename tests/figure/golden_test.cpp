// Every sample's recording against tests/figure/golden/NAME.txt. After a wanted change:
//   NIBBLE_UPDATE_GOLDEN=1 nibble_tests "[golden]"    then look at the gallery and the diff.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "viz/figure/layout.hpp"
#include "viz/figure/recording_canvas.hpp"

#include "tests/catch.hpp"
#include "tests/figure/samples.hpp"
#include "tests/places.hpp"

namespace nibble::golden_test {

namespace {

std::string content(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The first line that differs, for a message that a person can read.
std::string first_difference(const std::string& now, const std::string& golden) {
    std::istringstream a(now), b(golden);
    std::string line_a, line_b;
    for (int number = 1;; ++number) {
        const bool more_a = static_cast<bool>(std::getline(a, line_a));
        const bool more_b = static_cast<bool>(std::getline(b, line_b));
        if (!more_a && !more_b) {
            return {};
        }
        if (more_a != more_b || line_a != line_b) {
            return "line " + std::to_string(number) + "\n  now:    " + (more_a ? line_a : "(end)") +
                   "\n  golden: " + (more_b ? line_b : "(end)");
        }
    }
}

void compare(const std::string& name, const Scene& scene) {
    const auto path =
        std::filesystem::path(test::source_dir()) / "tests/figure/golden" / (name + ".txt");
    const std::string now = recording_of(scene);
    if (std::getenv("NIBBLE_UPDATE_GOLDEN")) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << now;
    }
    INFO(path.string());
    REQUIRE(std::filesystem::exists(path));
    CHECK(first_difference(now, content(path)) == "");
}

}  // namespace

TEST_CASE("recordings of every mark are as they were", "[figure][golden]") {
    for (const auto& sample : samples::all_marks()) {
        if (sample.name == "scatter") {
            continue;  // thousands of lines that nobody would read
        }
        compare(sample.name, layout(samples::outcome_of(sample.figure), {480, 360},
                                    make_theme(ThemeKind::light), FixedMeasure()));
    }
    compare("panel", layout(samples::quantizer_panel(), {764, 720}, make_theme(ThemeKind::dark),
                            FixedMeasure()));
}

TEST_CASE("laying out twice gives the same recording", "[figure]") {
    const auto once = [] {
        return recording_of(layout(samples::fragmentation_panel(), {764, 676},
                                   make_theme(ThemeKind::print), FixedMeasure()));
    };
    CHECK(once() == once());
}

}  // namespace nibble::golden_test
