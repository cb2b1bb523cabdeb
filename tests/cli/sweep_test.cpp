// `nibble sweep`: rows in grid order, each what a single run gives.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble {
namespace {

using test::Finished;
using Json = nlohmann::json;
using Cells = std::vector<std::string>;

Cells split(const std::string& text, char separator) {
    Cells cells;
    std::istringstream stream(text);
    for (std::string cell; std::getline(stream, cell, separator);) {
        cells.push_back(cell);
    }
    return cells;
}

/// The lines of a CSV without its comments; none of the cells of these tests is quoted.
std::vector<Cells> table(const std::string& csv) {
    std::vector<Cells> rows;
    for (const std::string& line : split(csv, '\n')) {
        if (!line.starts_with('#')) {
            rows.push_back(split(line, ','));
        }
    }
    return rows;
}

/// "mse (σ²)" -> "mse"
std::string name_of(const std::string& heading) {
    return heading.substr(0, heading.find(" ("));
}

bool is_speed(const std::string& heading) {
    return heading.ends_with("/s)") || heading.ends_with("(s)");
}

std::string sweep(std::vector<std::string> words) {
    words.insert(words.begin(), "sweep");
    const Finished f = test::nibble(words);
    INFO(f.err);
    REQUIRE(f.status == 0);
    return f.out;
}

TEST_CASE("A sweep's rows are in grid order and equal single runs", "[cli]") {
    const auto rows =
        table(sweep({"quantizer", "--group_size", "32,64,128", "--bits", "2..4", "--seed", "3"}));
    REQUIRE(rows.size() == 1 + 9);
    const Cells& headings = rows[0];
    CHECK(name_of(headings.at(0)) == "group_size");
    CHECK(headings.at(1) == "bits (bit)");
    std::size_t row = 1;
    for (const char* group_size : {"32", "64", "128"}) {
        for (const char* bits : {"2", "3", "4"}) {
            CAPTURE(group_size, bits);
            CHECK(rows[row].at(0) == group_size);
            CHECK(rows[row].at(1) == bits);
            const Json single =
                Json::parse(test::nibble({"run", "quantizer", "--group_size", group_size, "--bits",
                                          bits, "--seed", "3", "--json"})
                                .out);
            REQUIRE(headings.size() == 2 + single["metrics"].size());
            for (std::size_t i = 0; i < single["metrics"].size(); ++i) {
                const Json& metric = single["metrics"][i];
                CAPTURE(headings[2 + i]);
                CHECK(name_of(headings[2 + i]) == metric["name"]);
                if (!is_speed(headings[2 + i])) {
                    CHECK(std::stod(rows[row].at(2 + i)) == metric["value"].get<double>());
                }
            }
            ++row;
        }
    }
}

TEST_CASE("A sweep does not depend on the number of threads", "[cli]") {
    const auto rows = [](const char* threads) {
        auto all = table(sweep(
            {"number-formats", "--value", "-1..1:0.5", "--format", "all", "--threads", threads}));
        CHECK(all.size() > 10);
        return all;
    };
    const auto one = rows("1");
    CHECK(one == rows("2"));
    CHECK(one == rows("3"));
}

TEST_CASE("The seed can be swept, and whole ranges", "[cli]") {
    const auto seeds = table(sweep({"quantizer", "--seed", "1..3"}));
    REQUIRE(seeds.size() == 4);
    CHECK(seeds[0][0] == "seed");
    CHECK(seeds[3][0] == "3");
    CHECK(seeds[1] != seeds[2]);
    CHECK(table(sweep({"quantizer", "--full_range", "all", "--bits", "all"})).size() == 1 + 2 * 7);
    CHECK(table(sweep({"quantizer"})).size() == 1 + 1);
}

TEST_CASE("A sweep writes CSV and JSON files whole", "[cli]") {
    const test::TempFolder folder;
    const Finished f = test::nibble({"sweep", "quantizer", "--bits", "2..3", "--rows", "16",
                                     "--out", folder / "a.csv", "--out", folder / "a.json"});
    REQUIRE(f.status == 0);
    CHECK(f.out.empty());
    CHECK(f.err ==
          "wrote " + (folder / "a.csv") + ": 2 rows\nwrote " + (folder / "a.json") + ": 2 rows\n");
    CHECK(folder.files() == Cells{"a.csv", "a.json"});
    const auto rows = table(test::contents(folder / "a.csv"));
    for (const char* name : {"a.csv", "a.json"}) {
        CHECK(test::nibble({"open", folder / name}).out == "nibble run quantizer --rows 16\n");
    }
    REQUIRE(rows.size() == 3);
    const Json j = Json::parse(test::contents(folder / "a.json"));
    CHECK(j["experiment"] == "quantizer");
    CHECK(j["parameters"]["rows"] == 16);
    CHECK_FALSE(j["parameters"].contains("bits"));
    CHECK(j["swept"] == Json::parse(R"([{"name": "bits", "unit": "bit", "values": [2, 3]}])"));
    REQUIRE(j["rows"].size() == 2);
    CHECK(j["rows"][1]["parameters"] == Json{{"bits", 3}});
    for (std::size_t i = 1; i < rows[0].size(); ++i) {
        CHECK(j["rows"][1]["metrics"][name_of(rows[0][i])] == std::stod(rows[2][i]));
    }
    const Json printed = Json::parse(sweep({"quantizer", "--bits", "2..3", "--json"}));
    CHECK(printed["swept"] == j["swept"]);
}

TEST_CASE("A point that fails says why in its row, and in the exit status", "[cli]") {
    const test::TempFolder folder;
    const Finished f =
        test::nibble({"sweep", "quantizer", "--file", (folder / "absent.npy") + ","});
    CHECK(f.status == 1);
    CHECK(f.err == "nibble: 1 of 2 points failed; the column \"error\" says why\n");
    const auto rows = table(f.out);
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].back() == "error");
    CHECK(rows[1].back().find("absent.npy") != std::string::npos);
    CHECK(std::all_of(rows[1].begin() + 1, rows[1].end() - 1,
                      [](const std::string& cell) { return cell.empty(); }));
    CHECK(rows[2].size() + 1 == rows[0].size());  // nothing in its last cell
}

TEST_CASE("A sweep refuses what it cannot do before it begins", "[cli]") {
    const auto refusal = [](const std::vector<std::string>& words) {
        const Finished f = test::nibble(words);
        CHECK(f.status == 2);
        CHECK(f.out.empty());
        return f.err;
    };
    CHECK(refusal({"sweep", "quantizer", "--bits", "2..9"}) ==
          "nibble: bits = 9 is out of range; --bits takes 2 to 8 bit\n");
    CHECK(refusal({"sweep", "quantizer", "--seed", "1..1000", "--rows", "1..1000"}) ==
          "nibble: the grid has 1000000 points, more than 100000; --seed alone has 1000 values\n");
    CHECK(refusal({"sweep", "quantizer", "--out", "table.svg"}) ==
          "nibble: out = \"table.svg\" names no known format; --out takes a file ending in .csv, "
          ".json\n");
    CHECK(refusal({"sweep", "quantizer", "--bist", "2..8"}) ==
          "nibble: no parameter --bist; did you mean --bits?\n");
}

TEST_CASE("An interrupted sweep leaves no file and says so", "[cli]") {
    const test::TempFolder folder;
    // Waits until the program listens for SIGTERM (bit 14 of the signals it catches).
    const Finished f = test::shell(
        "cd " + folder.path().string() +
        "; $NIBBLE sweep quantizer --rows 4096 --cols 4096 --seed 1..5000 --out table.csv & "
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do "
        "grep -qs 'SigCgt:.*[4-7c-f]...$' /proc/$!/status && break; sleep 0.1; done; "
        "sleep 0.1; kill -TERM $!; wait $!");
    CHECK(f.status == 130);
    CHECK(f.err == "nibble: stopped; nothing was written\n");
    CHECK(folder.files().empty());
}

}  // namespace
}  // namespace nibble
