#include "sim/speculative/closed_forms.hpp"

#include "sim/core/error.hpp"

namespace nibble {

double expected_tokens(double alpha, int k) {
    NIBBLE_ASSERT(alpha >= 0 && alpha <= 1, "a chance lies between 0 and 1");
    NIBBLE_ASSERT(k >= 0, "nobody drafts fewer than no tokens");
    // Horner's scheme instead of the quotient, which cancels near alpha = 1 and fails at it.
    double sum = 1;
    for (int i = 0; i < k; ++i) {
        sum = 1 + alpha * sum;
    }
    return sum;
}

std::vector<double> accepted_distribution(double alpha, int k) {
    NIBBLE_ASSERT(alpha >= 0 && alpha <= 1, "a chance lies between 0 and 1");
    NIBBLE_ASSERT(k >= 0, "nobody drafts fewer than no tokens");
    std::vector<double> share;
    double reached = 1;  // alpha^n
    for (int n = 0; n < k; ++n) {
        share.push_back(reached * (1 - alpha));
        reached *= alpha;
    }
    share.push_back(reached);
    return share;
}

double tokens_variance(double alpha, int k) {
    const std::vector<double> share = accepted_distribution(alpha, k);
    const double mean = expected_tokens(alpha, k);
    double variance = 0;
    for (int n = 0; n <= k; ++n) {
        const double apart = n + 1 - mean;
        variance += share[static_cast<std::size_t>(n)] * apart * apart;
    }
    return variance;
}

double walltime_factor(double alpha, int k, double cost) {
    return expected_tokens(alpha, k) / (k * cost + 1);
}

double operations_factor(double alpha, int k, double draft_operations) {
    return (k * draft_operations + k + 1) / expected_tokens(alpha, k);
}

int best_drafts(double alpha, double cost, int most) {
    int best = 0;
    for (int k = 1; k <= most; ++k) {
        if (walltime_factor(alpha, k, cost) > walltime_factor(alpha, best, cost)) {
            best = k;
        }
    }
    return best;
}

double acceptance_for(double tokens, int k) {
    double low = 0, high = 1;
    for (int halving = 0; halving < 60; ++halving) {
        const double middle = (low + high) / 2;
        (expected_tokens(middle, k) < tokens ? low : high) = middle;
    }
    return tokens <= 1 ? 0 : tokens >= k + 1 ? 1 : (low + high) / 2;
}

}  // namespace nibble
