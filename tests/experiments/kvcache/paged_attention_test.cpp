// The paged-attention lab: what it counts and computes, by hand, and that what it shows does not
// hang on the clock.
#include <nlohmann/json.hpp>

#include "sim/experiments/kvcache/paged_attention/figures.hpp"

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::paged_attention_test {

using namespace nibble::test;
using namespace nibble::paged_attention_lab;

namespace {

Outcome outcome(const Settings& settings, Cache& results, bool preview = false) {
    RunContext context;
    context.preview = preview;
    context.shared = &results;
    return run_lab("paged-attention", settings, context, &results);
}

}  // namespace

TEST_CASE("each rung asks for the cache as its lesson says, and for the table beside it",
          "[paged-attention]") {
    // A token is 2 KV heads x 64 halves of keys and as many of values: 512 bytes, 16 sectors.
    const auto counts = count_rungs({});
    REQUIRE(counts.size() == block_sizes.size());
    for (std::size_t size = 0; size < counts.size(); ++size) {
        CAPTURE(block_sizes[size]);
        REQUIRE(counts[size].size() == 5);
        const auto check = [&](std::size_t i, double cache, double table, double requests) {
            const RungCount& r = counts[size][i];
            CAPTURE(r.rung);
            CHECK(r.contiguous == cache);
            CHECK(r.cache == cache);  // wherever the blocks lie
            CHECK(r.table == table);
            CHECK(r.contiguous_requests == requests);
        };
        // one warp holds all 8 heads: each of 128 loads touches a sector of either KV head
        check(0, 2 * 64 * 2, 1, 2 * 64);
        // a warp a query head: a row of 128 bytes is 4 sectors, for keys and for values
        check(1, 8 * 2 * 4, 8, 8 * 2);
        // a warp a KV head
        check(2, 2 * 2 * 4, 2, 2 * 2);
        // four tokens a request; their four entries of the table lie in one sector
        check(3, 2 * 2 * 4, 0.5, 2 * 2 / 4.0);
        check(4, 2 * 2 * 4, 0.5, 2 * 2 / 4.0);
    }
}

TEST_CASE("the last block is half empty on average", "[paged-attention]") {
    CHECK(empty_share(1, 1000) == 0);
    CHECK(empty_share(17, 792) == Approx(8.0 / 800));
}

TEST_CASE("both layouts give the same bits at every size, near what double precision gives",
          "[paged-attention]") {
    Cache results(std::size_t{16} << 20);
    for (const char* context : {"256", "777"}) {  // and one that no block divides
        const Outcome o =
            outcome({{"context", context}, {"batch", "1"}, {"block_size", "64"}}, results);
        CHECK(o.metric("largest_difference").value == 0);
        CHECK(o.metric("error").value > 0);
        // sums over at most 777 tokens in FP32, mean values of about 0.1: 2^-24 for each hundred
        CHECK(o.metric("error").value < 1e-6);
        CHECK(o.metric("table_share").value == 0.5 / 16);
        CHECK(
            o.finding.starts_with("In blocks of 64 tokens anywhere attention gives the same bits "
                                  "and reads 3.1 % more"));
        for (const char* name : {"slowdown", "paged_ms", "contiguous_ms", "gathered_ms"}) {
            CHECK(o.metric(name).timed);
            CHECK(o.metric(name).value > 0);
            CHECK(o.metric(name).origin.kind == Origin::Kind::measured_here);
        }
    }
}

TEST_CASE("times change from run to run, nothing else does", "[paged-attention]") {
    Cache first(std::size_t{16} << 20), second(std::size_t{16} << 20);
    const std::vector<std::pair<std::string, std::string>> small = {{"context", "256"},
                                                                    {"batch", "1"}};
    CHECK(to_json(reproducible(outcome(small, first))).dump() ==
          to_json(reproducible(outcome(small, second))).dump());
}

TEST_CASE("a preview times fewer tokens and says so", "[paged-attention]") {
    Cache results(std::size_t{16} << 20);
    CHECK(outcome({{"context", "8192"}, {"batch", "4"}}, results, true).sampling ==
          "timed over 256 of 32768 tokens");
}

TEST_CASE("recorded times keep to their own figure, beside the roofline", "[paged-attention]") {
    const auto recorded = recorded_attention();
    REQUIRE_FALSE(recorded.empty());
    for (const RecordedSeries& series : recorded) {
        for (const auto& row : series.rows) {
            CAPTURE(series.device, row.batch, row.context);
            // what fits the GPU's own cache comes faster than from its memory, by less than that
            // cache is faster
            CHECK(row.seconds > row.roofline / 8);
            CHECK((series.device != "h200-sxm" || row.seconds > row.roofline));
            // 2 x 8 heads x 128 x 2 bytes a token, at most 8 TB/s
            CHECK(row.roofline > 4096 * row.batch * row.context / 8e12);
        }
    }
    Cache results(std::size_t{16} << 20);
    const Outcome o =
        outcome({{"context", "256"}, {"batch", "1"}, {"device", "h200-sxm"}}, results);
    const Figure& f = o.rows.at(1).figures.at(2);
    CHECK(f.id == "recorded");
    CHECK_FALSE(f.timed);
    for (const FigureRow& row : o.rows) {
        for (const Figure& figure : row.figures) {
            CHECK(figure.timed == figure.id.starts_with("time-"));
        }
    }
}

}  // namespace nibble::paged_attention_test
