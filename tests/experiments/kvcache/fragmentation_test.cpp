#include <filesystem>
#include <fstream>

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::fragmentation_test {

using namespace nibble::test;
using Catch::Matchers::Contains;

namespace {

Outcome run(const Settings& settings) {
    return run_lab("fragmentation", settings);
}

std::string refusal(const Settings& settings) {
    try {
        run(settings);
    } catch (const Error& e) { return e.line(); }
    return "";
}

/// A trace in the folder for temporary files, removed at the end.
struct TraceFile {
    std::filesystem::path path;

    TraceFile(const std::string& name, const std::string& text)
        : path(std::filesystem::temp_directory_path() / name) {
        std::ofstream(path) << text;
    }
    ~TraceFile() { std::filesystem::remove(path); }
};

const Cells& map(const Outcome& o, std::size_t memory) {
    return std::get<Cells>(o.rows.at(0).figures.at(memory).marks.at(0));
}

}  // namespace

TEST_CASE("the lab's numbers are those of the chosen policy", "[fragmentation]") {
    const char* const names[] = {"steps",
                                 "mean_batch",
                                 "mean_used_slots",
                                 "mean_allocated_slots",
                                 "used_over_allocated",
                                 "used_over_capacity",
                                 "mean_reservation",
                                 "mean_internal",
                                 "preemptions",
                                 "finish_steps_sum"};
    const auto steps_of = [&](const char* policy) {
        const Outcome o = run({{"policy", policy}});
        CHECK(o.metrics.size() == std::size(names));
        for (const char* name : names) {
            CHECK(std::isfinite(o.metric(name).value));
        }
        return o.metric("steps").value;
    };
    CHECK(steps_of("max") == 9220);
    CHECK(steps_of("pow2") == 4246);
    CHECK(steps_of("oracle") == 3607);
    CHECK(steps_of("pow2_buddy") == 6593);
    CHECK(steps_of("oracle_buddy") == 4638);
    CHECK(steps_of("paged") == 2088);
}

TEST_CASE("the table of steps has a row for each and sums to the means", "[fragmentation]") {
    const Outcome o = run({{"per_step", "true"}});
    const Table& t = o.tables.at(1);
    REQUIRE(t.name == "per_step");
    REQUIRE(t.rows.size() == 2088);
    double batch = 0, used = 0;
    for (const auto& row : t.rows) {
        batch += static_cast<double>(std::get<std::int64_t>(row.at(1)));
        used += static_cast<double>(std::get<std::int64_t>(row.at(3)));
    }
    // Sums of whole numbers, divided once.
    CHECK(o.metric("mean_batch").value == Approx(batch / 2088).epsilon(1e-14));
    CHECK(o.metric("mean_used_slots").value == Approx(used / 2088).epsilon(1e-14));
    CHECK(run({}).tables.size() == 1);
}

TEST_CASE("a trace of the reader's is replayed to the last request", "[fragmentation]") {
    const TraceFile file("nibble-fragmentation.csv", "output,prompt\n2,2\n3,3\n1,1\n");
    const Outcome o = run({{"trace", file.path.string()},
                           {"policy", "max"},
                           {"capacity_slots", "25"},
                           {"max_len", "10"},
                           {"block_size", "4"}});
    CHECK(o.metric("steps").value == 3);
    CHECK(o.metric("mean_batch").value == 2);
    CHECK(o.metric("mean_used_slots").value == 8);
    CHECK(o.metric("finish_steps_sum").value == 8);
}

TEST_CASE("a bad trace is refused before anything runs", "[fragmentation]") {
    const TraceFile negative("nibble-negative.csv", "prompt,output\n5,5\n5,-1\n");
    CHECK_THAT(refusal({{"trace", negative.path.string()}}),
               Contains("nibble-negative.csv, line 3, column output: \"-1\""));
    const TraceFile unnamed("nibble-unnamed.csv", "prompt,tokens\n5,5\n");
    CHECK_THAT(refusal({{"trace", unnamed.path.string()}}),
               Contains("line 1, column output: is missing"));
    const TraceFile large("nibble-large.csv", "prompt,output\n5,5\n500,500\n");
    CHECK_THAT(refusal({{"trace", large.path.string()}, {"capacity_slots", "512"}}),
               Contains("line 3, column output: 500 + 500 = 1000 tokens"));
    CHECK_THAT(refusal({{"trace", large.path.string()}, {"max_len", "999"}, {"policy", "pow2"}}),
               Contains("max_len = 999"));
    // A map beside the chosen one says why it is empty; the others go on.
    const Outcome o = run({{"trace", large.path.string()}, {"max_len", "999"}});
    CHECK(o.metric("steps").value == 500);
    std::string said;
    for (const Tokens::Item& item : std::get<Tokens>(o.rows[0].figures[0].marks[0]).items) {
        said += item.text;
    }
    CHECK_THAT(said, Contains("1000 tokens are more than max_len = 999"));
}

TEST_CASE("the maps show the step, and a click on a block its request", "[fragmentation]") {
    const Outcome first = run({{"step", "1"}});
    CHECK(map(first, 0).items.size() == 981);  // 15696 / 16
    // Seven chunks of 128 squares; 85 squares at the end are too few for an eighth.
    const auto& items = map(first, 0).items;
    CHECK(std::count_if(items.begin(), items.end(),
                        [](const Cells::Item& i) { return i.label == "free"; }) == 85);
    CHECK(items[0].role == category(0));
    CHECK(items[127].outlined);
    CHECK(map(first, 0).pick.param == "request");
    CHECK(std::get<std::int64_t>(map(first, 0).pick.values[128]) == 2);

    const Outcome chosen = run({{"step", "240"}, {"request", "12"}});
    const Figure& table = chosen.rows.at(1).figures.at(1);
    CHECK(table.id == "block-table");
    const auto& blocks = std::get<Cells>(table.marks[0]).items;
    // Request 12 (prompt 26) stored a token in each of 240 steps: 266 in 17 blocks of 16.
    CHECK(blocks.size() == 17);
    CHECK(blocks.back().filled == 10 / 16.0);
}

TEST_CASE("preemptions are marked on the timeline", "[fragmentation]") {
    const Outcome o = run({});
    REQUIRE(o.timeline);
    CHECK(o.timeline->last == 9220);
    CHECK(static_cast<double>(o.timeline->marks.size()) == o.metric("preemptions").value);
}

}  // namespace nibble::fragmentation_test
