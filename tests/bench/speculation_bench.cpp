// How many steps of speculative decoding the dice play in a second: target steps of the chain,
// texts that go through the acceptance rule itself, and rounds that are priced on a machine.
#include <benchmark/benchmark.h>

#include "sim/core/parallel.hpp"
#include "sim/speculative/chain_simulation.hpp"
#include "sim/speculative/pair_cost.hpp"
#include "sim/speculative/short_texts.hpp"

namespace nibble {
namespace {

void chain_steps(benchmark::State& state) {
    set_threads(1);
    constexpr std::int64_t steps = 1 << 18;
    for (auto _ : state) {
        benchmark::DoNotOptimize(simulate_chain(Rng(1), 0.8, int(state.range(0)), steps));
    }
    set_threads(0);
    state.SetItemsProcessed(state.iterations() * steps);
}
BENCHMARK(chain_steps)->Arg(1)->Arg(5)->Arg(16);

void ruled_texts(benchmark::State& state) {
    const ShortTexts texts({0.4, 0.22, 0.16, 0.1, 0.04, 0.08}, {0.15, 0.12, 0.3, 0.25, 0.1, 0.08});
    std::uint64_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(texts.write(Rng(1), i++, SpeculationRule::exact));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ruled_texts);

void priced_rounds(benchmark::State& state) {
    const PairOnDevice pair{catalogue().model("llama-3.1-70b"), catalogue().model("llama-3.2-1b"),
                            machine_of(catalogue().device("h100-80gb-sxm"))};
    std::int64_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(round_cost(pair, 1 + i % 256, 1024, 4));
        ++i;
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(priced_rounds);

}  // namespace
}  // namespace nibble
