// GPTQ against a slow one that follows OBQ's derivation: the inverse Hessian written out, and
// eliminated column after column.
#include "sim/quant/gptq.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "sim/core/parallel.hpp"
#include "sim/quant/inverse_factor.hpp"
#include "sim/quant/rtn.hpp"

#include "tests/catch.hpp"
#include "tests/quant/layers.hpp"

namespace nibble::gptq_test {

using nibble::testing::make_layer;
using nibble::testing::plain_output_error;
using nibble::testing::TestLayer;

namespace {

using Table = std::vector<std::vector<double>>;

Table zeros(Index n) {
    return Table(static_cast<std::size_t>(n), std::vector<double>(static_cast<std::size_t>(n)));
}

/// Gauss and Jordan.
Table inverse_of(Table a) {
    const std::size_t n = a.size();
    Table inverse = zeros(static_cast<Index>(n));
    for (std::size_t i = 0; i < n; ++i) {
        inverse[i][i] = 1;
    }
    for (std::size_t k = 0; k < n; ++k) {
        const double pivot = a[k][k];
        for (std::size_t j = 0; j < n; ++j) {
            a[k][j] /= pivot;
            inverse[k][j] /= pivot;
        }
        for (std::size_t i = 0; i < n; ++i) {
            const double factor = a[i][k];
            for (std::size_t j = 0; i != k && j < n; ++j) {
                a[i][j] -= factor * a[k][j];
                inverse[i][j] -= factor * inverse[k][j];
            }
        }
    }
    return inverse;
}

struct Grid {
    double scale = 1, zero = 0;
};

Grid grid_of(const std::vector<double>& w, std::size_t begin, std::size_t end,
             const IntegerFormat& f) {
    double low = 0, high = 0;
    for (std::size_t i = begin; i < std::min(end, w.size()); ++i) {
        low = std::min(low, w[i]);
        high = std::max(high, w[i]);
    }
    const double top = (1 << f.bits) - 1;
    if (f.symmetric) {
        high = std::max(high, -low);
        low = -high;
    }
    if (high == low) {
        low = -1;
        high = 1;
    }
    const double scale = (high - low) / top;
    return {scale, f.symmetric ? (top + 1) / 2 : std::nearbyint(-low / scale)};
}

struct PlainCodes {
    std::vector<std::size_t> order;  // (step) column
    std::vector<int> codes;          // (rows, cols)
    std::vector<double> to_tie;      // (rows, cols) steps between w / scale and the nearest half
};

/// The whole method on one row after another, in double.
PlainCodes plain_gptq(const TestLayer& layer, const GptqOptions& o) {
    const auto rows = static_cast<std::size_t>(layer.weights.rows());
    const auto n = static_cast<std::size_t>(layer.weights.cols());
    Table h = zeros(static_cast<Index>(n));
    for (Index t = 0; t < layer.x.rows(); ++t) {
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                h[i][j] += 2 * static_cast<double>(layer.x(t, static_cast<Index>(i))) *
                           static_cast<double>(layer.x(t, static_cast<Index>(j)));
            }
        }
    }
    std::vector<bool> dead(n);
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i) {
        dead[i] = h[i][i] == 0;
        h[i][i] = dead[i] ? 1 : h[i][i];
        mean += h[i][i] / static_cast<double>(n);
    }
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (o.act_order) {
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return h[a][a] > h[b][b]; });
    }
    Table permuted = zeros(static_cast<Index>(n));
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            permuted[i][j] = h[order[i]][order[j]] + (i == j ? o.damping * mean : 0);
        }
    }
    const Table full_inverse = inverse_of(permuted);
    const std::size_t g =
        o.format.group_size == 0 ? n : std::min(n, static_cast<std::size_t>(o.format.group_size));
    const bool moving = o.format.group_size > 0 && !o.static_groups;
    PlainCodes out{order, std::vector<int>(rows * n), std::vector<double>(rows * n)};
    for (std::size_t r = 0; r < rows; ++r) {
        std::vector<double> given(n), w(n);
        for (std::size_t c = 0; c < n; ++c) {
            given[c] =
                static_cast<double>(layer.weights(static_cast<Index>(r), static_cast<Index>(c)));
        }
        const std::vector<double> untouched = given;
        for (std::size_t c = 0; c < n; ++c) {
            given[c] = dead[c] ? 0 : given[c];
        }
        for (std::size_t i = 0; i < n; ++i) {
            w[i] = given[order[i]];
        }
        Table inverse = full_inverse;
        std::vector<double> outer = w;  // what the references look at: up to date between blocks
        Grid grid;
        for (std::size_t i = 0; i < n; ++i) {
            if (i % static_cast<std::size_t>(o.block_size) == 0) {
                outer = w;
            }
            if (moving && i % g == 0) {
                grid = grid_of(o.reference_groups ? outer : w, i, i + g, o.format);
            } else if (!moving) {
                const std::size_t first = order[i] / g * g;
                grid = grid_of(o.format.group_size == 0 ? untouched : given, first, first + g,
                               o.format);
            }
            const double code = std::clamp(std::nearbyint(w[i] / grid.scale) + grid.zero, 0.0,
                                           static_cast<double>((1 << o.format.bits) - 1));
            const double steps = w[i] / grid.scale;
            out.codes[r * n + order[i]] = static_cast<int>(code);
            out.to_tie[r * n + order[i]] = std::abs(steps - std::floor(steps) - 0.5);
            const double error = w[i] - (code - grid.zero) * grid.scale;
            const double pivot = inverse[i][i];
            for (std::size_t j = i; j < n; ++j) {
                w[j] -= error / pivot * inverse[i][j];
            }
            const std::vector<double> row = inverse[i];
            for (std::size_t a = 0; a < n; ++a) {
                for (std::size_t b = 0; b < n; ++b) {
                    inverse[a][b] -= row[a] * row[b] / pivot;
                }
            }
        }
    }
    return out;
}

GptqOptions options_of(int bits, Index group_size, bool symmetric) {
    GptqOptions o;
    o.format = {bits, group_size, symmetric, RangeRule::gptq, ScaleFormat::fp32};
    o.block_size = 16;
    return o;
}

/// Rows that differ although no float could have rounded to the other side of a half. (The largest
/// weight of a symmetric group lies on a half: 7.5 steps. Where floats and doubles part there, all
/// later columns of the row may.)
Index rows_that_differ(const PlainCodes& expected, const IntegerWeights& got) {
    constexpr double float_noise = 1e-4;  // of 16 steps, after sums over 50 columns
    Index count = 0;
    for (Index r = 0; r < got.rows; ++r) {
        for (const std::size_t c : expected.order) {
            const std::size_t i = static_cast<std::size_t>(r * got.cols) + c;
            if (expected.codes[i] != static_cast<int>(got.codes[i])) {
                count += expected.to_tie[i] > float_noise ? 1 : 0;
                break;
            }
        }
    }
    return count;
}

}  // namespace

TEST_CASE("GPTQ gives the codes of the plain algorithm", "[gptq]") {
    TestLayer layer = make_layer(40, 53, 120, 5, true);
    for (Index t = 0; t < layer.x.rows(); ++t) {
        layer.x(t, 7) = 0;  // a dead channel
    }
    const LayerInput input = layer.input();
    for (const Index group_size : {0, 8, 16, 24, 40}) {
        for (const bool symmetric : {false, true}) {
            for (const bool act_order : {false, true}) {
                for (const int groups : {0, 1, 2}) {
                    GptqOptions o = options_of(act_order ? 3 : 4, group_size, symmetric);
                    o.act_order = act_order;
                    o.static_groups = groups == 1;
                    o.reference_groups = groups == 2;
                    INFO("group " << group_size << " symmetric " << symmetric << " act_order "
                                  << act_order << " groups " << groups);
                    const GptqResult result = gptq(layer.weights.view(), input.gram.view(), o);
                    CHECK(result.dead == 1);
                    CHECK(rows_that_differ(plain_gptq(layer, o), result.weights) == 0);
                }
            }
        }
    }
}

TEST_CASE("GPTQ's fast path is the same on any number of threads and any cut", "[gptq]") {
    const TestLayer layer = make_layer(800, 200, 300, 9);
    const LayerInput input = layer.input();
    GptqOptions o;
    o.format.group_size = 64;
    set_threads(1);
    GptqTrace trace;
    const GptqResult one = gptq(layer.weights.view(), input.gram.view(), o, &trace);
    set_threads(3);
    const GptqResult three = gptq(layer.weights.view(), input.gram.view(), o);
    set_threads(0);
    CHECK(one.weights.codes == three.weights.codes);
    CHECK(one.weights.scales == three.weights.scales);
    // Eight rows alone come through smaller tiles.
    const GptqResult few = gptq(layer.weights.view().row_range(100, 8), input.gram.view(), o);
    CHECK(std::equal(few.weights.codes.begin(), few.weights.codes.end(),
                     one.weights.codes.begin() + 100 * 200));
    o.block_size = 32;  // changes the order of floating-point sums, hence nearly nothing
    const double large = plain_output_error(layer.weights, one.weights.dequantize(), layer.x);
    const double small = plain_output_error(
        layer.weights, gptq(layer.weights.view(), input.gram.view(), o).weights.dequantize(),
        layer.x);
    // 160000 codes, of which a rounding in a thousand may fall the other way.
    CHECK(small == Approx(large).epsilon(0.002));
}

TEST_CASE("GPTQ beats rounding on 200 random layers", "[gptq]") {
    int worse = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const Index cols = 16 + static_cast<Index>(Rng(seed).below(0, 49));
        const TestLayer layer = make_layer(24, cols, 96, seed, seed % 3 == 0);
        const LayerInput input = layer.input();
        GptqOptions o;
        o.format.bits = 2 + static_cast<int>(seed % 5);
        o.format.group_size = seed % 2 == 0 ? 0 : 16;
        o.format.symmetric = seed % 4 >= 2;
        o.act_order = seed % 7 == 0;
        const Matrix<float> ours =
            gptq(layer.weights.view(), input.gram.view(), o).weights.dequantize();
        const Matrix<float> nearest = round_to_nearest(layer.weights.view(), o.format).dequantize();
        worse += plain_output_error(layer.weights, ours, layer.x) >
                         plain_output_error(layer.weights, nearest, layer.x)
                     ? 1
                     : 0;
    }
    CHECK(worse == 0);
}

TEST_CASE("the trace shows every moment of GPTQ", "[gptq]") {
    const TestLayer layer = make_layer(20, 48, 100, 3, true);
    const LayerInput input = layer.input();
    GptqOptions o = options_of(3, 16, false);
    o.act_order = true;
    GptqTrace trace;
    const GptqResult result = gptq(layer.weights.view(), input.gram.view(), o, &trace);
    CHECK(trace.after(0).values() == trace.weights.values());
    const Matrix<float> end = trace.after(48), q = result.weights.dequantize();
    for (Index r = 0; r < 20; ++r) {
        for (Index i = 0; i < 48; ++i) {
            const Index c = trace.order[static_cast<std::size_t>(i)];
            // The permutation is undone: step i holds column order[i]. Sums of 48 floats.
            CHECK(end(r, i) == Approx(q(r, c)).margin(2e-6));
        }
    }
    // Rounded columns stay where they are.
    const Matrix<float> middle = trace.after(17);
    for (Index r = 0; r < 20; ++r) {
        CHECK(middle(r, 16) == Approx(q(r, trace.order[16])).margin(2e-6));
    }
    // tr(dW (H + d I) dW^T) with H = 2 X^T X is the sum of what the steps added.
    double expected = 2 * plain_output_error(layer.weights, q, layer.x);
    for (std::size_t i = 0; i < q.values().size(); ++i) {
        const double d =
            static_cast<double>(layer.weights.values()[i]) - static_cast<double>(q.values()[i]);
        expected += result.damping * d * d;
    }
    const double sum = std::accumulate(trace.loss.begin(), trace.loss.end(), 0.0);
    CHECK(sum == Approx(expected).epsilon(1e-3));  // U in floats
}

TEST_CASE("the factor is the Cholesky factor of the inverse", "[gptq]") {
    const TestLayer layer = make_layer(4, 300, 500, 21);
    const Matrix<float> h = gram_of(layer.x.view());
    const InverseFactor f = inverse_factor(h.view(), 3.0);
    CHECK_FALSE(f.in_double);
    // (H + 3 I) U^T U = I: floats with a condition number of some hundreds.
    for (Index i = 0; i < 300; i += 37) {
        std::vector<double> column(300);  // U^T U e_i
        for (Index j = 0; j < 300; ++j) {
            for (Index k = 0; k <= std::min(i, j); ++k) {
                column[static_cast<std::size_t>(j)] +=
                    static_cast<double>(f.upper(k, i)) * static_cast<double>(f.upper(k, j));
            }
        }
        for (Index r = 0; r < 300; r += 11) {
            double sum = 3 * column[static_cast<std::size_t>(r)];
            for (Index j = 0; j < 300; ++j) {
                sum += static_cast<double>(h(r, j)) * column[static_cast<std::size_t>(j)];
            }
            CHECK(sum == Approx(r == i ? 1 : 0).margin(1e-3));
        }
    }
    // A pivot that is small beside its diagonal element takes the careful way.
    Matrix<float> near(2, 2);
    near.values() = {1, 1, 1, 1};
    CHECK(inverse_factor(near.view(), 1e-6).in_double);
    const InverseFactor careful = inverse_factor(near.view(), 1e-6);
    CHECK(careful.upper(1, 1) == Approx(1 / std::sqrt(1 + 1e-6)));
    CHECK(careful.upper(0, 1) == Approx(-1 / std::sqrt(2e-6)).epsilon(1e-3));
}

TEST_CASE("one weight, by hand", "[gptq]") {
    // Two perfectly alike channels, no damping: what the first column loses the second makes up.
    // W = (0.5, 0.25), 2 bits with a zero point over the row: scale 0.5 / 3, codes 3 and 1.5 -> 2.
    Matrix<float> w(1, 2), h(2, 2);
    w.values() = {0.5F, 0.3F};
    h.values() = {2, 1, 1, 2};
    GptqOptions o = options_of(2, 0, false);
    o.damping = 0;
    const GptqResult result = gptq(w.view(), h.view(), o);
    // Scale 1/6. Column 0: 0.5 is code 3, no error. Column 1: 0.3 = 1.8 steps, code 2.
    CHECK(result.weights.codes == std::vector<std::uint8_t>{3, 2});
    CHECK(result.weights.scales[0] == Approx(1.0 / 6));
    // W = (0.4, 0.5): 0.4 is 2.4 steps, code 2, error 0.4 - 1/3 = 1/15; the inverse of
    // 2 (2 1; 1 2) is (2 -1; -1 2) / 6, so column 1 gains 1/15 * 1/2 = 1/30: 3.2 steps, code 3.
    w.values() = {0.4F, 0.5F};
    GptqTrace trace;
    const GptqResult second = gptq(w.view(), h.view(), o, &trace);
    CHECK(second.weights.codes == std::vector<std::uint8_t>{2, 3});
    CHECK(trace.after(1)(0, 1) == Approx(0.5 + 1.0 / 30));
}

}  // namespace nibble::gptq_test
