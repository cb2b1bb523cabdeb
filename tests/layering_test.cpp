// The direction of includes: kernels <- sim/core <- sim/<domain> <- sim/experiments <- viz/figure
// <- viz/app, viz/lesson, viz/cli. Reads the #include lines of every source file.
#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/catch.hpp"
#include "tests/places.hpp"

namespace fs = std::filesystem;

namespace {

/// The layer a path like "sim/core/rng.hpp" belongs to; domains of sim share one.
std::string layer_of(const std::string& path) {
    for (const char* layer : {"kernels", "sim/core", "sim/experiments", "viz/figure", "viz/app",
                              "viz/lesson", "viz/cli", "sim", "viz", "tests"}) {
        if (path.starts_with(std::string(layer) + "/")) {
            return layer;
        }
    }
    return "outside";
}

const std::map<std::string, std::vector<std::string>> may_include = {
    {"kernels", {"kernels"}},
    {"sim/core", {"kernels", "sim/core"}},
    {"sim", {"kernels", "sim/core", "sim"}},
    {"sim/experiments", {"kernels", "sim/core", "sim", "sim/experiments"}},
    {"viz/figure", {"sim/core", "viz/figure"}},
    {"viz/app", {"sim/core", "sim", "sim/experiments", "viz/figure", "viz/app", "viz/lesson"}},
    {"viz/lesson", {"sim/core", "sim", "sim/experiments", "viz/figure", "viz/lesson"}},
    {"viz/cli",
     {"kernels", "sim/core", "sim", "sim/experiments", "viz/figure", "viz/cli", "viz/lesson"}},
    // viz/main.cpp joins the parts into a program, so it sees them all.
    {"viz", {"sim/core", "sim/experiments", "viz/figure", "viz/cli", "viz/app"}},
};

struct Include {
    std::string file, target;
    bool quoted;
};

std::vector<Include> all_includes() {
    static const std::regex line_form(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
    std::vector<Include> found;
    const fs::path root = nibble::test::source_dir();
    for (const char* top : {"kernels", "sim", "viz"}) {
        for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
            const std::string suffix = entry.path().extension().string();
            if (suffix != ".cpp" && suffix != ".hpp" && suffix != ".cuh" && suffix != ".cu") {
                continue;
            }
            std::ifstream in(entry.path());
            for (std::string line; std::getline(in, line);) {
                std::smatch m;
                if (std::regex_search(line, m, line_form)) {
                    found.push_back(
                        {fs::relative(entry.path(), root).string(), m[2], m[1] == "\""});
                }
            }
        }
    }
    return found;
}

/// Headers that only some files may see, by a prefix of the include and the files allowed.
const std::vector<std::pair<std::string, std::vector<std::string>>> guarded = {
    {"imgui", {"viz/app/"}},
    {"GLFW/", {"viz/app/"}},
    {"backends/imgui", {"viz/app/"}},
    {"GL/", {"viz/app/"}},
    {"cairo", {"viz/figure/"}},
    {"fontconfig/", {"viz/figure/"}},
    {"md4c", {"viz/lesson/"}},
    {"CLI/", {"viz/cli/", "viz/main.cpp"}},
    {"cuda", {"kernels/"}},
    {"hwy/", {"kernels/"}},
    {"toml++/", {"sim/roofline/toml_table.cpp"}},
    {"boost/math/", {"sim/speculative/chi_square.cpp"}},
    {"utf8proc", {"sim/core/utf8.cpp"}},
    {"oneapi/", {"sim/core/parallel.cpp", "kernels/"}},
};

}  // namespace

TEST_CASE("includes point downwards", "[layering]") {
    const auto includes = all_includes();
    REQUIRE(includes.size() > 50);
    for (const Include& i : includes) {
        if (!i.quoted) {
            continue;
        }
        INFO(i.file << " includes \"" << i.target << "\"");
        const std::string from = layer_of(i.file), to = layer_of(i.target);
        CHECK(to != "outside");  // quoted includes are written from the root
        const auto& allowed = may_include.at(from);
        CHECK(std::find(allowed.begin(), allowed.end(), to) != allowed.end());
    }
}

TEST_CASE("outside libraries stay behind their doors", "[layering]") {
    for (const Include& i : all_includes()) {
        for (const auto& [prefix, doors] : guarded) {
            if (!i.quoted && i.target.starts_with(prefix)) {
                INFO(i.file << " includes <" << i.target << ">");
                CHECK(std::any_of(doors.begin(), doors.end(),
                                  [&](const auto& door) { return i.file.starts_with(door); }));
            }
        }
        if (i.target.starts_with("Eigen/")) {
            INFO(i.file << " brings Eigen into a header");
            CHECK_FALSE(i.file.ends_with(".hpp"));
        }
    }
}

TEST_CASE("experiments do not include each other", "[layering]") {
    // A lab is a file of its group's folder, or a folder there; only within that folder may its
    // files include each other.
    for (const Include& i : all_includes()) {
        if (layer_of(i.file) != "sim/experiments" || layer_of(i.target) != "sim/experiments" ||
            i.target == "sim/experiments/all.hpp") {
            continue;
        }
        INFO(i.file << " includes " << i.target);
        CHECK(fs::path(i.file).parent_path() == fs::path(i.target).parent_path());
        CHECK(std::distance(fs::path(i.file).begin(), fs::path(i.file).end()) == 5);
    }
}

TEST_CASE("the device's words stay in kernels", "[layering]") {
    static const std::regex words(R"(__global__|__device__|threadIdx|blockIdx)");
    const fs::path root = nibble::test::source_dir();
    for (const char* top : {"sim", "viz"}) {
        for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
            if (entry.is_regular_file()) {
                std::ifstream in(entry.path());
                const std::string text((std::istreambuf_iterator<char>(in)), {});
                INFO(entry.path());
                CHECK_FALSE(std::regex_search(text, words));
            }
        }
    }
}
