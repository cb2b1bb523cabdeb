// Every method through the one door: worked numbers, bits, and layers that go wrong.
#include <cmath>
#include <cstring>

#include "kernels/formats/float_format.hpp"
#include "sim/quant/checkpoint_layout.hpp"
#include "sim/quant/layer_methods.hpp"
#include "sim/quant/rtn.hpp"

#include "tests/catch.hpp"
#include "tests/quant/layers.hpp"

namespace nibble::methods_test {

using nibble::testing::make_layer;
using nibble::testing::TestLayer;

namespace {

constexpr Method all_methods[] = {Method::rtn,      Method::gptq, Method::awq, Method::smoothquant,
                                  Method::llm_int8, Method::nf4,  Method::fp4, Method::fp8};

Matrix<float> row_of(std::vector<float> values) {
    Matrix<float> m(1, static_cast<Index>(values.size()));
    m.values() = std::move(values);
    return m;
}

std::string refusal(const MethodSettings& s, const Matrix<float>& w, const LayerInput* input) {
    try {
        quantize_layer(s, w.view(), input);
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_param);
        CHECK_FALSE(e.hint().empty());
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("rounding to nearest, by hand", "[methods]") {
    const Matrix<float> w = row_of({0.3F, -0.5F, 0.1F, 0.8F, -0.2F});
    // Range 1.3 in 15 steps of 0.0866667; zero = round(5.769) = 6; 3.46 5.77 1.15 9.23 2.31 steps.
    const IntegerWeights zero_point =
        round_to_nearest(w.view(), {4, 0, false, RangeRule::gptq, ScaleFormat::fp32});
    CHECK(zero_point.codes == std::vector<std::uint8_t>{9, 0, 7, 15, 4});
    CHECK(zero_point.scales[0] == Approx(1.3 / 15));
    CHECK(zero_point.zeros[0] == 6);
    // Range 1.6 in 15 steps of 0.1066667; 2.81 -4.69 0.94 7.5 -1.88 steps, and 8 is no code.
    const IntegerWeights symmetric =
        round_to_nearest(w.view(), {4, 0, true, RangeRule::gptq, ScaleFormat::fp32});
    CHECK(symmetric.codes == std::vector<std::uint8_t>{11, 3, 9, 15, 6});
    CHECK(symmetric.dequantize()(0, 3) == Approx(7 * 1.6 / 15));
    // AWQ's: symmetric steps of 0.8 / 7.
    const IntegerWeights awq =
        round_to_nearest(w.view(), {4, 0, true, RangeRule::awq, ScaleFormat::fp32});
    CHECK(awq.codes == std::vector<std::uint8_t>{11, 4, 9, 15, 6});
    // FP16 scales are what a checkpoint will multiply with.
    const IntegerWeights half = round_to_nearest(w.view(), {4, 0, true});
    CHECK(half.scales[0] == formats::to_float<formats::fp16>(formats::float_to_f16(1.6F / 15)));
    // The codes are those of the scale before it was rounded: 0.8 lies on a half, 7.5 steps.
    CHECK(half.codes == symmetric.codes);
    const IntegerWeights tiny = round_to_nearest(row_of({1e-44F, -1e-44F}).view(), {4, 0, false});
    CHECK(std::abs(tiny.dequantize()(0, 0)) < 1e-6F);  // FP16 scales end at 6e-8
}

TEST_CASE("groups of one sign follow each rule", "[methods]") {
    const Matrix<float> w = row_of({0.5F, 0.6F, 0.7F, 0.8F});
    const IntegerFormat fp32{4, 0, false, RangeRule::gptq, ScaleFormat::fp32};
    // With 0 in the range: steps of 0.8 / 15.
    CHECK(round_to_nearest(w.view(), fp32).codes == std::vector<std::uint8_t>{9, 11, 13, 15});
    // AWQ's range is 0.3 wide, but its zero cannot leave 0 .. 15, so 15 steps of 0.02 reach 0.3.
    IntegerFormat awq = fp32;
    awq.rule = RangeRule::awq;
    const IntegerWeights cut = round_to_nearest(w.view(), awq);
    CHECK(cut.codes == std::vector<std::uint8_t>{15, 15, 15, 15});
    CHECK(cut.dequantize()(0, 0) == Approx(0.3));
    const IntegerWeights negative = round_to_nearest(row_of({-3, -2, -1}).view(), fp32);
    CHECK(negative.zeros[0] == 15);
    CHECK(negative.codes == std::vector<std::uint8_t>{0, 5, 10});
}

TEST_CASE("bits a weight count everything that is stored", "[methods]") {
    const TestLayer layer = make_layer(32, 320, 40, 2, true);
    const LayerInput input = layer.input();
    const auto bits = [&](MethodSettings s) {
        return quantize_layer(s, layer.weights.view(), &input).bits_per_weight();
    };
    MethodSettings s = defaults_of(Method::rtn);
    CHECK(bits(s) == Approx(4 + 3 * 20.0 / 320));  // groups of 128, 128 and 64
    s.symmetric = true;
    CHECK(bits(s) == Approx(4 + 3 * 16.0 / 320));
    s.group_size = 0;
    s.bits = 3;
    CHECK(bits(s) == Approx(3 + 16.0 / 320));
    s.scale_format = StoredScale::fp32;
    CHECK(bits(s) == Approx(3 + 32.0 / 320));
    s = defaults_of(Method::gptq);
    CHECK(bits(s) == Approx(4 + 3 * 20.0 / 320));
    s.act_order = true;  // and the group of every column
    CHECK(bits(s) == Approx(4 + 3 * 20.0 / 320 + 32.0 / 32));
    s.static_groups = true;
    CHECK(bits(s) == Approx(4 + 3 * 20.0 / 320));
    CHECK(bits(defaults_of(Method::awq)) == Approx(4 + 3 * 20.0 / 320));
    CHECK(bits(defaults_of(Method::nf4)) == Approx(4.5));
    s = defaults_of(Method::fp4);
    s.double_quant = true;  // 160 scales of 8 bits, one FP32 for them, one for the mean
    CHECK(bits(s) == Approx(4 + (160 * 8 + 64) / (32.0 * 320)));
    CHECK(bits(defaults_of(Method::smoothquant)) == Approx(8 + 32.0 / 320));
    CHECK(bits(defaults_of(Method::fp8)) == Approx(8 + 32.0 / 320));
    s = defaults_of(Method::llm_int8);
    const auto kept = static_cast<double>(outlier_channels(layer.x.view(), 6).size());
    CHECK(kept > 10);
    CHECK(bits(s) == Approx(8 + 32.0 / 320 + 8 * kept / 320 + 32 * kept / (32.0 * 320)));
}

TEST_CASE("bits a weight are the bytes of the packed tensors", "[methods]") {
    const TestLayer layer = make_layer(64, 128, 200, 13, true);
    const LayerInput input = layer.input();
    const auto bytes = [](const std::vector<StoredTensor>& tensors, const std::string& part) {
        double sum = 0;
        for (const StoredTensor& t : tensors) {
            sum += part.empty() || t.name == "L." + part ? static_cast<double>(t.bytes.size()) : 0;
        }
        return sum;
    };
    for (const int bits : {2, 3, 4, 8}) {
        MethodSettings s = defaults_of(Method::gptq);
        s.bits = bits;
        s.group_size = 32;
        s.act_order = true;
        const QuantizedLayer q = quantize_layer(s, layer.weights.view(), &input);
        const auto tensors = packed_tensors(*q.integers, "L", CheckpointLayout::gptq);
        CHECK(q.stored_bits == 8 * bytes(tensors, ""));
        // A reader's view of them.
        const auto word = [&](std::size_t tensor, Index i) {
            std::uint32_t w = 0;
            std::memcpy(&w, tensors[tensor].bytes.data() + 4 * i, 4);
            return std::uint64_t{w};
        };
        const auto code = [&](std::size_t tensor, Index row_words, Index i, Index column,
                              bool across) {
            const Index at = i * bits;
            const auto pick = [&](Index k) {
                return across ? word(tensor, column * row_words + k)
                              : word(tensor, k * row_words + column);
            };
            const bool spills = at % 32 + bits > 32;
            const std::uint64_t both = pick(at / 32) | (spills ? pick(at / 32 + 1) << 32 : 0);
            return static_cast<int>(both >> (at % 32) & ((1U << bits) - 1));
        };
        int wrong = 0;
        for (Index r = 0; r < 64; ++r) {
            for (Index c = 0; c < 128; ++c) {
                const auto g = static_cast<Index>(word(3, c));
                std::uint16_t scale = 0;
                std::memcpy(&scale, tensors[2].bytes.data() + 2 * (g * 64 + r), 2);
                const int zero = (code(1, 64 * bits / 32, r, g, true) + 1) & ((1 << bits) - 1);
                const float value = static_cast<float>(code(0, 64, c, r, false) - zero) *
                                    formats::to_float<formats::fp16>(scale);
                wrong += value == q.weights(r, c) ? 0 : 1;
            }
        }
        CHECK(wrong == 0);
    }
    MethodSettings s = defaults_of(Method::awq);
    s.group_size = 32;
    const QuantizedLayer q = quantize_layer(s, layer.weights.view(), &input);
    const auto tensors = packed_tensors(*q.integers, "L", CheckpointLayout::awq);
    CHECK(q.stored_bits == 8 * bytes(tensors, ""));
    // Output 5 of the first word stands at bits 24 .. 27: 0 2 4 6 1 3 5 7.
    std::uint32_t first = 0;
    std::memcpy(&first, tensors[0].bytes.data(), 4);
    CHECK((first >> 24 & 15U) == q.integers->codes[5 * 128]);
    CHECK((first >> 4 & 15U) == q.integers->codes[2 * 128]);
    s.bits = 5;
    const QuantizedLayer five = quantize_layer(s, layer.weights.view(), &input);
    CHECK_THROWS_AS(packed_tensors(*five.integers, "L", CheckpointLayout::awq), Error);
    CHECK_THROWS_AS(packed_tensors(*five.integers, "L", CheckpointLayout::gptq), Error);
}

TEST_CASE("SmoothQuant does not change the function, and evens out what it rounds", "[methods]") {
    const TestLayer layer = make_layer(24, 44, 80, 17, true);
    const LayerInput input = layer.input();
    for (const double alpha : {0.0, 0.5, 0.85}) {
        const std::vector<float> s = smoothing(layer.weights.view(), input, alpha);
        double change = 0, size = 0;
        for (Index t = 0; t < 80; ++t) {
            for (Index r = 0; r < 24; ++r) {
                double before = 0, after = 0;
                for (Index c = 0; c < 44; ++c) {
                    const float factor = s[static_cast<std::size_t>(c)];
                    before += static_cast<double>(layer.x(t, c)) *
                              static_cast<double>(layer.weights(r, c));
                    after += static_cast<double>(layer.x(t, c) / factor) *
                             static_cast<double>(layer.weights(r, c) * factor);
                }
                change += (after - before) * (after - before);
                size += before * before;
            }
        }
        CHECK(std::sqrt(change / size) < 1e-6);  // two roundings of floats
    }
    // s_j = max|X_j|^alpha / max|W_j|^(1 - alpha)
    LayerInput two;
    two.max_abs = {16, 0};
    CHECK(smoothing(row_of({0.25F, 1}).view(), two, 0.5)[0] == Approx(8));
    CHECK(smoothing(row_of({0.25F, 1}).view(), two, 0.5)[1] == 1);  // silent
    const auto error = [&](double alpha, ActivationScales scales) {
        return relative_output_error(layer.weights.view(),
                                     smoothquant(layer.weights.view(), input, {alpha, scales}),
                                     layer.x.view());
    };
    CHECK(error(0.5, ActivationScales::tensor) < 0.5 * error(0, ActivationScales::tensor));
    CHECK(error(0, ActivationScales::token) < error(0, ActivationScales::tensor));
    CHECK(error(0, ActivationScales::channel) < error(0, ActivationScales::token));
}

TEST_CASE("LLM.int8() takes the outliers out", "[methods]") {
    const TestLayer layer = make_layer(24, 66, 80, 19, true);
    const LayerInput input = layer.input();
    const auto error = [&](double threshold) {
        return relative_output_error(
            layer.weights.view(), llm_int8(layer.weights.view(), input, threshold), layer.x.view());
    };
    CHECK(outlier_channels(layer.x.view(), 6).size() >= 6);  // columns 3, 14, ... 58
    CHECK(error(6) < 0.5 * error(1e6));
    // Everything in 16 bits: relative error of two roundings to 11 bits, squared.
    CHECK(error(0) < 1e-6);
    // One token by hand: 12 is an outlier, the others have the scale 2.54 / 127 = 0.02.
    Matrix<float> x = row_of({2.54F, 12.004F, 0.031F});
    const Matrix<float> w = row_of({1, 1, 1});
    const QuantizedLayer q = llm_int8(w.view(), observe(x.view(), false), 6);
    q.round_input(x.view());
    CHECK(x(0, 0) == Approx(2.54));
    CHECK(x(0, 1) == 12.0078125F);  // FP16 has steps of 1 / 128 there
    CHECK(x(0, 2) == Approx(0.04));
}

TEST_CASE("layers that go wrong: a named error or a defined result", "[methods]") {
    const TestLayer good = make_layer(12, 40, 50, 23);
    const auto finite = [](const QuantizedLayer& q) {
        for (const float v : q.weights.values()) {
            if (!std::isfinite(v)) {
                return false;
            }
        }
        return true;
    };
    for (const Method method : all_methods) {
        for (const bool symmetric : {false, true}) {
            MethodSettings s = defaults_of(method);
            s.group_size = 16;
            s.symmetric = symmetric;
            INFO(name(method) << " symmetric " << symmetric);
            const LayerInput input = good.input();

            TestLayer layer = good;
            std::fill_n(layer.weights.row(3), 40, 0.0F);  // a row of zeros
            std::fill_n(layer.weights.row(4), 40, 0.7F);  // constant rows
            std::fill_n(layer.weights.row(5), 40, -0.7F);
            for (Index c = 0; c < 40; ++c) {
                layer.weights(6, c) = std::abs(layer.weights(6, c));  // one sign
            }
            const QuantizedLayer odd = quantize_layer(s, layer.weights.view(), &input);
            CHECK(finite(odd));
            for (Index c = 0; c < 40; ++c) {
                CHECK(odd.weights(3, c) == 0);
            }
            // All weights zero, and an input that is silent.
            const Matrix<float> nothing(12, 40), silence(50, 40);
            CHECK(finite(quantize_layer(s, nothing.view(), &input)));
            const LayerInput silent = observe(silence.view());
            const QuantizedLayer deaf = quantize_layer(s, layer.weights.view(), &silent);
            CHECK(finite(deaf));
            CHECK(relative_output_error(layer.weights.view(), deaf, silence.view()) == 0);
            // One token: H has rank 1, and damping is what makes it invertible.
            const LayerInput one = observe(good.x.view().row_range(0, 1));
            CHECK(finite(quantize_layer(s, good.weights.view(), &one)));
            // A single row and column.
            const Matrix<float> tiny = row_of({0.3F}), x = row_of({2});
            const LayerInput tiny_input = observe(x.view());
            CHECK(finite(quantize_layer(s, tiny.view(), &tiny_input)));

            layer.weights(7, 9) = std::nanf("");
            CHECK(refusal(s, layer.weights, &input) ==
                  "the weight matrix holds nan at row 7, column 9");
            layer.weights(7, 9) = -INFINITY;
            CHECK(refusal(s, layer.weights, &input) ==
                  "the weight matrix holds -inf at row 7, column 9");
            if (needs_calibration(method)) {
                CHECK(refusal(s, good.weights, nullptr).find("what the layer reads") !=
                      std::string::npos);
                CHECK(refusal(s, good.weights, &tiny_input).find("1 channels, the weights 40") !=
                      std::string::npos);
            }
        }
    }
    TestLayer layer = good;
    layer.x(2, 1) = INFINITY;
    CHECK_THROWS_WITH(observe(layer.x.view()),
                      "the calibration input holds inf at row 2, column 1");
    CHECK_THROWS_AS(observe(layer.x.view().row_range(0, 0)), Error);

    MethodSettings s = defaults_of(Method::gptq);
    s.damping = 0;
    const LayerInput one = observe(good.x.view().row_range(0, 1));
    CHECK(refusal(s, good.weights, &one).find("not positive definite") != std::string::npos);
    layer.weights(0, 0) = 3e6F;
    CHECK(refusal(defaults_of(Method::rtn), layer.weights, nullptr).find("FP16 ends at 65504") !=
          std::string::npos);
}

TEST_CASE("the schema's defaults are accepted, and every method is in it", "[methods]") {
    const auto& schema = method_schema();
    REQUIRE(schema[0].choices.size() == std::size(all_methods));
    for (std::size_t i = 0; i < std::size(all_methods); ++i) {
        CHECK(schema[0].choices[i].name == name(all_methods[i]));
        const MethodSettings s = defaults_of(all_methods[i]);
        for (const auto& p : schema) {
            CHECK_NOTHROW(p.checked(p.get(s)));
            CHECK_FALSE(p.sentence.empty());
        }
    }
}

}  // namespace nibble::methods_test
