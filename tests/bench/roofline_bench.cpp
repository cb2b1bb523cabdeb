// How many configurations a sweep evaluates in a second on one core: a step of a model on a
// machine, all operators and their sums. The target is a million.
#include <benchmark/benchmark.h>

#include "sim/roofline/catalogue.hpp"
#include "sim/roofline/roofline.hpp"

namespace nibble {
namespace {

void configurations(benchmark::State& state, const char* model_id) {
    const ModelShape& model = catalogue().model(model_id);
    const Machine machine = machine_of(catalogue().device("a100-80gb-sxm"));
    Workload load;
    std::int64_t i = 0;
    for (auto _ : state) {
        load.batch = 1 + i % 256;
        load.context = 128 + i % 4096;
        load.precision.weight_bits = i % 2 ? 4 : 16;
        benchmark::DoNotOptimize(ideal_step(model, load, machine));
        ++i;
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(configurations, dense, "llama-2-7b");
BENCHMARK_CAPTURE(configurations, grouped_windowed, "gemma-2-9b");
BENCHMARK_CAPTURE(configurations, experts, "mixtral-8x7b");
BENCHMARK_CAPTURE(configurations, latent_experts, "deepseek-v3");

}  // namespace
}  // namespace nibble
