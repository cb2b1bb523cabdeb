// How fast weights are quantized: kernels beside memcpy in the same run, and the whole lab.
//
//   build/release/nibble_bench --benchmark_filter=quantize
//
// Rates count FP32 weights read, in bytes, so that they compare with memcpy's.
#include <benchmark/benchmark.h>
#include <cstring>

#include "kernels/quantize/ops.hpp"
#include "sim/core/parallel.hpp"
#include "sim/experiments/all.hpp"
#include "sim/quant/quantizer.hpp"
#include "sim/quant/weights.hpp"

namespace nibble {
namespace {

constexpr std::size_t rows = 4096, cols = 4096;

const WeightSample& weights() {
    static const WeightSample sample =
        sample_weights(*synthetic_weights(WeightDistribution::normal, 4, rows, cols, 1), 1, RunContext{});
    return sample;
}

void count_bytes(benchmark::State& state) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * rows * cols) * 4);
}

void quantize_memcpy(benchmark::State& state) {
    const WeightSample& w = weights();
    std::vector<float> copy(w.values.size());
    for (auto _ : state) {
        std::memcpy(copy.data(), w.values.data(), w.bytes());
        benchmark::ClobberMemory();
    }
    count_bytes(state);
}

/// One thread: ranges, scales and either the error alone or codes, values and errors by group.
void quantize_rows(benchmark::State& state, Scheme scheme, bool outputs) {
    const WeightSample& w = weights();
    Quantizer q{.scheme = scheme, .group_size = 128};
    const std::size_t groups = q.groups_per_row(cols);
    std::vector<float> low(groups), high(groups), back(cols);
    std::vector<std::int16_t> codes(cols);
    std::vector<kernels::RoundingError> errors(groups);
    Scales scales;
    for (auto _ : state) {
        kernels::RoundingError total;
        for (std::size_t r = 0; r < rows; ++r) {
            kernels::group_ranges(w.row(r), q.group_size, low, high);
            make_scales(q, low, high, {}, scales);
            total += quantize(
                q, w.row(r), q.group_size, scales,
                outputs ? kernels::QuantizeOut{codes, back, errors} : kernels::QuantizeOut{});
        }
        benchmark::DoNotOptimize(total);
    }
    count_bytes(state);
    state.SetLabel(kernels::simd_target());
}

/// The lab as the window drives it: a new outlier each time, the weights remembered.
void quantize_lab(benchmark::State& state, bool preview) {
    const Experiment& lab = find_experiment(all_experiments(), "quantizer");
    Cache shared(std::size_t{768} << 20);
    RunContext context;
    context.shared = &shared;
    context.preview = preview;
    ParamValues values = lab.defaults();
    values[lab.index_of("rows")] = std::int64_t{rows};
    values[lab.index_of("cols")] = std::int64_t{cols};
    values[lab.index_of("group_size")] = std::int64_t{128};
    double outlier = 20;
    evaluate(lab, values, context);
    for (auto _ : state) {
        outlier = outlier < 60 ? outlier + 0.125 : 20;
        values[lab.index_of("outlier")] = outlier;
        benchmark::DoNotOptimize(evaluate(lab, values, context));
    }
    state.SetLabel(std::to_string(threads()) + " threads");
}

BENCHMARK(quantize_memcpy)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(quantize_rows, absmax_error, Scheme::absmax, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(quantize_rows, absmax_all, Scheme::absmax, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(quantize_rows, zero_point_all, Scheme::zero_point, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(quantize_rows, nf4_all, Scheme::nf4, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(quantize_rows, fp8_e4m3_all, Scheme::fp8_e4m3, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(quantize_lab, preview_4096x4096, true)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(quantize_lab, exact_4096x4096, false)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace nibble
