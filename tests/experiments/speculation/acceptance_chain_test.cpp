#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/speculative/closed_forms.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::acceptance_chain_test {

using namespace nibble::test;

namespace {

/// The real pair is measured once for each K.
RunContext kept() {
    static Cache shared(std::size_t{64} << 20);
    RunContext context;
    context.shared = &shared;
    return context;
}

Outcome run(const Settings& settings) {
    return run_lab("acceptance-chain", settings, kept());
}

int count(const Outcome& o, Role role) {
    const auto& cells = std::get<Cells>(figure(o, "falling").marks.at(0));
    return static_cast<int>(
        std::count_if(cells.items.begin(), cells.items.end(),
                      [&](const Cells::Item& c) { return c.role == role && !c.outlined; }));
}

}  // namespace

TEST_CASE("the acceptance chain as a program reads it", "[acceptance-chain][cli]") {
    const test::Finished finished = test::nibble(
        {"run", "acceptance-chain", "--alpha", "0.8", "--k", "5", "--cost", "0.05", "--json"});
    REQUIRE(finished.status == 0);
    std::map<std::string, double> metrics;
    const nlohmann::json all = nlohmann::json::parse(finished.out);
    for (const auto& m : all["metrics"]) {
        metrics[m["name"]] = m["value"];
    }
    CHECK(metrics.at("expected_tokens") == Approx(3.68928));
    CHECK(metrics.at("walltime_factor") == Approx(3.68928 / 1.25));
    CHECK(metrics.at("operations_factor") == Approx(6.25 / 3.68928));
    CHECK(metrics.at("best_k") == 8);
    CHECK(metrics.at("monte_carlo_low") < 3.68928);
    CHECK(metrics.at("monte_carlo_high") > 3.68928);
    CHECK(metrics.at("monte_carlo_tokens") ==
          Approx((metrics.at("monte_carlo_low") + metrics.at("monte_carlo_high")) / 2));
}

TEST_CASE("tokens fall one by one", "[acceptance-chain]") {
    const Outcome whole = run({{"step", "520"}});
    REQUIRE(whole.timeline);
    const int last = static_cast<int>(whole.timeline->last);
    const Experiment& e = find_experiment(all_experiments(), "acceptance-chain");
    const RunData data = e.run(e.defaults(), kept());
    int before = 0;
    for (int step = 0; step <= last; ++step) {
        ParamValues values = e.defaults();
        values[e.index_of("step")] = std::int64_t{step};
        const Outcome o = e.show(values, data);
        // Every token is an accepted draft, a correction or a bonus.
        const int fallen = count(o, Role::subject) + count(o, Role::limit) + count(o, category(2));
        CHECK(fallen == step);
        CHECK(fallen >= before);
        before = fallen;
    }
    // At the end each of the eight steps has its correction or its bonus.
    CHECK(count(whole, Role::limit) + count(whole, category(2)) == 8);
    CHECK(whole.timeline->marks.size() == static_cast<std::size_t>(count(whole, category(2))));
}

TEST_CASE("the chain's ends: nothing accepted, everything accepted", "[acceptance-chain]") {
    const Outcome none = run({{"alpha", "0"}}), all = run({{"alpha", "1"}});
    CHECK(none.metric("expected_tokens").value == 1);
    CHECK(none.metric("best_k").value == 0);
    CHECK(none.metric("monte_carlo_low").value == none.metric("monte_carlo_high").value);
    CHECK(all.metric("expected_tokens").value == 6);
    CHECK(all.metric("best_k").value == 64);
    CHECK(none.timeline->last == 8);
    CHECK(all.timeline->last == 48);
    CHECK(none.finding.find("never pays") != std::string::npos);
}

TEST_CASE("the dice are shown while they fall", "[acceptance-chain]") {
    const Experiment& e = find_experiment(all_experiments(), "acceptance-chain");
    RunContext context = kept();
    std::vector<double> played;
    context.publish_data = [&](const RunData& data) {
        played.push_back(e.show(e.defaults(), data).metric("monte_carlo_steps").value);
    };
    evaluate(e, e.defaults(), context);
    CHECK(played.size() >= 3);
    CHECK(std::is_sorted(played.begin(), played.end()));
    CHECK(played.front() < 10000);
}

TEST_CASE("the real pair stands beside the formula", "[acceptance-chain]") {
    const Outcome o = run({{"k", "3"}});
    const Table& real = o.tables.at(2);
    REQUIRE(real.rows.size() == 4);
    for (const auto& row : real.rows) {
        const double alpha = std::get<double>(row.at(2)), tokens = std::get<double>(row.at(3));
        CHECK(alpha > 0.2);  // both have learned the same language
        CHECK(alpha <= 1);
        CHECK(tokens >= 1);
        CHECK(tokens <= 4);
        CHECK(std::get<double>(row.at(6)) == Approx(expected_tokens(alpha, 3)));
    }
    CHECK(o.metric("measured_acceptance").value == std::get<double>(real.rows[0].at(2)));
    CHECK(o.metric("measured_acceptance").origin.kind == Origin::Kind::measured_here);
}

TEST_CASE("while dragging, the real pair is not measured anew", "[acceptance-chain]") {
    const Experiment& e = find_experiment(all_experiments(), "acceptance-chain");
    Cache shared(std::size_t{256} << 20);
    RunContext context;
    context.shared = &shared;
    const auto domains_measured = [&](bool preview, double alpha) {
        ParamValues values = e.defaults();
        values[e.index_of("k")] = std::int64_t{1};
        values[e.index_of("alpha")] = alpha;
        context.preview = preview;
        return evaluate(e, values, context).tables.at(2).rows.size();
    };
    CHECK(domains_measured(true, 0.8) == 0);
    CHECK(domains_measured(false, 0.8) == 4);
    CHECK(domains_measured(true, 0.5) == 4);
}

}  // namespace nibble::acceptance_chain_test
