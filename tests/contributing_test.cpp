// CONTRIBUTING.md and README.md say what is so: paths and commands exist, a lab lies where its
// group and id say, and the table of labs is the list of labs.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "sim/experiments/all.hpp"
#include "sim/roofline/catalogue.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"
#include "tests/places.hpp"

namespace nibble::contributing_test {
namespace {

namespace fs = std::filesystem;

fs::path root() {
    return test::source_dir();
}

std::string text_of(const fs::path& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    REQUIRE_FALSE(text.str().empty());
    return text.str();
}

std::vector<std::smatch> all_matches(const std::string& text, const std::regex& form) {
    return {std::sregex_iterator(text.begin(), text.end(), form), std::sregex_iterator()};
}

std::set<std::string> stems(const char* folder) {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(root() / folder)) {
        if (entry.path().extension() == ".toml") {
            found.insert(entry.path().stem());
        }
    }
    return found;
}

}  // namespace

TEST_CASE("the paths that CONTRIBUTING.md names exist", "[docs]") {
    static const std::regex path(R"((kernels|sim|viz|lessons|data|tests|scripts)/[\w./-]*\w)");
    const std::string text = text_of(root() / "CONTRIBUTING.md");
    std::size_t seen = 0;
    for (const std::smatch& m : all_matches(text, path)) {
        const std::string behind = m.suffix().str();
        if (behind.starts_with("<") || behind.starts_with("/<") || contains(m.str(), "NN-slug")) {
            continue;  // a pattern
        }
        INFO(m.str());
        CHECK(fs::exists(root() / m.str()));
        ++seen;
    }
    CHECK(seen > 20);
}

TEST_CASE("the commands that CONTRIBUTING.md and README.md name are commands", "[docs]") {
    static const std::regex command(R"((^|`)nibble ([a-z]+))", std::regex::multiline);
    const std::string help = test::nibble({"help"}).out;
    for (const char* page : {"CONTRIBUTING.md", "README.md"}) {
        const std::string text = text_of(root() / page);
        for (const std::smatch& m : all_matches(text, command)) {
            INFO(page << ": nibble " << m[2]);
            CHECK(contains(help, "\n  " + m[2].str() + " "));
        }
    }
}

TEST_CASE("every command is listed by its own name", "[docs]") {
    static const std::regex declared(R"(int (\w+)_command\()");
    const std::string header = text_of(root() / "viz/cli/commands.hpp"),
                      help = test::nibble({"help"}).out;
    const auto commands = all_matches(header, declared);
    CHECK(commands.size() > 10);
    for (const std::smatch& m : commands) {
        INFO(m[1]);
        CHECK(contains(help, "\n  " + m[1].str() + " "));
    }
}

TEST_CASE("a lab lies where its group and its id say, and has one line in the list", "[docs]") {
    static const std::map<std::string, std::string> folder_of = {
        {"Numbers", "numbers"}, {"Kernels", "kernels"},        {"Layers", "layers"},
        {"Models", "models"},   {"Machines", "machines"},      {"KV cache", "kvcache"},
        {"Serving", "serving"}, {"Speculation", "speculation"}};
    static const std::regex line(R"(LAB\((\w+)\))");
    const std::string list = text_of(root() / "sim/experiments/all.cpp");
    std::multiset<std::string> listed;
    for (const std::smatch& m : all_matches(list, line)) {
        listed.insert(m[1]);
    }
    for (const Experiment& e : all_experiments()) {
        INFO(e.id);
        std::string name = e.id;
        std::replace(name.begin(), name.end(), '-', '_');
        const fs::path place = root() / "sim/experiments" / folder_of.at(e.group) / name;
        CHECK((fs::exists(place / "lab.cpp") || fs::exists(place.string() + ".cpp")));
        CHECK(listed.count(name) == 1);
    }
    CHECK(listed.size() == all_experiments().size());
}

TEST_CASE("each file of a machine or a model is in the catalogue", "[docs]") {
    std::set<std::string> devices, models;
    for (const DeviceSheet& device : catalogue().devices) {
        devices.insert(device.id);
    }
    for (const ModelShape& model : catalogue().models) {
        models.insert(model.id);
    }
    for (const std::string& id : stems("data/hardware")) {
        INFO(id);
        CHECK(devices.count(id) == 1);
    }
    for (const std::string& id : stems("data/models")) {
        INFO(id);
        CHECK(models.count(id) == 1);
    }
}

TEST_CASE("README.md lists the labs as `nibble list` does", "[docs]") {
    std::string table = "| group | lab | the question it answers |\n| --- | --- | --- |\n";
    for (const Experiment& e : all_experiments()) {
        table += "| " + e.group + " | `" + e.id + "` | " + e.question + " |\n";
    }
    INFO("The table should read:\n" << table);
    CHECK(contains(text_of(root() / "README.md"), "\n\n" + table + "\n"));
}

}  // namespace nibble::contributing_test
