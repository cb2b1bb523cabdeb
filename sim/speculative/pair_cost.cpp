#include "sim/speculative/pair_cost.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/roofline/memory.hpp"
#include "sim/speculative/closed_forms.hpp"

namespace nibble {
namespace {

Workload load_of(const Precision& precision, Phase phase, std::int64_t batch, std::int64_t context,
                 std::int64_t chunk, std::int64_t tensor_parallel) {
    return {phase, batch, context, chunk, tensor_parallel, precision};
}

Seconds decode_step(const PairOnDevice& pair, const ModelShape& model, const Precision& precision,
                    std::int64_t batch, std::int64_t context) {
    const Workload load =
        load_of(precision, Phase::decode, batch, context, 1, pair.tensor_parallel);
    return ideal_step(model, load, pair.machine).seconds + pair.overhead;
}

/// Batches between which a change is searched: octaves by halves.
std::vector<std::int64_t> half_octaves(std::int64_t most) {
    std::vector<std::int64_t> batches;
    for (std::int64_t b = 1; b < most; b = std::max(b + 1, b * 141 / 100)) {
        batches.push_back(b);
    }
    batches.push_back(most);
    return batches;
}

/// The batch from which on `holds` up to `most`, as far as half octaves show; empty where it does
/// not hold at `most`.
template <class Holds>
std::optional<std::int64_t> batch_from_which(std::int64_t most, const Holds& holds) {
    const std::vector<std::int64_t> batches = half_octaves(most);
    const auto last_without = std::find_if_not(batches.rbegin(), batches.rend(), holds);
    if (last_without == batches.rbegin()) {
        return std::nullopt;
    }
    if (last_without == batches.rend()) {
        return 1;
    }
    std::int64_t low = *last_without, high = *std::prev(last_without);
    while (high - low > 1) {
        const std::int64_t middle = (low + high) / 2;
        (holds(middle) ? high : low) = middle;
    }
    return high;
}

bool is_known(const ModelShape& model) {
    const auto& all = catalogue().models;
    return std::any_of(all.begin(), all.end(),
                       [&](const ModelShape& m) { return m.id == model.id; });
}

/// A reader's own model names no family that could be compared.
bool shares_tokens(const ModelShape& draft, const ModelShape& target) {
    const auto x = static_cast<double>(draft.vocab), y = static_cast<double>(target.vocab);
    return std::abs(x - y) <= 0.01 * std::max(x, y) &&
           (draft.family == target.family || !is_known(draft) || !is_known(target));
}

}  // namespace

Operators verify_operators(const ModelShape& target, const Precision& precision, std::int64_t batch,
                           std::int64_t context, int k, std::int64_t tensor_parallel) {
    const std::int64_t positions = k + 1;
    const Workload load =
        load_of(precision, Phase::chunk, batch, context + k, positions, tensor_parallel);
    Operators list;
    for (Operator o : operators(target, load)) {
        if (o.op == Op::lm_head) {
            const auto times = static_cast<double>(positions);
            o.flops = times * o.flops;
            o.activations = times * o.activations;
            o.tokens *= times;
        }
        list.add(o);
    }
    return list;
}

RoundCost round_cost(const PairOnDevice& pair, std::int64_t batch, std::int64_t context, int k) {
    NIBBLE_ASSERT(batch > 0 && context > 0 && k >= 0, "a round is of somebody, somewhere");
    RoundCost cost;
    cost.plain = decode_step(pair, pair.target, pair.target_precision, batch, context);
    for (int i = 0; i < k; ++i) {
        cost.drafts += decode_step(pair, pair.draft, pair.draft_precision, batch, context + i);
    }
    cost.draft = k > 0 ? cost.drafts / k
                       : decode_step(pair, pair.draft, pair.draft_precision, batch, context);
    const Operators list = verify_operators(pair.target, pair.target_precision, batch, context, k,
                                            pair.tensor_parallel);
    const StepTotals verify = step_totals(list, pair.machine, pair.target_precision);
    cost.verify = verify.seconds + pair.overhead;
    cost.compute_share = ratio(verify.compute_bound, verify.seconds);
    return cost;
}

int best_drafts(const PairOnDevice& pair, double alpha, std::int64_t batch, std::int64_t context,
                int most) {
    int best = 0;
    double fastest = 1;
    for (int k = 1; k <= most; ++k) {
        const double speed_up =
            round_cost(pair, batch, context, k).speed_up(expected_tokens(alpha, k));
        if (speed_up > fastest) {
            best = k;
            fastest = speed_up;
        }
    }
    return best;
}

std::optional<std::int64_t> losing_batch(const PairOnDevice& pair, double alpha,
                                         std::int64_t context, int k, std::int64_t most) {
    const double tokens = expected_tokens(alpha, k);
    return batch_from_which(most, [&](std::int64_t batch) {
        return round_cost(pair, batch, context, k).speed_up(tokens) < 1;
    });
}

std::optional<std::int64_t> compute_bound_batch(const PairOnDevice& pair, std::int64_t context,
                                                int k, std::int64_t most) {
    return batch_from_which(most, [&](std::int64_t batch) {
        return round_cost(pair, batch, context, k).compute_share > 0.5;
    });
}

std::int64_t requests_that_fit(const PairOnDevice& pair, std::int64_t context, int k,
                               Bytes usable) {
    const Bytes weights =
        weight_bytes(pair.target, pair.target_precision, pair.tensor_parallel).total() +
        weight_bytes(pair.draft, pair.draft_precision, pair.tensor_parallel).total();
    const Bytes each =
        kv_bytes(pair.target, pair.target_precision, pair.tensor_parallel, context + k) +
        kv_bytes(pair.draft, pair.draft_precision, pair.tensor_parallel, context + k);
    return weights < usable ? static_cast<std::int64_t>(ratio(usable - weights, each)) : 0;
}

std::vector<const ModelShape*> drafts_for(const ModelShape& target) {
    std::vector<const ModelShape*> drafts;
    for (const ModelShape& m : catalogue().models) {
        if (m.parameters() < target.parameters() && shares_tokens(m, target)) {
            drafts.push_back(&m);
        }
    }
    std::stable_sort(drafts.begin(), drafts.end(), [](const ModelShape* a, const ModelShape* b) {
        return a->parameters() < b->parameters();
    });
    return drafts;
}

ModelShape draft_named(const std::string& id, const ModelShape& target) {
    const std::vector<const ModelShape*> fitting = drafts_for(target);
    std::vector<std::string> ids;
    for (const ModelShape* m : fitting) {
        ids.push_back(m->id);
    }
    const std::string hint = ids.empty() ? "take another target, or a config.json as its draft"
                                         : fmt::format("{} can draft for it", fmt::join(ids, ", "));
    if (id == "auto") {
        if (fitting.empty()) {
            throw Error(Error::Code::bad_param,
                        fmt::format("draft = auto: no smaller model with the tokens of {} is known",
                                    target.name),
                        hint);
        }
        return *fitting.front();
    }
    ModelShape draft = model_named(id);
    if (!shares_tokens(draft, target)) {
        throw Error(Error::Code::bad_param,
                    fmt::format("draft = {}: it does not share its tokens with {}", draft.name,
                                target.name),
                    hint);
    }
    if (draft.parameters() >= target.parameters()) {
        throw Error(Error::Code::bad_param,
                    fmt::format("draft = {}: it is no smaller than {}", draft.name, target.name),
                    hint);
    }
    return draft;
}

}  // namespace nibble
