// How far chains of drafts hold in real decoding: a target and its draft write on after the
// beginnings of test documents, and every target step is counted by the drafts it accepted.
//
// Beside the formulas, which know one chance alpha for every draft, this shows what real text does:
// drafts fail in runs, so that at the same mean acceptance more chains break early and more stand
// whole.
#pragma once

#include "sim/core/experiment.hpp"
#include "sim/model/corpus.hpp"
#include "sim/speculative/chain_simulation.hpp"
#include "sim/speculative/model_pair.hpp"

namespace nibble {

struct MeasuredChain {
    Domain domain = Domain::stories;
    int k = 0;
    double temperature = 1;
    AcceptedCounts counts;                  // target steps that were given all k drafts
    std::int64_t judged = 0, accepted = 0;  // drafts of those steps

    /// accepted / judged: the alpha of the formulas.
    double alpha() const;
};

/// Test documents that are begun, tokens of each that are given, and at most written.
struct ChainSample {
    int documents = 10, given = 24, written = 56;
};

/// Same counts on any number of threads. Throws as speculate() does, and Error::cancelled.
MeasuredChain measure_chain(const ModelPair& pair, Domain domain, int k, double temperature,
                            const ChainSample& sample, const RunContext& context);

}  // namespace nibble
