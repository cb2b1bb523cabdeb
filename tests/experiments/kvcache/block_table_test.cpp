#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::block_table_test {

using namespace nibble::test;

namespace {

Outcome run(const Settings& settings) {
    return run_lab("block-table", settings);
}

const Links& links(const Outcome& o) {
    return std::get<Links>(o.rows.at(0).figures.at(0).marks.at(0));
}

}  // namespace

TEST_CASE("each table entry is an arrow, and a block has as many as users", "[block-table]") {
    for (const char* scenario :
         {"parallel_sampling", "beam_search", "shared_prompt", "memory_short"}) {
        const Outcome whole = run({{"story", scenario}});
        for (std::int64_t step = 1; step <= whole.timeline->last; ++step) {
            const Outcome o = run({{"story", scenario}, {"step", std::to_string(step)}});
            const Links& l = links(o);
            CHECK(static_cast<double>(l.arrows.size()) == o.metric("table_entries").value);
            std::size_t used = 0;
            for (std::size_t block = 0; block < l.right.size(); ++block) {
                const auto users = std::count_if(
                    l.arrows.begin(), l.arrows.end(),
                    [&](const Links::Arrow& a) { return a.to == static_cast<int>(block); });
                used += users > 0 ? 1 : 0;
                const std::string note = l.right[block].note;
                CHECK(note.starts_with(users == 0 ? "free" : std::to_string(users)));
            }
            CHECK(static_cast<double>(used) == o.metric("used_blocks").value);
        }
    }
}

TEST_CASE("an arrow joins boxes with the same words", "[block-table]") {
    const Outcome o = run({{"step", "8"}});
    for (const Links::Arrow& a : links(o).arrows) {
        CHECK(links(o).left[static_cast<std::size_t>(a.from)].slots ==
              links(o).right[static_cast<std::size_t>(a.to)].slots);
    }
}

TEST_CASE("the copy is the step that the lab opens with", "[block-table]") {
    const Outcome o = run({});
    CHECK(o.rows[0].figures[0].title.find("it is copied first") != std::string::npos);
    CHECK(o.metric("copies").value >= 1);
    REQUIRE(o.timeline);
    CHECK_FALSE(o.timeline->marks.empty());
}

}  // namespace nibble::block_table_test
