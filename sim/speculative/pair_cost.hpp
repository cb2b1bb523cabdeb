// What speculation costs on a machine, by its roofline: a round is K steps of the draft and one
// step of the target over K + 1 positions, which reads weights and cache once.
//
//     speed-up = E t_target / (K t_draft + t_verify)
//
// While the target waits for memory, checking K + 1 tokens takes as long as writing one, and the
// draft is all that speculation costs. With many requests the products of the target are bound by
// arithmetic: checking K + 1 tokens then takes K + 1 times as long and the speed-up falls below 1.
// A long context brings the wait for memory back, because every request reads its own cache
// (Chen et al. 2024, MagicDec, arXiv:2408.11049).
//
// Left out: sampling, launches and the host, but for `overhead`, a fixed time of every step of
// either model; requests that wait for others whose drafts were rejected; the draft's catching up
// with its own last token after a round that was accepted whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/roofline/catalogue.hpp"
#include "sim/roofline/roofline.hpp"

namespace nibble {

/// Two models on the same devices.
struct PairOnDevice {
    ModelShape target, draft;
    Machine machine;
    Precision target_precision = {}, draft_precision = {};
    std::int64_t tensor_parallel = 1;
    Seconds overhead = {};  // of every step
};

struct RoundCost {
    Seconds plain;   // one step of the target for one token a request
    Seconds draft;   // one step of the draft, the mean of the K
    Seconds drafts;  // all K of them
    Seconds verify;  // the target over K + 1 positions
    /// The part of `verify` that waits for arithmetic.
    double compute_share = 0;

    Seconds total() const { return drafts + verify; }
    /// c of the closed form: a draft's step in steps of the target.
    double cost_ratio() const { return ratio(draft, plain); }
    /// What K + 1 positions cost, in steps of one.
    double verify_ratio() const { return ratio(verify, plain); }
    double speed_up(double tokens) const { return tokens * ratio(plain, total()); }
};

/// `context` counts the next token, as everywhere; draft i works at context + i and verification
/// ends at context + k. Throws what operators() and ideal_time() throw.
RoundCost round_cost(const PairOnDevice& pair, std::int64_t batch, std::int64_t context, int k);

/// Operators of the target over k + 1 positions: a chunk whose head scores all of them.
Operators verify_operators(const ModelShape& target, const Precision& precision, std::int64_t batch,
                           std::int64_t context, int k, std::int64_t tensor_parallel);

/// The K in 0 .. most that is fastest there, each draft being accepted with chance alpha.
int best_drafts(const PairOnDevice& pair, double alpha, std::int64_t batch, std::int64_t context,
                int most);

/// The batch from which on speculation loses (speed-up below 1) up to `most`; empty when it does
/// not at `most`. Smaller batches may lose too: a mixture's check reads more experts than a step,
/// until a step reads them all. Changes narrower than half an octave may be stepped over.
std::optional<std::int64_t> losing_batch(const PairOnDevice& pair, double alpha,
                                         std::int64_t context, int k, std::int64_t most);

/// The batch from which on most of the verification's time goes into arithmetic; likewise.
std::optional<std::int64_t> compute_bound_batch(const PairOnDevice& pair, std::int64_t context,
                                                int k, std::int64_t most);

/// How many requests of `context` + k tokens find room beside both models in `usable` bytes of each
/// device; 0 when not even the weights do.
std::int64_t requests_that_fit(const PairOnDevice& pair, std::int64_t context, int k, Bytes usable);

/// Models of the catalogue that can draft for `target`, smallest first: fewer parameters, of the
/// same family where both are of the catalogue, and as many tokens but for padding (1 %).
std::vector<const ModelShape*> drafts_for(const ModelShape& target);

/// The draft by id or path; "auto" is the smallest of drafts_for(). Throws Error::bad_param when
/// the vocabularies differ, when the draft is not the smaller, or when there is none.
ModelShape draft_named(const std::string& id, const ModelShape& target);

}  // namespace nibble
