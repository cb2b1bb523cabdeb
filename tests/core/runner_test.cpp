#include "sim/core/runner.hpp"

#include <atomic>

#include "tests/catch.hpp"
#include "tests/core/toy.hpp"

namespace nibble::runner_test {

namespace {

const Experiment toy_experiment = toy::experiment();

Runner::Request request(toy::Mode mode, int count, bool preview = false) {
    ParamValues values = toy_experiment.defaults();
    values[0] = std::int64_t{count};
    values[3] = std::string(mode == toy::Mode::slow ? "slow" : "fast");
    return {&toy_experiment, values, 1, preview};
}

/// Waits, within reason, until the state satisfies `done`.
template <class Done>
bool eventually(const Runner& runner, const Done& done) {
    for (int i = 0; i < 20000; ++i) {
        if (done(runner.state())) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

}  // namespace

TEST_CASE("a submitted run lands and wakes the window", "[runner]") {
    std::atomic<int> woken = 0;
    Runner runner([&] { ++woken; });
    const auto ticket = runner.submit(request(toy::Mode::fast, 8));
    runner.wait_idle();
    const Runner::State state = runner.state();
    REQUIRE(state.landed);
    CHECK(state.landed->ticket == ticket);
    CHECK_FALSE(state.landed->partial);
    CHECK_FALSE(state.busy);
    REQUIRE(state.landed->outcome);
    CHECK(state.landed->outcome->metric("sum").value ==
          evaluate(toy_experiment, request(toy::Mode::fast, 8).values).metric("sum").value);
    CHECK(woken > 0);
}

TEST_CASE("the newest request wins over an exact run that would never end", "[runner]") {
    Runner runner;
    runner.submit(request(toy::Mode::slow, 4));
    CHECK(eventually(runner, [](const auto& s) { return s.landed && s.landed->partial; }));
    const auto newest = runner.submit(request(toy::Mode::fast, 5));
    runner.wait_idle();
    REQUIRE(runner.state().landed);
    CHECK(runner.state().landed->ticket == newest);
    CHECK_FALSE(runner.state().landed->partial);
}

TEST_CASE("a growing run shows what it has so far", "[runner]") {
    Runner runner;
    const auto ticket = runner.submit(request(toy::Mode::slow, 4));
    CHECK(eventually(runner, [&](const auto& s) {
        return s.landed && s.landed->partial && s.landed->ticket == ticket && s.busy &&
               s.progress == 0.5;
    }));
}

TEST_CASE("bad parameters land as an error in words", "[runner]") {
    Runner runner;
    Runner::Request bad = request(toy::Mode::fast, 1);
    bad.values[0] = std::int64_t{0};
    runner.submit(bad);
    runner.wait_idle();
    const Runner::State state = runner.state();
    REQUIRE(state.landed);
    CHECK_FALSE(state.landed->outcome);
    CHECK(state.landed->error == "count = 0 is out of range");
    CHECK(state.landed->hint == "--count takes 1 to 1000 draws");
}

TEST_CASE("a runner can be destroyed while it runs", "[runner]") {
    Runner runner;
    runner.submit(request(toy::Mode::slow, 4));
    CHECK(eventually(runner, [](const auto& s) { return s.busy; }));
}

TEST_CASE("many submits from a fast hand end with the last", "[runner]") {
    Runner runner;
    std::uint64_t last = 0;
    for (int i = 0; i < 300; ++i) {
        last = runner.submit(request(toy::Mode::fast, 1 + i % 7, i % 3 != 0));
    }
    runner.wait_idle();
    REQUIRE(runner.state().landed);
    CHECK(runner.state().landed->ticket == last);
}

}  // namespace nibble::runner_test
