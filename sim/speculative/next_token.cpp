#include "sim/speculative/next_token.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>

namespace nibble {
namespace {

/// The largest logit, when all are in order.
double checked_top(std::span<const float> logits, std::string_view whose) {
    float top = -std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < logits.size(); ++i) {
        const float z = logits[i];
        if (std::isnan(z) || z == std::numeric_limits<float>::infinity()) {
            throw Error(Error::Code::bad_file,
                        fmt::format("{} gives token {} the logit {}", whose, i, z),
                        "its weights are damaged, or too large for FP32");
        }
        top = std::max(top, z);
    }
    if (!std::isfinite(top)) {
        throw Error(Error::Code::bad_file, fmt::format("{} allows no token at all", whose),
                    "every logit is minus infinity");
    }
    return static_cast<double>(top);
}

}  // namespace

Distribution next_token(std::span<const float> logits, const Sampling& sampling,
                        std::string_view whose) {
    check(sampling);
    const double top = checked_top(logits, whose);
    Distribution p(logits.size());
    if (sampling.temperature == 0) {
        const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
        p[static_cast<std::size_t>(best)] = 1;
        return p;
    }
    if (sampling.top_k > 0 || sampling.top_p < 1) {
        for (const Candidate& c : candidates(logits, sampling)) {
            p[static_cast<std::size_t>(c.id)] = c.probability;
        }
        return p;
    }
    double sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        p[i] = std::exp((static_cast<double>(logits[i]) - top) / sampling.temperature);
        sum += p[i];
    }
    for (double& x : p) {
        x /= sum;
    }
    return p;
}

std::vector<std::int32_t> likeliest(std::span<const float> logits, std::size_t count) {
    std::vector<std::int32_t> ids(logits.size());
    std::iota(ids.begin(), ids.end(), 0);
    const std::size_t kept = std::min(count, ids.size());
    std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(kept), ids.end(),
                      [&](std::int32_t a, std::int32_t b) {
                          const float za = logits[static_cast<std::size_t>(a)];
                          const float zb = logits[static_cast<std::size_t>(b)];
                          return za > zb || (za == zb && a < b);
                      });
    ids.resize(kept);
    return ids;
}

}  // namespace nibble
