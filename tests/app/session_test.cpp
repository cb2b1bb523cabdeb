// The window's state without a window: what a change does, what undo takes back, what is pinned.
#include "viz/app/session.hpp"

#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"

namespace nibble::session_test {

namespace {

struct Bench {
    Runner runner;
    Session session;

    explicit Bench(const std::string& id) : session(all_experiments(), runner) {
        session.select(id);
        settle();
    }
    void settle() {
        runner.wait_idle();
        session.poll();
    }
    std::size_t at(const std::string& name) const { return session.experiment().index_of(name); }
    std::int64_t bits() const { return std::get<std::int64_t>(session.value(at("bits"))); }
};

}  // namespace

TEST_CASE("a drag previews, and is one undo step and one exact result when released") {
    Bench t("quantizer");
    for (const std::int64_t bits : {5, 6, 7}) {
        t.session.drag(t.at("bits"), Value(bits));
    }
    t.settle();
    CHECK(t.session.dragging());
    CHECK(t.session.outcome_is_preview());
    t.session.release();
    CHECK(t.session.busy());
    t.settle();
    CHECK_FALSE(t.session.busy());
    CHECK_FALSE(t.session.outcome_is_preview());
    CHECK(t.session.outcome_scenario().values == t.session.scenario().values);
    t.session.undo();
    CHECK(t.bits() == 4);
    CHECK_FALSE(t.session.can_undo());
    t.session.redo();
    CHECK(t.bits() == 7);
}

TEST_CASE("a drag that ends where it began leaves no undo step") {
    Bench t("quantizer");
    t.session.drag(t.at("bits"), Value(std::int64_t{6}));
    t.session.drag(t.at("bits"), Value(std::int64_t{4}));
    t.session.release();
    CHECK_FALSE(t.session.can_undo());
    t.settle();
    CHECK_FALSE(t.session.outcome_is_preview());
}

TEST_CASE("a drag beyond the range stops at its end, a typed value beyond it is refused") {
    Bench t("quantizer");
    t.session.drag(t.at("bits"), Value(99.0));
    t.session.release();
    CHECK(t.bits() == 8);
    CHECK_THROWS_AS(t.session.set(t.at("bits"), Value(std::int64_t{99})), Error);
    CHECK(t.bits() == 8);
}

TEST_CASE("steps of one parameter in a row are one undo step, and another change ends the row") {
    Bench t("quantizer");
    t.session.nudge(t.at("bits"), Value(std::int64_t{5}));
    t.session.nudge(t.at("bits"), Value(std::int64_t{6}));
    t.session.nudge(t.at("group_size"), Value(std::int64_t{64}));
    t.session.nudge(t.at("bits"), Value(std::int64_t{7}));
    t.session.undo();
    CHECK(t.bits() == 6);
    t.session.undo();
    t.session.undo();
    CHECK(t.bits() == 4);
    CHECK_FALSE(t.session.can_undo());
}

TEST_CASE("each lab keeps its own parameters, history and pin") {
    Bench t("quantizer");
    t.session.set(t.at("bits"), Value(std::int64_t{3}));
    t.settle();
    REQUIRE(t.session.pin());
    t.session.select("number-formats");
    CHECK_FALSE(t.session.can_undo());
    CHECK(t.session.pinned() == nullptr);
    t.session.select("quantizer");
    CHECK(t.bits() == 3);
    CHECK(t.session.can_undo());
    REQUIRE(t.session.pinned() != nullptr);
    CHECK(t.session.pinned()->scenario.values == t.session.scenario().values);
}

TEST_CASE("an opened scenario goes to its lab and can be undone there") {
    Bench t("number-formats");
    Scenario opened;
    opened.experiment = "quantizer";
    opened.values = find_experiment(all_experiments(), "quantizer").defaults();
    opened.seed = 7;
    t.session.open(opened);
    t.settle();
    CHECK(t.session.experiment().id == "quantizer");
    CHECK(t.session.scenario().seed == 7);
    t.session.undo();
    CHECK(t.session.scenario().seed == 1);
}

TEST_CASE("what is pinned is what is on the screen, not what is being computed") {
    Bench t("quantizer");
    t.session.set(t.at("bits"), Value(std::int64_t{8}));  // not polled: the old outcome is shown
    REQUIRE(t.session.pin());
    CHECK(std::get<std::int64_t>(t.session.pinned()->scenario.values[t.at("bits")]) == 4);
}

TEST_CASE("an error keeps the last outcome and goes away with the next good values") {
    Bench t("quantizer");
    std::size_t file = 0;
    while (t.session.experiment().params[file].type != ParamType::file) {
        ++file;
    }
    const auto before = t.session.outcome();
    t.session.set(file, Value(std::string("/nowhere/weights.npy")));
    t.settle();
    CHECK_FALSE(t.session.error().empty());
    CHECK(t.session.outcome() == before);
    t.session.undo();
    t.settle();
    CHECK(t.session.error().empty());
}

TEST_CASE("reset takes one parameter back, reset_panel all of them") {
    Bench t("quantizer");
    t.session.set(t.at("bits"), Value(std::int64_t{3}));
    t.session.set(t.at("group_size"), Value(std::int64_t{64}));
    t.session.reset(t.at("bits"));
    CHECK(t.bits() == 4);
    t.session.set(t.at("bits"), Value(std::int64_t{2}));
    t.session.reset_panel();
    CHECK(t.session.scenario().values == t.session.experiment().defaults());
    t.session.undo();
    CHECK(t.bits() == 2);
}

TEST_CASE("steps that come back to where they began leave the undo step before them alone") {
    Bench t("quantizer");
    t.session.set(t.at("group_size"), Value(std::int64_t{64}));
    t.session.nudge(t.at("bits"), Value(std::int64_t{5}));
    t.session.nudge(t.at("bits"), Value(std::int64_t{4}));
    t.session.nudge(t.at("bits"), Value(std::int64_t{5}));
    t.session.undo();
    CHECK(t.bits() == 4);
    CHECK(std::get<std::int64_t>(t.session.value(t.at("group_size"))) == 64);
    CHECK(t.session.can_undo());
}

TEST_CASE("ended nudges are an undo step of their own") {
    Bench t("quantizer");
    t.session.nudge(t.at("bits"), Value(std::int64_t{5}));
    t.session.end_nudges();
    t.session.nudge(t.at("bits"), Value(std::int64_t{6}));
    t.session.undo();
    CHECK(t.bits() == 5);
    t.session.undo();
    CHECK(t.bits() == 4);
}

}  // namespace nibble::session_test
