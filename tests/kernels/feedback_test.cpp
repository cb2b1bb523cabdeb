// Error feedback within a block of columns against plain loops, on every instruction set.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/feedback/ops.hpp"
#include "kernels/quantize/ops.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

using namespace nibble;
using namespace nibble::kernels;

namespace {

struct Problem {
    std::size_t columns, step = feedback_rows + 3;
    std::vector<float> weights, factor, scale, zero;
    std::vector<ColumnGrid> grids;

    explicit Problem(std::size_t n)
        : columns(n), weights(n * step), factor(n * n), scale(n * step), zero(n * step) {
        const Rng rng(7);
        for (std::size_t i = 0; i < weights.size(); ++i) {
            weights[i] = static_cast<float>(rng.stream("w").normal(i));
            scale[i] = static_cast<float>(0.1 + 0.1 * rng.stream("s").uniform(i));
            zero[i] = static_cast<float>(5 + rng.stream("z").below(i, 6));
        }
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = i; j < n; ++j) {
                factor[i * n + j] =
                    static_cast<float>(i == j ? 1 + rng.stream("u").uniform(i)
                                              : 0.2 * rng.stream("u").normal(i * n + j));
            }
            grids.push_back({scale.data() + i * step, zero.data() + i * step});
        }
    }
};

struct Result {
    std::vector<double> codes, errors, weights;
    double to_tie = 1;  // the nearest that any quotient came to a half
};

Result plain(const Problem& p, std::size_t first, std::size_t last) {
    Result r;
    r.codes.assign(p.weights.size(), -1);
    r.errors.assign(p.weights.size(), -1);
    r.weights.assign(p.weights.begin(), p.weights.end());
    for (std::size_t i = first; i < last; ++i) {
        for (std::size_t row = 0; row < feedback_rows; ++row) {
            const std::size_t at = i * p.step + row;
            const auto scale = static_cast<double>(p.scale[at]),
                       zero = static_cast<double>(p.zero[at]);
            const double quotient = r.weights[at] / scale;
            r.to_tie = std::min(r.to_tie, std::abs(quotient - std::floor(quotient) - 0.5));
            r.codes[at] = std::clamp(std::nearbyint(quotient) + zero, 0.0, 15.0);
            const auto pivot = static_cast<double>(p.factor[i * p.columns + i]);
            r.errors[at] = (r.weights[at] - (r.codes[at] - zero) * scale) / pivot;
            for (std::size_t j = i + 1; j < p.columns; ++j) {
                r.weights[j * p.step + row] -=
                    r.errors[at] * static_cast<double>(p.factor[i * p.columns + j]);
            }
        }
    }
    return r;
}

}  // namespace

TEST_CASE("errors are fed forward as in plain loops, on every instruction set", "[kernels]") {
    // Sizes about the eight columns that are applied together, and stretches inside a block.
    struct Stretch {
        std::size_t columns, first, last;
    };
    for (const std::string& target : simd_targets()) {
        use_simd_target(target);
        INFO(target);
        for (const Stretch s : {Stretch{1, 0, 1},
                                {7, 0, 7},
                                {8, 0, 8},
                                {9, 0, 9},
                                {40, 0, 40},
                                {40, 5, 30},
                                {40, 39, 40},
                                {40, 3, 4}}) {
            const Problem p(s.columns);
            const Result expected = plain(p, s.first, s.last);
            REQUIRE(expected.to_tie > 1e-5);  // so that floats round to the same side
            std::vector<float> w = p.weights, codes(w.size(), -1), errors(w.size(), -1);
            feed_errors_forward({w.data(), codes.data(), errors.data(), p.step}, s.first, s.last,
                                s.columns, p.factor.data(), s.columns, p.grids.data(), 15);
            int wrong = 0;
            for (std::size_t i = 0; i < w.size(); ++i) {
                // Forty float updates of numbers about 1.
                wrong += static_cast<double>(codes[i]) == expected.codes[i] ? 0 : 1;
                wrong +=
                    std::abs(static_cast<double>(errors[i]) - expected.errors[i]) < 2e-5 ? 0 : 1;
                wrong += std::abs(static_cast<double>(w[i]) - expected.weights[i]) < 2e-5 ? 0 : 1;
            }
            CHECK(wrong == 0);
        }
    }
    use_simd_target("");
}
