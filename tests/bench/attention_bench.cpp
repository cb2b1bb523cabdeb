// Decode attention over a contiguous and a paged cache, beside memcpy of the same cache, and the
// verification of drafted tokens beside reading its rows once. Judge by ratios; on a shared machine
// take the median of repetitions:
//
//   build/release/nibble_bench --benchmark_filter="attention|sampling" --benchmark_repetitions=9
//       --benchmark_enable_random_interleaving --benchmark_report_aggregates_only
//
// Rates count the bytes of the cache, or of the probabilities, once. One thread.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstring>
#include <numeric>
#include <oneapi/tbb/global_control.h>
#include <random>
#include <vector>

#include "kernels/attention/ops.hpp"
#include "kernels/device.hpp"
#include "kernels/sampling/ops.hpp"

namespace nibble::kernels {
namespace {

using OneThread = oneapi::tbb::global_control;
constexpr auto parallelism = OneThread::max_allowed_parallelism;

/// Four sequences of 4096 tokens with the heads of one layer of Llama 3 8B: 64 MiB of cache.
constexpr AttentionShape shape{4, 32, 8, 128};
constexpr std::size_t tokens = 4096;
constexpr std::size_t cache_values = shape.sequences * shape.kv_heads * tokens * shape.head_dim;

/// On lines of the processor's cache, as a serving system has them.
using Halves = DeviceArray<std::uint16_t>;

struct Cache {
    Halves keys, values;
    std::vector<float> queries, outputs;
    std::vector<std::int32_t> lengths;

    Cache()
        : keys(device(Machine::cpu), cache_values),
          values(device(Machine::cpu), cache_values),
          queries(shape.query_values()),
          outputs(shape.query_values()),
          lengths(shape.sequences, tokens) {
        std::mt19937 generator(1);
        const auto half = [&] {  // 1 to 2 in size, either sign
            return static_cast<std::uint16_t>((generator() & 0x83ffU) | 0x3c00U);
        };
        std::generate_n(keys.data(), keys.size(), half);
        std::generate_n(values.data(), values.size(), half);
        std::generate(queries.begin(), queries.end(),
                      [&] { return static_cast<float>(generator() >> 8U) * 0x1p-24f; });
    }
    std::span<const std::uint16_t> key_span() const { return {keys.data(), keys.size()}; }
    std::span<const std::uint16_t> value_span() const { return {values.data(), values.size()}; }
};

Cache& cache() {
    static Cache made;
    return made;
}

void count_cache(benchmark::State& state) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * cache_values) * 4);
}

void attention_memcpy(benchmark::State& state) {
    const Cache& c = cache();
    Halves copy(device(Machine::cpu), c.keys.size());
    for (auto _ : state) {
        std::memcpy(copy.data(), c.keys.data(), copy.size() * 2);
        benchmark::ClobberMemory();
        std::memcpy(copy.data(), c.values.data(), copy.size() * 2);
        benchmark::ClobberMemory();
    }
    count_cache(state);
}

void attention_contiguous(benchmark::State& state) {
    const OneThread one(parallelism, 1);
    Cache& c = cache();
    for (auto _ : state) {
        attend(shape, {c.queries, c.lengths}, ContiguousCache{c.key_span(), c.value_span(), tokens},
               c.outputs);
        benchmark::ClobberMemory();
    }
    count_cache(state);
}

void attention_paged(benchmark::State& state) {
    const OneThread one(parallelism, 1);
    Cache& c = cache();
    const auto block_tokens = static_cast<std::size_t>(state.range(0));
    const std::size_t columns = tokens / block_tokens;
    std::vector<std::int32_t> table(shape.sequences * columns);
    std::iota(table.begin(), table.end(), 0);
    std::shuffle(table.begin(), table.end(), std::mt19937(1));
    const PagedCache paged{c.key_span(), c.value_span(), table,
                           table.size(), block_tokens,   columns};
    for (auto _ : state) {
        attend(shape, {c.queries, c.lengths}, paged, c.outputs);
        benchmark::ClobberMemory();
    }
    count_cache(state);
}

/// 16 requests with 5 drafts over a vocabulary of 32000.
constexpr VerifyShape drafted{16, 5, 32000};

struct Probabilities {
    std::vector<float> target, draft, uniforms;
    std::vector<std::int32_t> tokens, accepted, next;

    Probabilities()
        : target(drafted.positions() * drafted.vocabulary),
          draft(drafted.drafted() * drafted.vocabulary),
          uniforms(drafted.positions(), 0.5F),
          tokens(drafted.drafted()),
          accepted(drafted.requests),
          next(drafted.requests) {
        fill(target, 2);
        fill(draft, 3);
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            tokens[i] = static_cast<std::int32_t>(i * 997 % drafted.vocabulary);
        }
    }
    static void fill(std::vector<float>& rows, unsigned seed) {
        std::mt19937 generator(seed);
        std::exponential_distribution<double> draw(static_cast<double>(drafted.vocabulary));
        for (float& p : rows) {
            p = static_cast<float>(draw(generator));
        }
        for (std::size_t start = 0; start < rows.size(); start += drafted.vocabulary) {
            double sum = 0;
            for (std::size_t v = start; v < start + drafted.vocabulary; ++v) {
                sum += static_cast<double>(rows[v]);
            }
            for (std::size_t v = start; v < start + drafted.vocabulary; ++v) {
                rows[v] = static_cast<float>(static_cast<double>(rows[v]) / sum);
            }
        }
    }
    VerifyInput input() const { return {target, draft, tokens, uniforms}; }
    std::int64_t bytes() const {
        return static_cast<std::int64_t>((target.size() + draft.size()) * sizeof(float));
    }
};

Probabilities& probabilities() {
    static Probabilities made;
    return made;
}

void sampling_check(benchmark::State& state) {
    const Probabilities& p = probabilities();
    for (auto _ : state) {
        check_verification(drafted, p.input());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * p.bytes());
}

void sampling_verify(benchmark::State& state, bool checked) {
    const OneThread one(parallelism, 1);
    Probabilities& p = probabilities();
    for (auto _ : state) {
        (checked ? verify_drafts : verify_checked_drafts)(drafted, p.input(), {p.accepted, p.next});
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * p.bytes());
}

BENCHMARK(attention_memcpy)->Unit(benchmark::kMillisecond);
BENCHMARK(attention_contiguous)->Unit(benchmark::kMillisecond);
BENCHMARK(attention_paged)->RangeMultiplier(4)->Range(1, 256)->Unit(benchmark::kMillisecond);
BENCHMARK(sampling_check)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sampling_verify, check_and_verify, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sampling_verify, verify, false)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nibble::kernels
