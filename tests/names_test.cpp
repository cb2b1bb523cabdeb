// One name, one thing: no struct, class, enum or alias is defined twice in a namespace that files
// share. The compiler does not see it when the two are in different files, and the program that
// comes out is undefined. Names of one file only, in an unnamed namespace, are compared by the
// build, which compiles the files of a folder as one.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/catch.hpp"
#include "tests/places.hpp"

namespace nibble::names_test {
namespace {

namespace fs = std::filesystem;

/// Where each "namespace::Name" is defined. Definitions and namespaces start at the line's start,
/// as the formatter puts them.
std::map<std::string, std::set<std::string>> definitions(const std::string& file,
                                                         std::istream& in) {
    static const std::regex opened(R"(^(inline )?namespace ([\w:]+) \{)"),
        closed(R"(^\}  // namespace)"),
        defined(
            R"(^(struct|class|union|enum class|enum) (alignas\(\w+\) )?(\w+)( final)?( :[^;]*)?( : \w+)? ?\{)"),
        alias(R"(^using (\w+) =)");
    std::map<std::string, std::set<std::string>> found;
    std::vector<std::string> path;
    for (std::string line; std::getline(in, line);) {
        std::smatch m;
        if (std::regex_search(line, m, opened)) {
            path.push_back(m[2]);
        } else if (line == "namespace {") {
            path.emplace_back();
        } else if (std::regex_search(line, closed)) {
            REQUIRE_FALSE(path.empty());
            path.pop_back();
        } else if (!path.empty() && std::find(path.begin(), path.end(), "") == path.end() &&
                   (std::regex_search(line, m, defined) ||
                    (!path.back().ends_with("HWY_NAMESPACE") &&
                     std::regex_search(line, m, alias)))) {
            std::string name;
            for (const std::string& part : path) {
                name += part + "::";
            }
            found[name + (m.size() > 3 ? m[3].str() : m[1].str())].insert(file);
        }
    }
    return found;
}

}  // namespace

TEST_CASE("no two definitions share a name", "[layering]") {
    std::map<std::string, std::set<std::string>> homes;
    const fs::path root = test::source_dir();
    for (const char* top : {"kernels", "sim", "viz"}) {
        for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
            if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp") {
                std::ifstream in(entry.path());
                for (const auto& [name, files] :
                     definitions(fs::relative(entry.path(), root).string(), in)) {
                    homes[name].insert(files.begin(), files.end());
                }
            }
        }
    }
    REQUIRE(homes.size() > 400);
    for (const auto& [name, files] : homes) {
        std::string all;
        for (const std::string& file : files) {
            all += " " + file;
        }
        INFO(name << " is defined in" << all);
        CHECK(files.size() == 1);
    }
}

TEST_CASE("the test of names finds a second definition", "[layering]") {
    std::istringstream one("namespace nibble {\nstruct A {\n};\n}  // namespace nibble\n"),
        two("namespace nibble {\nnamespace {\nenum class A {\n};\n}  // namespace\n"
            "class A : public B {\n};\n}  // namespace nibble\n");
    CHECK(definitions("one", one).count("nibble::A") == 1);
    CHECK(definitions("two", two).count("nibble::A") == 1);
}

}  // namespace nibble::names_test
