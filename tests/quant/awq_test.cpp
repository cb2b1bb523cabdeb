// AWQ against brute force through the tokens, in double.
#include "sim/quant/awq.hpp"

#include <algorithm>

#include "sim/core/parallel.hpp"
#include "sim/quant/rtn.hpp"

#include "tests/catch.hpp"
#include "tests/quant/layers.hpp"

namespace nibble::awq_test {

using nibble::testing::make_layer;
using nibble::testing::plain_output_error;
using nibble::testing::TestLayer;

namespace {

/// Ranges that need not hold 0, at least 1e-5 wide.
double plain_round(double w, double low, double high, const IntegerFormat& f) {
    const double top = (1 << f.bits) - 1;
    if (f.symmetric) {
        const double half = 1 << (f.bits - 1);
        const double scale = std::max({-low, high, 1e-5}) / (half - 1);
        return std::clamp(std::nearbyint(w / scale), -half, half - 1) * scale;
    }
    const double scale = std::max(high - low, 1e-5) / top;
    const double zero = std::clamp(-std::nearbyint(low / scale), 0.0, top);
    return (std::clamp(std::nearbyint(w / scale) + zero, 0.0, top) - zero) * scale;
}

/// Q(W diag(s)) diag(s)^-1
Matrix<float> plain_quantized(const Matrix<float>& w, const std::vector<double>& s,
                              const IntegerFormat& f) {
    Matrix<float> out(w.rows(), w.cols());
    const Index length = f.group_length(w.cols());
    for (Index r = 0; r < w.rows(); ++r) {
        for (Index first = 0; first < w.cols(); first += length) {
            const Index last = std::min(w.cols(), first + length);
            double low = 1e30, high = -1e30;
            for (Index c = first; c < last; ++c) {
                const double v = static_cast<double>(w(r, c)) * s[static_cast<std::size_t>(c)];
                low = std::min(low, v);
                high = std::max(high, v);
            }
            for (Index c = first; c < last; ++c) {
                const double factor = s[static_cast<std::size_t>(c)];
                out(r, c) = static_cast<float>(
                    plain_round(static_cast<double>(w(r, c)) * factor, low, high, f) / factor);
            }
        }
    }
    return out;
}

std::vector<double> plain_scale(const TestLayer& layer, double alpha) {
    std::vector<double> s(static_cast<std::size_t>(layer.x.cols()));
    for (Index t = 0; t < layer.x.rows(); ++t) {
        for (Index c = 0; c < layer.x.cols(); ++c) {
            s[static_cast<std::size_t>(c)] +=
                static_cast<double>(std::abs(layer.x(t, c))) / static_cast<double>(layer.x.rows());
        }
    }
    for (double& v : s) {
        v = std::max(std::pow(v, alpha), 1e-4);
    }
    const double middle =
        std::sqrt(*std::min_element(s.begin(), s.end()) * *std::max_element(s.begin(), s.end()));
    for (double& v : s) {
        v /= middle;
    }
    return s;
}

AwqOptions options_of(int bits, Index group_size, bool symmetric) {
    AwqOptions o;
    o.format = {bits, group_size, symmetric, RangeRule::awq, ScaleFormat::fp32};
    return o;
}

}  // namespace

TEST_CASE("AWQ's curve over alpha is the one through the tokens", "[awq]") {
    const TestLayer layer = make_layer(30, 70, 90, 4, true);
    const LayerInput input = layer.input();
    for (const Index group_size : {0, 16, 32}) {
        for (const bool symmetric : {false, true}) {
            AwqOptions o = options_of(4, group_size, symmetric);
            o.clip = false;
            const AwqResult result = awq(layer.weights.view(), input, o);
            REQUIRE(result.curve.size() == 20);
            std::vector<double> expected;
            for (int a = 0; a < 20; ++a) {
                expected.push_back(plain_output_error(
                    layer.weights,
                    plain_quantized(layer.weights, plain_scale(layer, a / 20.0), o.format),
                    layer.x));
                // 2100 weights, of which one or two may round the other way in floats.
                CHECK(result.curve[static_cast<std::size_t>(a)] ==
                      Approx(expected.back()).epsilon(0.005));
            }
            const auto best = std::min_element(expected.begin(), expected.end());
            CHECK(result.alpha == Approx(static_cast<double>(best - expected.begin()) / 20));
            CHECK(plain_output_error(layer.weights, result.effective(), layer.x) ==
                  Approx(*best).epsilon(0.005));
            // Large channels are there, so scaling must pay.
            CHECK(result.alpha > 0);
            CHECK(*best < 0.9 * expected[0]);
        }
    }
}

TEST_CASE("AWQ's clipping is the best of ten for every group", "[awq]") {
    // Fewer tokens than columns in a group and more: both ways of measuring.
    for (const Index tokens : {20, 700}) {
        const TestLayer layer = make_layer(9, 40, tokens, 6);
        const LayerInput input = layer.input();
        AwqOptions o = options_of(3, 32, false);
        o.alpha = 0;  // s = 1
        const AwqResult result = awq(layer.weights.view(), input, o);
        REQUIRE(result.clips.size() == 18);
        const Index used = std::min<Index>(tokens, 512);
        int cut_somewhere = 0;
        for (Index r = 0; r < 9; ++r) {
            for (Index g = 0; g < 2; ++g) {
                const Index first = g * 32, last = std::min<Index>(40, first + 32);
                double most = 0;
                for (Index c = first; c < last; ++c) {
                    most = std::max(most, static_cast<double>(std::abs(layer.weights(r, c))));
                }
                std::vector<double> errors;
                for (int step = 0; step < 10; ++step) {
                    const double limit = most * (1 - step / 20.0);
                    const auto cut = [&](Index c) {
                        return std::clamp(static_cast<double>(layer.weights(r, c)), -limit, limit);
                    };
                    double low = 1e30, high = -1e30, error = 0;
                    for (Index c = first; c < last; ++c) {
                        low = std::min(low, cut(c));
                        high = std::max(high, cut(c));
                    }
                    for (Index t = 0; t < used; ++t) {
                        double y = 0;
                        for (Index c = first; c < last; ++c) {
                            y += (plain_round(cut(c), low, high, o.format) -
                                  static_cast<double>(layer.weights(r, c))) *
                                 static_cast<double>(layer.x(t * tokens / used, c));
                        }
                        error += y * y;
                    }
                    errors.push_back(error);
                }
                const auto chosen = result.clips[static_cast<std::size_t>(r * 2 + g)];
                // Where two cuts are all but equal, floats may take the other.
                CHECK(errors[chosen] <=
                      *std::min_element(errors.begin(), errors.end()) * (1 + 1e-4));
                cut_somewhere += chosen > 0 ? 1 : 0;
            }
        }
        CHECK(cut_somewhere > 5);  // at 3 bits most groups gain
    }
}

TEST_CASE("AWQ's scales are normalised, and AutoAWQ's weight term divides them", "[awq]") {
    const TestLayer layer = make_layer(16, 32, 64, 8, true);
    const LayerInput input = layer.input();
    AwqOptions o = options_of(4, 8, false);
    const std::vector<float> s = awq_scale(layer.weights.view(), input, o, 0.5);
    const auto [low, high] = std::minmax_element(s.begin(), s.end());
    CHECK(*low * *high == Approx(1));
    for (const float one : awq_scale(layer.weights.view(), input, o, 0)) {
        CHECK(one == 1);
    }
    o.weight_term = true;
    // At alpha 0 only the weights count: column 2 twice as large within its group, by hand.
    Matrix<float> w(1, 4);
    w.values() = {1, 0.5F, 0.25F, 0.5F};
    LayerInput plain;
    plain.mean_abs = {1, 1, 1, 1};
    o.format.group_size = 0;
    const std::vector<float> t = awq_scale(w.view(), plain, o, 0);
    // 1 / (mean + 1e-4) is 1, 2, 4, 2; divided by sqrt(1 x 4). The 1e-4 and 1e-6 shift the fourth
    // digit.
    CHECK(t[0] == Approx(0.5).epsilon(1e-3));
    CHECK(t[1] == Approx(1).epsilon(1e-3));
    CHECK(t[2] == Approx(2).epsilon(1e-3));
}

TEST_CASE("AWQ is the same on any number of threads", "[awq]") {
    const TestLayer layer = make_layer(300, 96, 128, 12, true);
    const LayerInput input = layer.input();
    AwqOptions o = options_of(4, 32, false);
    set_threads(1);
    const AwqResult one = awq(layer.weights.view(), input, o);
    set_threads(3);
    const AwqResult three = awq(layer.weights.view(), input, o);
    set_threads(0);
    CHECK(one.weights.codes == three.weights.codes);
    CHECK(one.curve == three.curve);
    CHECK(one.clips == three.clips);
}

}  // namespace nibble::awq_test
