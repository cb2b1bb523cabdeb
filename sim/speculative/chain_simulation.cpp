#include "sim/speculative/chain_simulation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/core/arithmetic.hpp"
#include "sim/core/error.hpp"
#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

constexpr double z95 = 1.959963984540054;    // the normal's 97.5 % quantile
constexpr std::size_t steps_a_piece = 1024;  // steps of one piece: about 30 us
constexpr std::int64_t reports = 20;
constexpr std::int64_t most_draws = 1 << 22;  // between two reports: about 20 ms

std::vector<std::int64_t> added(std::vector<std::int64_t> sum,
                                const std::vector<std::int64_t>& piece) {
    std::transform(sum.begin(), sum.end(), piece.begin(), sum.begin(), std::plus<>());
    return sum;
}

}  // namespace

std::int64_t AcceptedCounts::total() const {
    return std::accumulate(steps.begin(), steps.end(), std::int64_t{0});
}

double AcceptedCounts::share(std::size_t n) const {
    return static_cast<double>(steps.at(n)) / static_cast<double>(total());
}

Estimate AcceptedCounts::tokens() const {
    const auto count = static_cast<double>(total());
    NIBBLE_ASSERT(count > 0, "a mean needs a step");
    double sum = 0, squares = 0;
    for (std::size_t n = 0; n < steps.size(); ++n) {
        const auto tokens = static_cast<double>(n + 1), many = static_cast<double>(steps[n]);
        sum += many * tokens;
        squares += many * tokens * tokens;
    }
    const double mean = sum / count;
    const double variance = std::max(0.0, squares / count - mean * mean);
    return {mean, z95 * std::sqrt(variance / count)};
}

Estimate AcceptedCounts::share_interval(std::size_t n) const {
    const auto count = static_cast<double>(total());
    const double p = share(n), z2 = z95 * z95;
    const double middle = (p + z2 / (2 * count)) / (1 + z2 / count);
    const double half =
        z95 / (1 + z2 / count) * std::sqrt(p * (1 - p) / count + z2 / (4 * count * count));
    return {middle, half};
}

int accepted_in_step(const Rng& rng, std::int64_t step, double alpha, int k) {
    const auto first = static_cast<std::uint64_t>(step) * static_cast<std::uint64_t>(k);
    int accepted = 0;
    while (accepted < k && rng.uniform(first + static_cast<std::uint64_t>(accepted)) < alpha) {
        ++accepted;
    }
    return accepted;
}

AcceptedCounts simulate_chain(const Rng& rng, double alpha, int k, std::int64_t steps,
                              const std::function<void(const AcceptedCounts&, double)>& grown) {
    NIBBLE_ASSERT(k >= 0 && steps > 0, "a run has steps, and a step no fewer than no drafts");
    AcceptedCounts counts{std::vector<std::int64_t>(static_cast<std::size_t>(k) + 1)};
    const std::vector<std::int64_t> none = counts.steps;
    const std::int64_t stride = std::min(ceil_div(steps, reports), most_draws / (k + 1));
    for (std::int64_t from = 0; from < steps; from += stride) {
        const std::int64_t many = std::min(stride, steps - from);
        const auto play = [&](std::size_t begin, std::size_t end) {
            std::vector<std::int64_t> piece = none;
            for (std::size_t i = begin; i < end; ++i) {
                const auto step = from + static_cast<std::int64_t>(i);
                ++piece[static_cast<std::size_t>(accepted_in_step(rng, step, alpha, k))];
            }
            return piece;
        };
        counts.steps = parallel_reduce(static_cast<std::size_t>(many), steps_a_piece, counts.steps,
                                       play, added);
        if (grown) {
            grown(counts, static_cast<double>(from + many) / static_cast<double>(steps));
        }
    }
    return counts;
}

}  // namespace nibble
