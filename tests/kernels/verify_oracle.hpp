// The verification rule once more, with weights as whole numbers of 2^-50: nothing shared with the
// kernels.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/sampling/ops.hpp"

namespace nibble::kernels::verify_oracle {

struct Decision {
    std::vector<std::int32_t> accepted, next;
    friend bool operator==(const Decision&, const Decision&) = default;
};

inline std::int32_t draw(const std::vector<std::int64_t>& weights, double u) {
    std::int64_t total = 0;
    for (const std::int64_t w : weights) {
        total += w;
    }
    const double threshold = u * std::ldexp(static_cast<double>(total), -50);
    std::int64_t sum = 0;
    for (std::size_t v = 0; v < weights.size(); ++v) {
        sum += weights[v];
        if (std::ldexp(static_cast<double>(sum), -50) > threshold) {
            return static_cast<std::int32_t>(v);
        }
    }
    return -1;
}

inline Decision decide(const VerifyShape& shape, const VerifyInput& in) {
    Decision result;
    const std::size_t vocabulary = shape.vocabulary;
    for (std::size_t r = 0; r < shape.requests; ++r) {
        const auto p = [&](std::size_t i, std::size_t v) {
            return static_cast<double>(in.target[(r * (shape.drafts + 1) + i) * vocabulary + v]);
        };
        const auto q = [&](std::size_t i, std::size_t v) {
            return static_cast<double>(in.draft[(r * shape.drafts + i) * vocabulary + v]);
        };
        const auto u = [&](std::size_t i) {
            return static_cast<double>(in.uniforms[r * (shape.drafts + 1) + i]);
        };
        std::size_t i = 0;
        while (i < shape.drafts) {
            const auto x = static_cast<std::size_t>(in.tokens[r * shape.drafts + i]);
            if (!(u(i) * q(i, x) < p(i, x))) {
                break;
            }
            ++i;
        }
        std::vector<std::int64_t> target(vocabulary), residual(vocabulary);
        bool any = false;
        for (std::size_t v = 0; v < vocabulary; ++v) {
            target[v] = std::llrint(std::ldexp(p(i, v), 50));
            if (i < shape.drafts) {
                residual[v] = std::llrint(std::ldexp(std::fmax(p(i, v) - q(i, v), 0.0), 50));
                any = any || residual[v] > 0;
            }
        }
        result.accepted.push_back(static_cast<std::int32_t>(i));
        result.next.push_back(draw(any ? residual : target, u(shape.drafts)));
    }
    return result;
}

}  // namespace nibble::kernels::verify_oracle
