#include "sim/core/data_folder.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"
#include "tests/places.hpp"

namespace nibble::data_folder_test {

namespace fs = std::filesystem;

TEST_CASE("data is looked for where it was asked for, installed, or built from", "[core]") {
    const test::TempFolder folder;
    const fs::path root = folder / "prefix", sources = folder / "sources";
    const fs::path program = root / "bin/nibble", installed = root / "share/nibble";
    DataPlaces places{{}, program, sources};
    CHECK(choose_data_folder(places) == installed);  // neither is there: the one to complain about
    fs::create_directories(sources);
    CHECK(choose_data_folder(places) == sources);
    fs::create_directories(installed);
    CHECK(choose_data_folder(places) == installed);
    places.wanted = folder / "elsewhere";
    CHECK(choose_data_folder(places) == places.wanted);
    CHECK(choose_data_folder({{}, {}, sources}) == sources);
}

TEST_CASE("a program in its build tree reads the data of its sources", "[core]") {
    if (!std::getenv("NIBBLE_DATA")) {
        CHECK(data_folder() == fs::path(test::source_dir()) / "data");
    }
}

}  // namespace nibble::data_folder_test
