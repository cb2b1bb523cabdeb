// The labs radix-cache and reproduce-the-figure: what their metrics and tables promise to programs,
// and that pictures and words follow from them.
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble {
namespace {

using namespace test;

Outcome outcome_of(const std::string& id, const std::map<std::string, Value>& set,
                   std::uint64_t seed = 1) {
    RunContext context;
    context.seed = seed;
    return run_lab_with(id, set, context);
}

double number(const Outcome& o, const char* metric) {
    return o.metric(metric).value;
}

Value integer_of(std::int64_t v) {
    return Value(v);
}

const Tree& tree_of(const Outcome& o) {
    return std::get<Tree>(o.rows.at(0).figures.at(0).marks.at(0));
}

}  // namespace

TEST_CASE("radix cache: metrics are the sums of the table", "[radix-cache]") {
    for (const char* kind : {"chat", "few_shot", "tree_of_thought", "unrelated"}) {
        const Outcome o = outcome_of("radix-cache", {{"workload", std::string(kind)}});
        double prompt = 0, found = 0, in_blocks = 0, evicted = 0, leaves = 0;
        for (const auto& row : o.tables.at(0).rows) {
            prompt += double(std::get<std::int64_t>(row[3]));
            found += double(std::get<std::int64_t>(row[4]));
            leaves += double(std::get<std::int64_t>(row[5]));
            evicted += double(std::get<std::int64_t>(row[6]));
            in_blocks += double(std::get<std::int64_t>(row[10]));
            CHECK(std::get<std::int64_t>(row[7]) <= 2048);
        }
        CHECK(number(o, "prompt_tokens") == prompt);
        CHECK(number(o, "computed_tokens") == prompt - found);
        CHECK(number(o, "computed_tokens_blocks") == prompt - in_blocks);
        CHECK(number(o, "computed_tokens_none") == prompt);
        CHECK(number(o, "hit_rate") == Approx(found / prompt));
        CHECK(number(o, "evictions") == leaves);
        CHECK(number(o, "evicted_tokens") == evicted);
        CHECK(number(o, "hit_rate") <= number(o, "hit_rate_unlimited"));
        CHECK(o.timeline->marks.empty() == (leaves == 0));
        CHECK(o.timeline->last == std::int64_t(o.tables.at(0).rows.size()));
    }
}

TEST_CASE("radix cache: the other order is what choosing it gives", "[radix-cache]") {
    const Outcome first = outcome_of("radix-cache", {{"order", std::string("arrival")}}),
                  longest = outcome_of("radix-cache", {{"order", std::string("longest_prefix")}});
    CHECK(number(first, "hit_rate_other_order") == number(longest, "hit_rate"));
    CHECK(number(longest, "hit_rate_other_order") == number(first, "hit_rate"));
    CHECK(number(longest, "hit_rate") > number(first, "hit_rate"));
    CHECK(first.finding == longest.finding);
    CHECK(contains(first.finding, "all there is to find"));
}

TEST_CASE("radix cache: with room for all nothing goes", "[radix-cache]") {
    const Outcome o = outcome_of("radix-cache", {{"capacity", integer_of(1'000'000)}});
    CHECK(number(o, "evictions") == 0);
    CHECK(number(o, "hit_rate") == number(o, "hit_rate_unlimited"));
    // A block of one token is what the tree is made of.
    const Outcome fine = outcome_of(
        "radix-cache", {{"capacity", integer_of(1'000'000)}, {"block_size", integer_of(1)}});
    CHECK(number(fine, "hit_rate_blocks") == number(fine, "hit_rate"));
    const Outcome none = outcome_of("radix-cache", {{"workload", std::string("unrelated")}});
    CHECK(contains(none.finding, "No two"));
}

TEST_CASE("radix cache: every step draws a tree whose nodes can be picked", "[radix-cache]") {
    const std::int64_t last = outcome_of("radix-cache", {}).timeline->last;
    std::int64_t evicted = 0;
    for (std::int64_t step = 1; step <= last; ++step) {
        const Outcome o = outcome_of("radix-cache", {{"step", integer_of(step)}});
        const Tree& tree = tree_of(o);
        std::int64_t gone = 0;
        REQUIRE(tree.nodes.size() == tree.pick.values.size());
        for (std::size_t i = 1; i < tree.nodes.size(); ++i) {
            CHECK(tree.nodes[i].parent >= 0);
            CHECK(tree.nodes[i].parent < int(i));
            gone += tree.nodes[i].role == Role::limit ? 1 : 0;
        }
        const auto here = std::get<std::int64_t>(o.tables.at(0).rows.at(std::size_t(step - 1))[5]);
        CHECK(gone == std::min<std::int64_t>(here, 4));  // no more than four are drawn
        evicted += here;
        CHECK(contains(o.rows[0].figures[0].title, "Request " + std::to_string(step) + ","));
    }
    CHECK(evicted > 4);

    const Outcome o = outcome_of("radix-cache", {{"step", integer_of(5)}});
    const Value system = tree_of(o).pick.values.at(1);
    const Outcome picked = outcome_of("radix-cache", {{"step", integer_of(5)}, {"node", system}});
    CHECK(contains(picked.rows[0].figures[0].footnote, "» system: 160 tokens, 2 users"));
}

TEST_CASE("radix cache: a trace of the reader's, and what is wrong with it", "[radix-cache]") {
    const std::string path = "radix-cache-trace.csv";
    std::ofstream(path) << "prompt,output,prefix_id,prefix_len\n100,10,1,60\n100,10,1,60\n";
    const Outcome o = outcome_of("radix-cache", {{"trace", path}});
    CHECK(number(o, "requests") == 2);
    CHECK(number(o, "computed_tokens") == 140);
    CHECK(number(o, "computed_tokens_blocks") == 152);  // three full blocks of 16
    CHECK_THROWS_AS(outcome_of("radix-cache", {{"trace", path}, {"capacity", integer_of(100)}}),
                    Error);
    std::ofstream(path) << "prompt,output\n5,x\n";
    try {
        outcome_of("radix-cache", {{"trace", path}});
        FAIL("not refused");
    } catch (const Error& error) { CHECK(contains(error.what(), "line 2, column output")); }
    std::remove(path.c_str());
}

TEST_CASE("radix cache: a tree of many nodes is drawn in part", "[radix-cache]") {
    const Outcome o = outcome_of("radix-cache", {{"workload", std::string("few_shot")},
                                                 {"capacity", integer_of(1'000'000)},
                                                 {"groups", integer_of(16)},
                                                 {"rounds", integer_of(12)},
                                                 {"step", integer_of(190)}});
    const Tree& tree = tree_of(o);
    CHECK(tree.nodes.size() < 40);  // of more than 200; each of ten lines has few
    CHECK(std::any_of(tree.nodes.begin(), tree.nodes.end(),
                      [](const Tree::Node& n) { return contains(n.text, " more · "); }));
}

TEST_CASE("the figure: a replay of ShareGPT lengths comes near print", "[reproduce]") {
    const Outcome o = outcome_of("reproduce-the-figure", {});
    // Another program that follows the same rules gives these, to one decimal.
    CHECK(number(o, "mean_batch_max") == Approx(6.8).margin(0.05));
    CHECK(number(o, "mean_batch_pow2") == Approx(9.5).margin(0.05));
    CHECK(number(o, "mean_batch_oracle") == Approx(13.5).margin(0.05));
    CHECK(number(o, "mean_batch_paged") == Approx(30.1).margin(0.05));
    CHECK(number(o, "printed_batch_oracle") == 13.62);
    CHECK(o.metric("printed_batch_oracle").origin.kind == Origin::Kind::published);
    CHECK(number(o, "farthest") == Approx(9.81 / 9.524 - 1).margin(0.003));

    // The parts of each bar are the whole room.
    const Bars& bars = std::get<Bars>(o.rows[0].figures[0].marks[0]);
    REQUIRE(bars.series.size() == 4);
    for (std::size_t i = 1; i < bars.names.size(); i += 2) {
        double sum = 0;
        for (const Bars::Series& s : bars.series) {
            CHECK(s.values[i] >= -1e-12);  // a difference of doubles near 0
            sum += s.values[i];
        }
        CHECK(sum == Approx(1));
    }
}

TEST_CASE("the figure: without a line nobody waits, and first fit runs more", "[reproduce]") {
    const Outcome buddy = outcome_of("reproduce-the-figure", {}),
                  fit =
                      outcome_of("reproduce-the-figure", {{"allocator", std::string("first_fit")}});
    CHECK(number(fit, "mean_batch_pow2") > number(buddy, "mean_batch_pow2"));
    CHECK(number(fit, "mean_batch_max") == number(buddy, "mean_batch_max"));
    const Outcome waiting =
        outcome_of("reproduce-the-figure", {{"average", std::string("while_waiting")}});
    CHECK(number(waiting, "mean_batch_max") == 7);
    CHECK(number(waiting, "mean_batch_paged") > number(buddy, "mean_batch_paged"));
    CHECK(outcome_of("reproduce-the-figure", {{"capacity_slots", integer_of(1'048'576)}})
              .metric("mean_batch_paged")
              .value > 50);
}

TEST_CASE("the figure: sharing and block sizes", "[reproduce]") {
    const Outcome o = outcome_of("reproduce-the-figure", {{"panel", std::string("sharing")}});
    CHECK(contains(o.finding, "printed 16.2 % to 30.5 %"));
    CHECK(o.rows.size() == 2);
    const Table& compared = o.tables.at(0);
    double two = -1, six = -1;
    for (const auto& row : compared.rows) {
        const auto& quantity = std::get<std::string>(row[0]);
        if (quantity == "blocks saved, parallel sampling, ShareGPT, 2 sequences") {
            two = std::get<double>(row[2]);
        } else if (quantity == "blocks saved, parallel sampling, ShareGPT, 6 sequences") {
            six = std::get<double>(row[2]);
        }
    }
    // Near print: other requests of the same kind, so within a tenth of the printed share.
    CHECK(two == Approx(0.162).epsilon(0.11));
    CHECK(six == Approx(0.305).epsilon(0.11));

    const Table& sizes = o.tables.at(1);
    CHECK(std::get<double>(sizes.rows.front()[3]) == 0);  // a block of one token is never unfilled
    for (std::size_t i = 1; i < sizes.rows.size(); ++i) {
        CHECK(std::get<double>(sizes.rows[i][3]) > std::get<double>(sizes.rows[i - 1][3]));
    }
}

}  // namespace nibble
