// The speculate-live lab: its first frame, its steps, and that what it says adds up.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::speculate_live_test {

using namespace nibble::test;
using namespace nibble::testing;

namespace {

Outcome run(const Settings& settings, const RunContext& context = {}) {
    return run_lab("speculate-live", settings, context);
}

const Tokens& text_of(const Outcome& o) {
    return std::get<Tokens>(o.rows[0].figures[0].marks[0]);
}

std::int64_t count(const Tokens& tokens, Role role) {
    return std::count_if(tokens.items.begin(), tokens.items.end(),
                         [role](const Tokens::Item& item) { return item.role == role; });
}

}  // namespace

TEST_CASE("the first frame of speculate-live writes what the target writes",
          "[experiments][speculate-live]") {
    const Outcome o = run({});
    CHECK(o.metric("same_as_plain").value == 1);
    const double steps = o.metric("target_steps").value, tokens = o.metric("tokens").value;
    CHECK(o.metric("tokens_per_target_step").value == Approx((tokens - 1) / steps));
    CHECK(o.metric("tokens_per_target_step").value > 1);
    CHECK(o.metric("speedup").timed);
    // The whole text: every accepted draft in one colour, the target's own tokens in two.
    CHECK(count(text_of(o), Role::subject) ==
          static_cast<std::int64_t>(o.metric("accepted").value));
    CHECK(static_cast<double>(count(text_of(o), Role::limit) +
                              count(text_of(o), Role::reference)) == steps + 1);
    REQUIRE(o.timeline);
    CHECK(o.timeline->last == static_cast<std::int64_t>(steps));
    REQUIRE(o.tables.size() == 4);
    CHECK(o.tables[0].rows.size() == static_cast<std::size_t>(steps));
    CHECK(o.tables[2].rows.size() == 4);
    for (const auto& row : o.tables[2].rows) {
        CHECK(std::get<double>(row[3]) > 0);
        CHECK(std::get<double>(row[4]) >= 1);
    }
    // Same seed, same result, but for the clock.
    CHECK(to_json(reproducible(run({}))) == to_json(reproducible(o)));
}

TEST_CASE("the steps of speculate-live are played one by one", "[experiments][speculate-live]") {
    RunContext quick;
    quick.preview = true;
    const Outcome none = run({{"step", "0"}}, quick), one = run({{"step", "1"}}, quick);
    CHECK(count(text_of(none), Role::reference) == 1);  // the first token, and no other
    CHECK(count(text_of(none), Role::subject) == 0);
    CHECK(count(text_of(one), Role::reference) + count(text_of(one), Role::limit) == 2);
    CHECK(one.sampling.find("while dragging") == 0);
}

TEST_CASE("every setting of speculate-live has something to show",
          "[experiments][speculate-live]") {
    RunContext quick;
    quick.preview = true;
    for (const Settings& settings :
         {Settings{{"draft", "ngram"}}, Settings{{"tree", "2,2,1"}}, Settings{{"adaptive", "true"}},
          Settings{{"temperature", "1"}, {"top_p", "0.9"}, {"k", "16"}}, Settings{{"tokens", "2"}},
          Settings{{"prompt", "Last summer, Nan and Hugo met"}, {"text", "records"}}}) {
        const Outcome o = run(settings, quick);
        CHECK_FALSE(o.finding.empty());
        CHECK(o.metric("tokens").value >= 1);
    }
    CHECK(contains(error_of([&] { run({{"tree", "2,x"}}, quick); }), "\"x\" is no number"));
    CHECK(contains(error_of([&] { run({{"tree", "99,99"}}, quick); }), "more than 1024"));
    CHECK(contains(error_of([&] { run({{"draft_model", "none.gguf"}}, quick); }), "none.gguf"));
}

}  // namespace nibble::speculate_live_test
