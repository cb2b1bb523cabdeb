// Operations of the KV-cache allocators in a second on one core. The target is a million.
#include <benchmark/benchmark.h>

#include "sim/core/rng.hpp"
#include "sim/kvcache/contiguous.hpp"
#include "sim/kvcache/paged_cache.hpp"
#include "sim/kvcache/placement.hpp"

namespace nibble {
namespace {

/// Appends, with an admission or a release now and then: what decoding asks of a paged cache.
void paged_decode(benchmark::State& state) {
    constexpr std::int64_t batch = 32, longest = 512;
    PagedCache cache({.blocks = 2048, .block_size = 16});
    for (std::int64_t id = 0; id < batch; ++id) {
        cache.admit(id, 1 + 16 * id);
    }
    std::int64_t turn = 0, operations = 0;
    for (auto _ : state) {
        const std::int64_t id = turn++ % batch;
        benchmark::DoNotOptimize(cache.append(id));
        ++operations;
        if (cache.sequence(id).tokens >= longest) {
            cache.release(id);
            cache.admit(id, 100);
            operations += 2;
        }
    }
    state.SetItemsProcessed(operations);
}
BENCHMARK(paged_decode);

/// A fork, the copy that its first token makes, and its end: what sampling asks.
void paged_fork(benchmark::State& state) {
    PagedCache cache({.blocks = 2048, .block_size = 16});
    cache.admit(0, 100);
    for (auto _ : state) {
        cache.fork(0, 1);
        benchmark::DoNotOptimize(cache.append(1));
        cache.release(1);
    }
    state.SetItemsProcessed(3 * state.iterations());
}
BENCHMARK(paged_fork);

/// Requests of random lengths come and go: a take and a give each.
void contiguous(benchmark::State& state, Placement placement) {
    constexpr std::int64_t batch = 32;
    ContiguousCache cache(slot_pool(placement, 15696), 15696);
    const Rng rng = Rng(1).stream("lengths");
    std::uint64_t turn = 0;
    std::int64_t operations = 0;
    for (auto _ : state) {
        const auto id = static_cast<std::int64_t>(turn % batch);
        if (cache.holds(id)) {
            cache.release(id);
            ++operations;
        }
        const auto slots = 16 + static_cast<std::int64_t>(rng.below(turn++, 600));
        benchmark::DoNotOptimize(cache.admit(id, slots, 0));
        ++operations;
    }
    state.SetItemsProcessed(operations);
}
BENCHMARK_CAPTURE(contiguous, first_fit, Placement::oracle);
BENCHMARK_CAPTURE(contiguous, buddy, Placement::oracle_buddy);

}  // namespace
}  // namespace nibble
