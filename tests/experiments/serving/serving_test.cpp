// The serving labs: what their commands, tables and files promise to programs, and that what they
// say follows from what they computed.
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble {
namespace {

using namespace test;

using Json = nlohmann::json;

double cell(const Table& t, std::size_t row, const std::string& column) {
    for (std::size_t i = 0; i < t.columns.size(); ++i) {
        if (t.columns[i].name == column) {
            const Table::Cell& c = t.rows[row][i];
            return std::holds_alternative<double>(c)
                       ? std::get<double>(c)
                       : static_cast<double>(std::get<std::int64_t>(c));
        }
    }
    FAIL("no column " << column);
    return 0;
}

const char* const small_trace = "arrival,prompt,output\n0,4,4\n0,4,4\n";

std::vector<std::string> command(const std::string& trace, const std::string& scheduler) {
    return {"run",          "schedulers", "--trace",        trace,
            "--scheduler",  scheduler,    "--token_budget", "512",
            "--max_seqs",   "64",         "--blocks",       "3",
            "--block_size", "4",          "--watermark",    "0",
            "--step_time",  "constant",   "--per_step",     "true",
            "--json"};
}

}  // namespace

TEST_CASE("schedulers prints every step of a trace", "[serving][cli]") {
    const test::TempFolder folder;
    const std::string trace = folder / "t.csv";
    test::write(trace, small_trace);
    const test::Finished run = test::nibble(command(trace, "continuous"));
    REQUIRE(run.status == 0);
    const Json j = Json::parse(run.out);
    // The hand-made schedule of engine_test.cpp: the second request is thrown out in step 1.
    std::vector<std::vector<int>> rows;
    for (const Json& r : j["tables"]["steps"]["rows"]) {
        rows.push_back({r["t"], r["request"], r["tokens"], r["preempted"], r["free_blocks"]});
    }
    CHECK(rows == std::vector<std::vector<int>>{{0, 0, 4, 0, 1},
                                                {0, 1, 4, 0, 1},
                                                {1, 0, 1, 0, 1},
                                                {1, 1, 0, 1, 1},
                                                {2, 0, 1, 0, 1},
                                                {3, 0, 1, 0, 1},
                                                {4, 1, 5, 0, 1},
                                                {5, 1, 1, 0, 1},
                                                {6, 1, 1, 0, 1}});
    const Json& second = j["tables"]["requests"]["rows"][1];
    CHECK(second["first_token_step"] == 0);
    CHECK(second["finish_step"] == 6);
    CHECK(second["preemptions"] == 1);
    // Steps of a second: the first token after 1 s for both, the last after 4 and 7.
    std::map<std::string, double> metrics;
    for (const Json& m : j["metrics"]) {
        metrics[m["name"]] = m["value"];
    }
    CHECK(metrics.at("ttft_p50") == 1);
    CHECK(metrics.at("latency_p50") == 5.5);
    CHECK(metrics.at("preemptions") == 1);
    CHECK(metrics.at("recomputed_tokens") == 4);
}

TEST_CASE("every scheduler takes the same command", "[serving][cli]") {
    const test::TempFolder folder;
    const std::string trace = folder / "t.csv";
    test::write(trace, small_trace);
    for (const char* scheduler :
         {"static", "dynamic", "chunked", "prefix_aware", "disaggregated"}) {
        INFO(scheduler);
        const test::Finished run = test::nibble(command(trace, scheduler));
        REQUIRE(run.status == 0);
        const Json j = Json::parse(run.out);
        CHECK(j["tables"]["requests"]["rows"].size() == 2);
    }
}

TEST_CASE("a bad trace is refused before anything is scheduled", "[serving][cli]") {
    const test::TempFolder folder;
    const std::string trace = folder / "t.csv";
    const auto error = [&](const std::string& text) {
        test::write(trace, text);
        const test::Finished run = test::nibble(command(trace, "continuous"));
        CHECK(run.status != 0);
        CHECK(run.out.empty());
        return run.err;
    };
    CHECK_THAT(error("arrival,prompt\n0,1\n"), Catch::Contains("line 1, column output"));
    CHECK_THAT(error("arrival,prompt,output\n1,1,1\n0,1,1\n"),
               Catch::Contains("line 3, column arrival"));
    CHECK_THAT(error("arrival,prompt,output\n0,1,1\n0,13,1\n"),
               Catch::Contains("line 3, column prompt") && Catch::Contains("4 blocks"));
    CHECK_THAT(error("arrival,prompt,output\n0,1,-7\n"), Catch::Contains("line 2, column output"));
}

TEST_CASE("a schedule opens as a trace, its requests as a table", "[serving][cli]") {
    const test::TempFolder folder;
    const std::string trace = folder / "s.trace.json", csv = folder / "r.csv";
    const test::Finished run =
        test::nibble({"run", "batching", "--out", trace, "--table", "requests", "--out", csv});
    REQUIRE(run.status == 0);
    const Json j = Json::parse(test::contents(trace));
    std::map<std::string, int> kinds;
    double end = 0;
    for (const Json& e : j["traceEvents"]) {
        kinds[e["ph"]]++;
        REQUIRE(e["pid"].is_number_integer());
        REQUIRE(e["tid"].is_number_integer());
        if (e["ph"] == "X") {
            REQUIRE(e["dur"].get<double>() > 0);
            end = std::max(end, e["ts"].get<double>() + e["dur"].get<double>());
        }
    }
    CHECK(kinds.size() == 2);
    CHECK(kinds["M"] == 4 + 4 * 8);  // a process for each scheduler, a thread for each place
    const Outcome o = run_lab_with("batching", {});
    const Table& runs = table(o, "schedulers");
    double last = 0;
    for (std::size_t i = 0; i < runs.rows.size(); ++i) {
        last = std::max(last, cell(runs, i, "duration"));
    }
    CHECK(end == Approx(1e6 * last));
    CHECK_THAT(test::contents(csv), Catch::Contains("\nscheduler,request,arrival,prompt,output"));
    CHECK(test::nibble({"run", "--scenario", trace}).status == 0);
    const test::Finished none = test::nibble({"run", "memory-fit", "--out", trace});
    CHECK(none.status != 0);
    CHECK_THAT(none.err, Catch::Contains("no schedule"));
}

TEST_CASE("a long prompt taken whole stops the others' answers", "[serving]") {
    const Outcome o = run_lab_with("schedulers", {});
    const Table& t = table(o, "schedulers");
    const double whole = cell(t, 2, "pause_p99"), pieces = cell(t, 3, "pause_p99");
    CHECK(whole > 3 * pieces);
    CHECK_THAT(o.finding, Catch::Contains("taken whole"));
    // With a short one there is nothing to tell of it.
    const Outcome fair = run_lab_with("schedulers", {{"long_prompt", std::int64_t{100}}});
    CHECK_THAT(fair.finding, !Catch::Contains("A prompt of 8"));
}

TEST_CASE("a memory that is short makes a storm of preemptions", "[serving]") {
    const std::map<std::string, Value> storm = {{"workload", std::string("short_memory")},
                                                {"blocks", std::int64_t{1000}}};
    const Outcome o = run_lab_with("schedulers", storm);
    CHECK(o.metric("preemptions").value > 100);
    CHECK(o.metric("recomputed_tokens").value > 1000);
    CHECK_THAT(o.finding, Catch::Contains("Memory is short"));
    std::map<std::string, Value> calm = storm;
    calm["blocks"] = std::int64_t{20000};
    const Outcome enough = run_lab_with("schedulers", calm);
    CHECK(enough.metric("preemptions").value == 0);
    CHECK(enough.metric("tokens_per_second").value > o.metric("tokens_per_second").value);
}

TEST_CASE("static batches leave places empty that continuous ones fill", "[serving]") {
    const Outcome o = run_lab_with("batching", {});
    const Table& runs = table(o, "schedulers");
    CHECK(cell(runs, 0, "idle_share") > 1.5 * cell(runs, 2, "idle_share"));
    CHECK(cell(runs, 0, "duration") > 1.2 * cell(runs, 2, "duration"));
    CHECK(cell(runs, 2, "longest_pause") > 2 * cell(runs, 3, "longest_pause"));
    REQUIRE(o.timeline);
    CHECK(o.timeline->param == "step");
    CHECK(o.timeline->last + 1 == std::int64_t(cell(runs, 2, "steps")));
    // One place makes all of them queues of one.
    const Outcome alone = run_lab_with("batching", {{"max_seqs", std::int64_t{1}}});
    CHECK(cell(table(alone, "schedulers"), 0, "duration") ==
          Approx(cell(table(alone, "schedulers"), 2, "duration")));
}

}  // namespace nibble
