#include "sim/speculative/pair_acceptance.hpp"

#include <algorithm>

#include "sim/core/one_thread.hpp"
#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

/// The whole chains of one continuation.
MeasuredChain one_document(const ModelPair& pair, const MeasuredChain& setting,
                           const ChainSample& sample, std::uint64_t index,
                           const RunContext& context) {
    const OneThread alone;  // the documents are what is shared out
    TokenIds prompt =
        pair.prompt_ids(make_document(context.seed, Split::test, setting.domain, index).text);
    prompt.resize(std::min(prompt.size(), static_cast<std::size_t>(sample.given)));
    SpeculationSettings settings = settings_for(pair);
    settings.sampling.temperature = setting.temperature;
    settings.sampling.seed = context.rng("measured chain").bits(index);
    settings.branching = chain_of(setting.k);
    settings.count = sample.written;
    settings.stop = context.stop;
    NetworkSequence target(pair.target->model);
    const auto drafter = pair.drafter(settings.sampling);
    const Speculation text = speculate(target, *drafter, prompt, settings);
    context.check();
    MeasuredChain chain = setting;
    for (const SpeculationStep& step : text.steps) {
        if (step.levels == static_cast<std::size_t>(setting.k)) {
            const std::size_t stood = step.accepted.size();
            ++chain.counts.steps[stood];
            chain.accepted += static_cast<std::int64_t>(stood);
            chain.judged += std::min<std::int64_t>(static_cast<std::int64_t>(stood) + 1, setting.k);
        }
    }
    return chain;
}

}  // namespace

double MeasuredChain::alpha() const {
    return static_cast<double>(accepted) / static_cast<double>(judged);
}

MeasuredChain measure_chain(const ModelPair& pair, Domain domain, int k, double temperature,
                            const ChainSample& sample, const RunContext& context) {
    MeasuredChain sum{domain, k, temperature, {}};
    sum.counts.steps.resize(static_cast<std::size_t>(k) + 1);
    std::vector<MeasuredChain> documents(static_cast<std::size_t>(sample.documents));
    parallel_for(documents.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            documents[i] = one_document(pair, sum, sample, i, context);
        }
    });
    for (const MeasuredChain& d : documents) {
        std::transform(d.counts.steps.begin(), d.counts.steps.end(), sum.counts.steps.begin(),
                       sum.counts.steps.begin(), std::plus<>());
        sum.judged += d.judged;
        sum.accepted += d.accepted;
    }
    return sum;
}

}  // namespace nibble
