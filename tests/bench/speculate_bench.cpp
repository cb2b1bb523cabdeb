// Speculative decoding of the shipped pair beside plain decoding of the same text, on one thread:
// tokens a second of either, by the number of drafts; and what one pass over several tokens costs.
#include <benchmark/benchmark.h>
#include <numeric>

#include "sim/core/one_thread.hpp"
#include "sim/model/corpus.hpp"
#include "sim/speculative/model_pair.hpp"

using namespace nibble;

namespace {

constexpr Index count = 48;

const ModelPair& pair() {
    static const ModelPair shipped = load_pair("target", "draft", RunContext{});
    return shipped;
}

TokenIds prompt_of(Domain domain) {
    const std::string text = make_document(1, Split::test, domain, 0).text;
    return pair().prompt_ids(text.substr(0, text.find(' ', text.size() / 4)));
}

SpeculationSettings settings_of(Index drafts) {
    SpeculationSettings settings = settings_for(pair());
    settings.sampling.temperature = 0;
    settings.branching = chain_of(drafts);
    settings.count = count;
    return settings;
}

void tokens_a_second(benchmark::State& state, std::size_t tokens) {
    state.counters["tokens/s"] =
        benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
}

void speculate_plain(benchmark::State& state) {
    const OneThread small_loops;
    const TokenIds prompt = prompt_of(static_cast<Domain>(state.range(0)));
    std::size_t tokens = 0;
    for (auto _ : state) {
        NetworkSequence target(pair().target->model);
        tokens += decode_plainly(target, prompt, settings_of(1)).tokens.size();
    }
    tokens_a_second(state, tokens);
}
BENCHMARK(speculate_plain)->DenseRange(0, 3)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Arguments: the domain, and K.
void speculate_drafts(benchmark::State& state) {
    const OneThread small_loops;
    const TokenIds prompt = prompt_of(static_cast<Domain>(state.range(0)));
    const SpeculationSettings settings = settings_of(state.range(1));
    std::size_t tokens = 0;
    for (auto _ : state) {
        NetworkSequence target(pair().target->model);
        const auto drafter = pair().drafter(settings.sampling);
        tokens += speculate(target, *drafter, prompt, settings).tokens.size();
    }
    tokens_a_second(state, tokens);
}
BENCHMARK(speculate_drafts)
    ->ArgsProduct({{0, 1, 2, 3}, {1, 2, 4, 8}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// One pass of the target over so many tokens behind a hundred.
void speculate_pass(benchmark::State& state) {
    const OneThread small_loops;
    const Model<float>& model = pair().target->model;
    KvCache<float> cache(model.config);
    extend<float>(model, cache, TokenIds(100, 50));
    const TokenIds ids(static_cast<std::size_t>(state.range(0)), 60);
    std::vector<Index> parents(ids.size());
    std::iota(parents.begin(), parents.end(), Index{-1});
    for (auto _ : state) {
        benchmark::DoNotOptimize(extend_tree<float>(model, cache, ids, parents));
        cache.truncate(100);
    }
}
BENCHMARK(speculate_pass)
    ->Arg(1)
    ->Arg(2)
    ->Arg(5)
    ->Arg(9)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
