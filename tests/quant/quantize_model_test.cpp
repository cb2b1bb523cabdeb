// A whole model through a method: layers that share an input, what is passed on, what is resumed.
#include "sim/quant/quantize_model.hpp"

#include <algorithm>
#include <cmath>

#include "sim/model/generate.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::quantize_model_test {

using namespace nibble::testing;

namespace {

std::vector<TokenIds> sequences(std::uint64_t seed) {
    std::vector<TokenIds> all;
    for (std::uint64_t s = 0; s < 12; ++s) {
        TokenIds ids;
        for (std::uint64_t i = 0; i < 24; ++i) {
            ids.push_back(static_cast<std::int32_t>(Rng(seed + s).below(i, 17)));
        }
        all.push_back(ids);
    }
    return all;
}

Model<float> tiny_model() {
    const ModelConfig config = tiny_config();
    return model_owning<float>(config, tiny_weights<float>(config));
}

ModelQuantization how_of(Method method, int bits = 4) {
    ModelQuantization how;
    how.settings = defaults_of(method);
    how.settings.bits = bits;
    how.settings.group_size = 4;
    how.calibration = sequences(1);
    return how;
}

/// Mean squared change of the logits over their mean square.
double logit_change(const Model<float>& model, const QuantizedModel& q) {
    const auto batch = sequences(77);
    const Matrix<float> exact = logits<float>(model, batch);
    const Matrix<float> ours = logits<float>(q.model, batch, q.hooks);
    return squared_distance(ours.view(), exact.view()) / squared_distance(exact.view());
}

Matrix<float> weights_of(const Model<float>& model, LinearId id) {
    const View<const float> w = model.layer(id.layer)[id.kind];
    Matrix<float> out(w.rows, w.cols);
    for (Index r = 0; r < w.rows; ++r) {
        std::copy_n(w.row(r), w.cols, out.row(r));
    }
    return out;
}

}  // namespace

TEST_CASE("every linear layer of a model is quantized and reported", "[methods]") {
    const Model<float> model = tiny_model();
    for (const Method method : {Method::rtn, Method::gptq, Method::awq, Method::smoothquant,
                                Method::llm_int8, Method::nf4, Method::fp4, Method::fp8}) {
        INFO(name(method));
        const QuantizedModel q = quantize_model(model, how_of(method), {});
        REQUIRE(q.reports.size() == 14);
        CHECK(q.reports[0].name == "model.layers.0.self_attn.q_proj.weight");
        for (const LayerReport& r : q.reports) {
            REQUIRE(r.calibration);
            CHECK(r.calibration->relative() > 0);
            CHECK(r.calibration->relative() < 0.05);
        }
        const double change = logit_change(model, q);
        CHECK(change > 0);
        CHECK(change < 0.1);
        CHECK(static_cast<bool>(q.hooks.on_input) == rounds_activations(method));
        CHECK(q.model.embedding.data == model.embedding.data);
        CHECK(q.model.head.data == model.head.data);
    }
    const double eight = logit_change(model, quantize_model(model, how_of(Method::rtn, 8), {}));
    const double three = logit_change(model, quantize_model(model, how_of(Method::rtn, 3), {}));
    // Five bits fewer: 30 dB more error, a factor of 1000, when errors were independent.
    CHECK(three > 100 * eight);
}

TEST_CASE("layers that read the same input are quantized as if alone", "[methods]") {
    const Model<float> model = tiny_model();
    const ModelQuantization how = how_of(Method::gptq);
    const QuantizedModel q = quantize_model(model, how, {});
    const auto batch = how.calibration;
    const Matrix<float> x = capture(model, {0, Linear::k}, batch, 12 * 24);
    const LayerInput input = observe(x.view());
    const QuantizedLayer alone = quantize_layer(how.settings, model.layer(0)[Linear::k], &input);
    CHECK(weights_of(q.model, {0, Linear::k}).values() == alone.weights.values());
}

TEST_CASE("a run that goes on gives the model of one that never stopped", "[methods]") {
    const Model<float> model = tiny_model();
    for (const Method method : {Method::gptq, Method::awq, Method::nf4}) {
        ModelQuantization how = how_of(method, 3);
        const QuantizedModel whole = quantize_model(model, how, {});
        int taken = 0;
        how.finished = [&](LinearId id) -> std::optional<Matrix<float>> {
            if (id.layer > 0 || id.kind == Linear::down) {
                return std::nullopt;
            }
            ++taken;
            return weights_of(whole.model, id);
        };
        const QuantizedModel resumed = quantize_model(model, how, {});
        CHECK(taken == 6);
        CHECK(resumed.reports.size() == 8);
        for (Index l = 0; l < 2; ++l) {
            for (const Linear kind : layer_linears) {
                CHECK(weights_of(resumed.model, {l, kind}).values() ==
                      weights_of(whole.model, {l, kind}).values());
            }
        }
    }
}

TEST_CASE("head and embeddings only when asked for", "[methods]") {
    const Model<float> model = tiny_model();  // tied
    ModelQuantization how = how_of(Method::gptq);
    how.all = true;
    const QuantizedModel q = quantize_model(model, how, {});
    CHECK(q.reports.size() == 15);
    CHECK(q.model.head.data == q.model.embedding.data);
    CHECK(q.model.head.data != model.head.data);
    ModelConfig config = tiny_config();
    config.tied_head = false;
    const auto untied = model_owning<float>(config, tiny_weights<float>(config));
    const QuantizedModel both = quantize_model(untied, how, {});
    REQUIRE(both.reports.size() == 16);
    CHECK(both.reports[15].name == "model.embed_tokens.weight");
    CHECK(both.model.head.data != both.model.embedding.data);
}

TEST_CASE("a model that cannot be quantized says why", "[methods]") {
    const Model<float> model = tiny_model();
    ModelQuantization how = how_of(Method::awq);
    how.calibration.clear();
    CHECK(contains(error_of([&] { quantize_model(model, how, {}); }), "AWQ needs tokens"));
    how = how_of(Method::gptq);
    how.settings.damping = 0;
    how.calibration = {{1, 2}};  // two tokens for twelve channels
    CHECK(contains(error_of([&] { quantize_model(model, how, {}); }),
                   "model.layers.0.self_attn.q_proj: the Hessian"));
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    CHECK(contains(error_of([&] { quantize_model(model, how_of(Method::rtn), context); }),
                   "stopped"));
}

}  // namespace nibble::quantize_model_test
