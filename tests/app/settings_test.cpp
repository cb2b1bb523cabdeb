#include "viz/app/settings.hpp"

#include <fstream>
#include <unistd.h>

#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"

namespace nibble::settings_test {

namespace {

struct Folder {
    std::filesystem::path path;
    Folder() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "nibble-settings-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    void write(const std::string& text) const { std::ofstream(path / "settings.json") << text; }
};

}  // namespace

TEST_CASE("settings come back as they were saved") {
    const Folder folder;
    Settings s;
    s.theme = ThemeKind::light;
    s.projector = true;
    s.width = 1920;
    s.exports = {".png", 800, 600, 3, ThemeKind::dark, "/some/where"};
    s.last = Scenario{"quantizer", find_experiment(all_experiments(), "quantizer").defaults(), 9};
    REQUIRE(save_settings(s, folder.path / "new" / "nibble", all_experiments()));
    const auto [back, notice] = load_settings(folder.path / "new" / "nibble", all_experiments());
    CHECK(notice.empty());
    CHECK(back.theme == ThemeKind::light);
    CHECK(back.projector);
    CHECK(back.width == 1920);
    CHECK(back.exports.suffix == ".png");
    CHECK(back.exports.scale == 3);
    CHECK(back.exports.folder == "/some/where");
    REQUIRE(back.last);
    CHECK(back.last->seed == 9);
    CHECK(back.last->values == s.last->values);
}

TEST_CASE("settings that cannot be understood are ignored with a notice") {
    const Folder folder;
    CHECK(load_settings(folder.path, all_experiments()).notice.empty());  // absent is no mistake
    for (const std::string text :
         {"", "{", "[]", "{\"format\": 1}", "\xff\xfe", "{\"format\": \"one\"}",
          R"({"format": 1, "theme": "green", "projector": false, "window": [1, 2]})"}) {
        INFO(text);
        folder.write(text);
        const auto [settings, notice] = load_settings(folder.path, all_experiments());
        CHECK_FALSE(notice.empty());
        CHECK(settings.theme == ThemeKind::dark);
    }
}

TEST_CASE("a folder that cannot be written is told by the return value") {
    const Folder folder;
    std::ofstream(folder.path / "file") << "in the way";
    CHECK_FALSE(save_settings({}, folder.path / "file" / "nibble", all_experiments()));
    CHECK_FALSE(save_settings({}, {}, all_experiments()));
}

}  // namespace nibble::settings_test
