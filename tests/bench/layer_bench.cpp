// GPTQ and AWQ on one square layer with 2048 calibration tokens: 4 bits, groups of 128. Seconds of
// the parts apart, to be set beside published times of the reference implementations.
//
//   build/release/nibble_bench --benchmark_filter=layer
#include <benchmark/benchmark.h>

#include "sim/core/parallel.hpp"
#include "sim/core/rng.hpp"
#include "sim/quant/awq.hpp"
#include "sim/quant/gptq.hpp"

namespace nibble {
namespace {

constexpr Index tokens = 2048;

struct Layer {
    Matrix<float> weights, x;
    LayerInput input;
};

/// Normal weights; inputs that share a few hidden causes, as the channels of real layers do.
const Layer& layer_of(Index n) {
    static std::map<Index, Layer> layers;
    Layer& layer = layers[n];
    if (layer.weights.rows() == 0) {
        layer.weights.resize(n, n);
        layer.x.resize(tokens, n);
        const Rng w = Rng(1).stream("weights"), own = Rng(1).stream("own"),
                  cause = Rng(1).stream("cause");
        const auto at = [n](Index i, Index j) { return static_cast<std::uint64_t>(i * n + j); };
        for (Index i = 0; i < n; ++i) {
            for (Index j = 0; j < n; ++j) {
                layer.weights(i, j) = static_cast<float>(0.02 * w.normal(at(i, j)));
            }
        }
        for (Index t = 0; t < tokens; ++t) {
            for (Index j = 0; j < n; ++j) {
                layer.x(t, j) =
                    static_cast<float>(own.normal(at(t, j)) +
                                       cause.normal(static_cast<std::uint64_t>(t * 16 + j % 16)));
            }
        }
        layer.input = observe(layer.x.view());
    }
    return layer;
}

void layer_hessian(benchmark::State& state) {
    const Layer& layer = layer_of(state.range(0));
    for (auto _ : state) {
        benchmark::DoNotOptimize(gram_of(layer.x.view()));
    }
}

void layer_gptq(benchmark::State& state) {
    const Layer& layer = layer_of(state.range(0));
    GptqTimes times;
    for (auto _ : state) {
        const GptqResult result = gptq(layer.weights.view(), layer.input.gram.view(), {});
        times.factor += result.times.factor;
        times.sweep += result.times.sweep;
    }
    const auto runs = static_cast<double>(state.iterations());
    state.counters["factor_s"] = times.factor / runs;
    state.counters["sweep_s"] = times.sweep / runs;
}

void layer_awq(benchmark::State& state) {
    const Layer& layer = layer_of(state.range(0));
    double search = 0, clip = 0;
    for (auto _ : state) {
        const AwqResult result =
            awq(layer.weights.view(), layer.input, {.format = {.rule = RangeRule::awq}});
        search += result.search_seconds;
        clip += result.clip_seconds;
    }
    const auto runs = static_cast<double>(state.iterations());
    state.counters["search_s"] = search / runs;
    state.counters["clip_s"] = clip / runs;
}

#define NIBBLE_LAYER_BENCH(name)        \
    BENCHMARK(name)                     \
        ->Arg(1024)                     \
        ->Arg(2048)                     \
        ->Arg(4096)                     \
        ->Unit(benchmark::kMillisecond) \
        ->UseRealTime()                 \
        ->MeasureProcessCPUTime()
NIBBLE_LAYER_BENCH(layer_hessian);
NIBBLE_LAYER_BENCH(layer_gptq);
NIBBLE_LAYER_BENCH(layer_awq);

}  // namespace
}  // namespace nibble
