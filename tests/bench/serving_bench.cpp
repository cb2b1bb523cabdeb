// How many scheduler iterations one core makes in a second with 64 requests running, and how long a
// million requests take from a source that makes them up as it goes. The target is a million
// iterations.
#include <benchmark/benchmark.h>

#include "sim/roofline/catalogue.hpp"
#include "sim/serving/statistics.hpp"

namespace nibble::serving {
namespace {

Rules rules(Policy policy) {
    Rules r;
    r.policy = policy;
    r.max_seqs = 64;
    r.token_budget = 2048;
    r.blocks = 8192;
    return r;
}

const std::vector<Lengths>& chat() {
    static const std::vector<Lengths> mix = {{1024, 128}, {128, 256}, {512, 64}, {256, 400}};
    return mix;
}

/// All requests are there from the start, so that every step is full.
void iterations(benchmark::State& state, Policy policy, bool roofline) {
    StepTime::Roofline r;
    r.model = catalogue().model("llama-3.1-8b");
    r.machine = machine_of(catalogue().device("h100-80gb-sxm"));
    const StepTime time = roofline ? StepTime(r) : StepTime::constant(1);
    std::int64_t steps = 0, running = 0;
    for (auto _ : state) {
        ClosedLoop arrivals(chat(), 4000, 100, 0, Rng(1));
        simulate(rules(policy), arrivals, time, {}, [&](const Step& s) {
            ++steps;
            running += s.running;
        });
    }
    state.SetItemsProcessed(steps);
    state.counters["mean batch"] = static_cast<double>(running) / static_cast<double>(steps);
}
BENCHMARK_CAPTURE(iterations, chunked_constant, Policy::chunked, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(iterations, chunked_roofline, Policy::chunked, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(iterations, continuous_roofline, Policy::continuous, true)
    ->Unit(benchmark::kMillisecond);

void million_requests(benchmark::State& state) {
    for (auto _ : state) {
        RandomArrivals arrivals({{128, 16}, {64, 32}}, 1'000'000, 1e6, 1, Rng(1));
        const StepTime time = StepTime::constant(2e-5);
        benchmark::DoNotOptimize(simulate(rules(Policy::chunked), arrivals, time).requests);
    }
    state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(million_requests)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nibble::serving
