// What the lab of when speculation pays computes: a pair of models on a machine, here and over
// batches, contexts, drafts and draft models, and what papers print.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/outcome.hpp"
#include "sim/speculative/pair_cost.hpp"
#include "sim/speculative/published_speculation.hpp"

namespace nibble::when_it_pays_lab {

constexpr int most_drafts = 16;
constexpr std::int64_t most_batch = 1024;
constexpr std::int64_t least_context = 256, most_context = 131072;

/// Where the reader stands.
struct Point {
    std::int64_t batch = 1, context = 2048;
    int k = 4;
    double alpha = 0.8;
};

/// A model that could draft, at the reader's point.
struct Candidate {
    std::string id, name;
    double cost_ratio = 0, speed_up = 0;
    double needed_alpha = 0;  // acceptance at which it breaks even; 1 also where nothing is enough
    bool chosen = false;
};

struct Data {
    PairOnDevice pair;
    std::string device;
    Origin machine;  // the sheet
    Point at;
    double tokens = 0;  // expected, of a round
    RoundCost now;
    int best_k = 0;
    double best_speed_up = 1;
    std::optional<std::int64_t> losing, compute_bound;  // batches, at the reader's context
    /// The first context of the map, longer than the reader's, at which as many requests gain; only
    /// where they lose now.
    std::optional<std::int64_t> pays_again;
    std::int64_t fits = 0;  // requests of that context, in 90 % of the memory

    /// By halves of octaves; the map has 1 twice, for 1 and for the root of 2, the lines do not.
    std::vector<std::int64_t> map_batches, batches, contexts;
    std::vector<float> speed_ups;           // (context, batch) of the map
    std::vector<float> room;                // (context, batch): requests that fit / batch
    std::vector<double> best_by_batch;      // with the best K for each batch
    std::vector<double> closed_by_k, by_k;  // K = 0 .. most_drafts
    std::vector<Candidate> candidates;
    const std::vector<PublishedSpeculation>* published = nullptr;

    double speed_up() const { return now.speed_up(tokens); }
};

std::vector<FigureRow> figures(const Data& d);
void describe(const Data& d, Outcome& o);

/// "1 request", "64 requests".
std::string requests_text(std::int64_t count);

}  // namespace nibble::when_it_pays_lab
