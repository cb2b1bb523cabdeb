// `nibble run` and `open` as a person or a script meets them.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble {
namespace {

using test::Finished;
using Json = nlohmann::json;

/// Without the metrics off a clock: they differ from run to run.
Json without_speeds(Json result) {
    Json& metrics = result["metrics"];
    metrics.erase(std::remove_if(metrics.begin(), metrics.end(),
                                 [](const Json& m) { return m.contains("timed"); }),
                  metrics.end());
    Json& tables = result["tables"];
    for (auto table = tables.begin(); table != tables.end();) {
        table = table->contains("timed") ? tables.erase(table) : std::next(table);
    }
    return result;
}

Json run_json(std::vector<std::string> words) {
    words.insert(words.begin(), "run");
    words.emplace_back("--json");
    const Finished f = test::nibble(words);
    INFO(f.err);
    REQUIRE(f.status == 0);
    return Json::parse(f.out);
}

std::string refusal(const std::vector<std::string>& words, int status) {
    const Finished f = test::nibble(words);
    CHECK(f.status == status);
    CHECK(f.out.empty());
    CHECK(std::count(f.err.begin(), f.err.end(), '\n') == 1);
    return f.err;
}

TEST_CASE("run --json gives what the library computes, for every experiment", "[cli]") {
    for (const Experiment& e : all_experiments()) {
        CAPTURE(e.id);
        const Json j = run_json({e.id});
        CHECK(j["experiment"] == e.id);
        CHECK(j["seed"] == 1);
        CHECK(j["parameters"].size() == e.params.size());
        const Outcome outcome = evaluate(e, e.defaults());
        CHECK(j["finding"] == outcome.finding);
        const Json expected = without_speeds(
            {{"metrics", metrics_to_json(outcome)}, {"tables", tables_to_json(outcome)}});
        CHECK(without_speeds(j)["metrics"] == expected["metrics"]);
        for (const Json& metric : j["metrics"]) {
            CHECK(metric.contains("name"));
            CHECK(metric.contains("unit"));
            CHECK(metric.contains("origin"));
        }
        for (const auto& [name, table] : expected["tables"].items()) {
            CHECK(j["tables"][name]["columns"] == table["columns"]);
            CHECK(j["tables"][name]["rows"].size() == table["rows"].size());
        }
    }
}

/// Labs that measure for seconds are run once, by the test of --json.
bool is_quick(const Experiment& e) {
    static const std::set<std::string> slow = {"perplexity",       "speculate-live", "calibration",
                                               "acceptance-chain", "deployment",     "training"};
    return !slow.contains(e.id);
}

TEST_CASE("run prints the finding, the metrics and their origin", "[cli]") {
    for (const Experiment& e : all_experiments()) {
        if (!is_quick(e)) {
            continue;
        }
        CAPTURE(e.id);
        const Finished f = test::nibble({"run", e.id});
        REQUIRE(f.status == 0);
        // Nothing but the progress of a run that takes seconds.
        CHECK((f.err.empty() || f.err.starts_with(e.id + ": ")));
        const Outcome outcome = evaluate(e, e.defaults());
        CHECK(f.out.starts_with(outcome.finding.substr(0, 40)));
        for (const Metric& m : outcome.metrics) {
            CAPTURE(m.name);
            const auto at = f.out.find("\n  " + m.label + "  ");
            REQUIRE(at != std::string::npos);
            const std::string row = f.out.substr(at + 1, f.out.find('\n', at + 1) - at - 1);
            CHECK(row.ends_with("[" + badge(m.origin) + "]"));
        }
    }
}

TEST_CASE("Flags set parameters, in any spelling and any place", "[cli]") {
    const Json j =
        run_json({"quantizer", "--bits", "3", "--group-size=64", "--seed", "7", "--full_range"});
    CHECK(j["parameters"]["bits"] == 3);
    CHECK(j["parameters"]["group_size"] == 64);
    CHECK(j["parameters"]["full_range"] == true);
    CHECK(j["seed"] == 7);
    CHECK(without_speeds(j) == without_speeds(run_json({"--seed=7", "--full-range", "quantizer",
                                                        "--group_size", "64", "--bits=3"})));
    CHECK(run_json({"number-formats", "--value", "-0.3"})["parameters"]["value"] == -0.3);
    CHECK(run_json({"number-formats", "--value=-1e-3"})["parameters"]["value"] == -0.001);
}

TEST_CASE("The number of threads does not change the result", "[cli]") {
    for (const char* id : {"quantizer", "gptq", "tiny-model", "load"}) {  // all of them: [registry]
        CAPTURE(id);
        const Json one = without_speeds(run_json({id, "--threads", "1"}));
        CHECK(one == without_speeds(run_json({id, "--threads", "2"})));
        CHECK(one == without_speeds(run_json({id, "--threads", "3"})));
    }
}

TEST_CASE("A wrong command is refused in one line that names the way out", "[cli]") {
    CHECK(refusal({"run", "quantizer", "--bits", "9"}, 2) ==
          "nibble: bits = 9 is out of range; --bits takes 2 to 8 bit\n");
    CHECK(refusal({"run", "quantizer", "--bit", "4"}, 2) ==
          "nibble: no parameter --bit; did you mean --bits?\n");
    CHECK(refusal({"run", "quantizer", "--bits"}, 2) ==
          "nibble: --bits needs a value; it takes 2 to 8 bit\n");
    CHECK(refusal({"run", "quantizer", "--bits", "four"}, 2) ==
          "nibble: bits = \"four\" is not a whole number; --bits takes 2 to 8 bit\n");
    CHECK(refusal({"run", "quantiser"}, 2) ==
          "nibble: no experiment is called \"quantiser\"; did you mean quantizer?\n");
    CHECK(refusal({"run", "quantizer", "--threads", "-1"}, 2) ==
          "nibble: threads = -1 is out of range; --threads takes 0 to 1024\n");
    CHECK(refusal({"run", "quantizer", "--out", "chart.bmp"}, 2) ==
          "nibble: out = \"chart.bmp\" names no known format; --out takes a file ending in .svg, "
          ".pdf, .png, .csv, .json\n");
    CHECK(refusal({"run", "quantizer", "--out"}, 2) ==
          "nibble: --out needs a value; it takes a file: .svg, .pdf, .png, .csv, .json\n");
    CHECK(refusal({"run", "quantizer", "--figure", "none", "--out", "none.svg"}, 2)
              .find("error-map") != std::string::npos);
    CHECK(refusal({"run"}, 2).starts_with("nibble: run needs an experiment; "));
    CHECK(refusal({"run", "quantizer", "extra"}, 2)
              .starts_with("nibble: unexpected word \"extra\"; "));
}

TEST_CASE("A flag without effect is remarked upon, and the answer still comes", "[cli]") {
    const Finished f =
        test::nibble({"run", "quantizer", "--scheme", "nf4", "--bits", "3", "--json"});
    CHECK(f.status == 0);
    CHECK(f.err == "note: --bits changes nothing with these values\n");
    CHECK(Json::parse(f.out)["parameters"]["scheme"] == "nf4");
}

TEST_CASE("Every format is written, and reopens to the same scenario", "[cli]") {
    const test::TempFolder folder;
    for (const Experiment& e : all_experiments()) {
        if (!is_quick(e)) {
            continue;
        }
        std::vector<std::string> words = {"run", e.id, "--seed", "5", "--json"};
        std::vector<std::string> paths;
        for (const char* suffix : {".svg", ".pdf", ".png", ".csv", ".json"}) {
            paths.push_back(folder / (e.id + suffix));
            words.insert(words.end(), {"--out", paths.back()});
        }
        const Finished f = test::nibble(words);
        INFO(f.err);
        REQUIRE(f.status == 0);
        const Json printed = Json::parse(f.out);
        for (const std::string& path : paths) {
            CAPTURE(path);
            CHECK(std::filesystem::file_size(path) > 100);
            CHECK(f.err.find("wrote " + path + "\n") != std::string::npos);
            const Json scenario = Json::parse(test::nibble({"open", path, "--json"}).out);
            CHECK(scenario["experiment"] == e.id);
            CHECK(scenario["parameters"] == printed["parameters"]);
            CHECK(scenario["seed"] == 5);
            CHECK(test::nibble({"open", path}).out == "nibble run " + e.id + " --seed 5\n");
        }
    }
}

TEST_CASE("A scenario is the base that flags change", "[cli]") {
    const test::TempFolder folder;
    const std::string chart = folder / "chart.svg", saved = folder / "saved.json";
    REQUIRE(
        test::nibble({"run", "quantizer", "--bits", "3", "--seed", "9", "--out", chart}).status ==
        0);
    const Json from_chart = run_json({"--scenario", chart, "--group_size", "64"});
    CHECK(from_chart["parameters"]["bits"] == 3);
    CHECK(from_chart["parameters"]["group_size"] == 64);
    CHECK(from_chart["seed"] == 9);
    test::write(saved, test::nibble({"open", chart, "--json"}).out);
    CHECK(run_json({"quantizer", "--scenario=" + saved})["parameters"]["bits"] == 3);
    CHECK(test::nibble({"open", saved, "--command"}).out ==
          "nibble run quantizer --seed 9 --bits 3\n");
    CHECK(refusal({"run", "number-formats", "--scenario", chart}, 2) ==
          "nibble: " + chart +
              " holds a scenario of quantizer, not of number-formats; leave the "
              "experiment's id out, or name another file\n");
}

TEST_CASE("What cannot be read or written is refused with status 1", "[cli]") {
    const test::TempFolder folder;
    const std::string absent = folder / "absent/chart.svg";
    CHECK(refusal({"run", "quantizer", "--out", absent}, 1) ==
          "nibble: " + absent + " cannot be written; there is no folder " + (folder / "absent") +
              "\n");
    CHECK(refusal({"open", folder / "absent.svg"}, 1).find("absent.svg") != std::string::npos);
    CHECK(refusal({"run", "--scenario", folder / "absent.json"}, 1).find("absent.json") !=
          std::string::npos);
    test::write(folder / "prose.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    CHECK(refusal({"open", folder / "prose.svg"}, 1).starts_with("nibble: "));
    test::write(folder / "scenario.json",
                R"({"format": 1, "experiment": "quantizer", "parameters": {"bits": 99}})");
    CHECK(refusal({"open", folder / "scenario.json"}, 1).find("bits = 99 is out of range") !=
          std::string::npos);
    std::filesystem::create_directory(folder / "folder.svg");
    CHECK(refusal({"run", "quantizer", "--out", folder / "folder.svg"}, 1).find("it is a folder") !=
          std::string::npos);
    if (std::filesystem::exists("/proc/self")) {  // where not even root can make a file
        CHECK(
            refusal({"run", "quantizer", "--out", "/proc/chart.svg"}, 1).find("/proc/chart.svg") !=
            std::string::npos);
    }
}

TEST_CASE("A folder that takes no files is no reason not to answer", "[cli]") {
    const Finished f = test::shell("cd / && cd proc 2>/dev/null; $NIBBLE run quantizer --json");
    CHECK(f.status == 0);
    CHECK(f.err.empty());
    CHECK(Json::parse(f.out)["experiment"] == "quantizer");
}

TEST_CASE("run --device computes there, keeps it in the scenario, or refuses with a way out",
          "[cli]") {
    const Json j = run_json({"quantizer", "--device", "emulated", "--rows", "4"});
    CHECK(j["device"] == "emulated");
    for (const Json& metric : j["metrics"]) {
        CHECK_FALSE(metric.contains("timed"));
    }
    const Json here = run_json({"quantizer", "--rows", "4"});
    CHECK(here["device"] == "cpu");
    CHECK(here["finding"] == j["finding"]);
    CHECK(refusal({"run", "quantizer", "--device", "gpu"}, 2)
              .starts_with("nibble: device = \"gpu\" is not a choice"));
    if (!kernels::device(kernels::Machine::cuda).probe().ready()) {
        const std::string words = refusal({"run", "quantizer", "--device", "cuda"}, 1);
        CHECK(words.starts_with("nibble: device cuda: "));
        CHECK(words.find("compute with --device cpu") != std::string::npos);
    }
    // A lab without such work may have a parameter of that name, for a machine it reckons with.
    CHECK(refusal({"run", "number-formats", "--device", "emulated"}, 2).find("device") !=
          std::string::npos);
    CHECK(run_json({"roofline", "--device", "h100-80gb-sxm"})["device"] == "cpu");
}

}  // namespace
}  // namespace nibble
