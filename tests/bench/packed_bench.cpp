// How fast the packed formats are written and read: one thread beside memcpy of the same floats in
// the same run. Judge by ratios; on a shared machine take the median of repetitions:
//
//   build/release/nibble_bench --benchmark_filter=packed --benchmark_repetitions=9
//       --benchmark_enable_random_interleaving --benchmark_report_aggregates_only
//
// Rates count floats, read or written, in bytes; memcpy's count what it copies, once.
#include <benchmark/benchmark.h>
#include <cstring>
#include <vector>

#include "kernels/quantize/ops.hpp"
#include "kernels/quantize/packed.hpp"
#include "sim/core/rng.hpp"

namespace nibble::kernels {
namespace {

constexpr std::size_t rows = 4096, columns = 4096;

const std::vector<float>& weights() {
    static const std::vector<float> values = [] {
        const Rng rng = Rng(1).stream("packed-bench");
        std::vector<float> x(rows * columns);
        for (std::size_t i = 0; i < x.size(); ++i) {
            x[i] = static_cast<float>(0.02 * rng.normal(i));
        }
        return x;
    }();
    return values;
}

void count_bytes(benchmark::State& state) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * rows * columns) * 4);
    state.SetLabel(simd_target());
}

void packed_memcpy(benchmark::State& state) {
    const std::vector<float>& x = weights();
    std::vector<float> copy(x.size());
    for (auto _ : state) {
        std::memcpy(copy.data(), x.data(), x.size() * sizeof(float));
        benchmark::ClobberMemory();
    }
    count_bytes(state);
}

struct Arrays {
    std::vector<std::uint8_t> codes, scales, zero_points;

    explicit Arrays(const PackedShape& shape)
        : codes(shape.code_bytes()),
          scales(shape.scale_bytes()),
          zero_points(shape.zero_point_bytes()) {}
    PackedView view() { return {codes.data(), scales.data(), zero_points.data()}; }
};

void packed_quantize(benchmark::State& state, PackedFormat format, std::size_t group) {
    const PackedShape shape{format, rows, columns, group};
    const std::vector<float>& x = weights();
    Arrays packed(shape);
    for (auto _ : state) {
        quantize_rows(shape, InputType::f32, x.data(), packed.view(), 0, rows);
        benchmark::ClobberMemory();
    }
    count_bytes(state);
}

void packed_dequantize(benchmark::State& state, PackedFormat format, std::size_t group) {
    const PackedShape shape{format, rows, columns, group};
    Arrays packed(shape);
    quantize_rows(shape, InputType::f32, weights().data(), packed.view(), 0, rows);
    std::vector<float> y(rows * columns);
    for (auto _ : state) {
        dequantize_rows(shape, packed.view(), y.data(), 0, rows);
        benchmark::ClobberMemory();
    }
    count_bytes(state);
}

BENCHMARK(packed_memcpy)->Unit(benchmark::kMillisecond);
#define NIBBLE_PACKED_BENCH(label, format, group)                                            \
    BENCHMARK_CAPTURE(packed_quantize, label, format, group)->Unit(benchmark::kMillisecond); \
    BENCHMARK_CAPTURE(packed_dequantize, label, format, group)->Unit(benchmark::kMillisecond)
NIBBLE_PACKED_BENCH(q4_0, PackedFormat::q4_0, 0);
NIBBLE_PACKED_BENCH(q8_0, PackedFormat::q8_0, 0);
NIBBLE_PACKED_BENCH(nf4_64, PackedFormat::nf4, 64);
NIBBLE_PACKED_BENCH(int4_128, PackedFormat::int4, 128);
NIBBLE_PACKED_BENCH(uint4_128, PackedFormat::uint4, 128);
NIBBLE_PACKED_BENCH(int8_row, PackedFormat::int8, 0);
NIBBLE_PACKED_BENCH(fp8_e4m3_128, PackedFormat::fp8_e4m3, 128);
NIBBLE_PACKED_BENCH(mxfp4, PackedFormat::mxfp4, 0);

}  // namespace
}  // namespace nibble::kernels
