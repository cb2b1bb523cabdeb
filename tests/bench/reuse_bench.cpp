// Caches of prefixes under load: a full cache, requests of 256 + 64 tokens that share 192 with one
// of 64 prefixes, each entering and leaving. Items are operations: a request's match, entry and
// leaving are three.
//
//   build/release/nibble_bench --benchmark_filter=reuse
#include <benchmark/benchmark.h>

#include "sim/kvcache/prefix_blocks.hpp"
#include "sim/kvcache/radix_tree.hpp"

namespace nibble {
namespace {

constexpr std::int64_t prompt = 256, tokens_of_request = 320, shared = 192, prefixes = 64;
constexpr std::int64_t capacity = 65536;

CachedTokens request(std::int64_t i) {
    const Rng rng(1);
    return CachedTokens::shared(
        static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(i), prefixes)), shared, i);
}

void reuse_prefix_blocks(benchmark::State& state) {
    PrefixBlocks cache(capacity / state.range(0), state.range(0));
    std::int64_t i = 0;
    for (auto _ : state) {
        const CachedTokens tokens = request(i++);
        PrefixTable table;
        benchmark::DoNotOptimize(cache.match(tokens, prompt));
        cache.open(table, tokens, prompt);
        cache.grow(table, tokens, tokens_of_request);
        cache.release(table);
    }
    state.SetItemsProcessed(4 * state.iterations());
}

/// One token more each time, as decoding does: a block is taken and keyed every block_size calls.
void reuse_grow_by_token(benchmark::State& state) {
    PrefixBlocks cache(capacity / 16, 16);
    PrefixTable table;
    const CachedTokens tokens = request(0);
    std::int64_t stored = 0;
    for (auto _ : state) {
        if (stored == capacity) {
            cache.release(table);
            stored = 0;
        }
        benchmark::DoNotOptimize(cache.grow(table, tokens, ++stored));
    }
    state.SetItemsProcessed(state.iterations());
}

void reuse_radix_tree(benchmark::State& state) {
    RadixTree tree(capacity);
    std::vector<std::vector<CachedToken>> requests;
    for (std::int64_t i = 0; i < 4096; ++i) {
        requests.push_back(request(i).first(tokens_of_request));
    }
    std::size_t i = 0;
    for (auto _ : state) {
        const std::vector<CachedToken>& tokens = requests[i++ % requests.size()];
        benchmark::DoNotOptimize(tree.match(tokens));
        const auto event = tree.insert(tokens);
        tree.release(event->node);
    }
    state.SetItemsProcessed(3 * state.iterations());
}

BENCHMARK(reuse_prefix_blocks)->Arg(16)->Arg(64);
BENCHMARK(reuse_grow_by_token);
BENCHMARK(reuse_radix_tree);

}  // namespace
}  // namespace nibble
