// What quantization does to a model through its hooks: little at eight bits, much at two.
#include <cmath>

#include "sim/model/train.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::quantized_test {

using namespace nibble::testing;

namespace {

/// Rounds each row to integers of `bits` bits times a scale of its own.
void round_rows(View<float> rows, int bits) {
    const float most = static_cast<float>((1 << (bits - 1)) - 1);
    for (Index i = 0; i < rows.rows; ++i) {
        float largest = 0;
        for (Index j = 0; j < rows.cols; ++j) {
            largest = std::max(largest, std::abs(rows(i, j)));
        }
        const float step = largest > 0 ? largest / most : 1;
        for (Index j = 0; j < rows.cols; ++j) {
            rows(i, j) = step * std::round(rows(i, j) / step);
        }
    }
}

enum class Part { weights, activations, cache };

/// Mean loss with one part of the model at `bits` bits; 0 leaves it alone.
double loss_with(const Model<float>& model, const std::vector<TokenIds>& batch, Part part,
                 int bits) {
    Model<float> used = model;
    Hooks<float> hooks;
    if (bits > 0 && part == Part::weights) {
        for (const LinearId id : linear_layers(model.config)) {
            if (id.kind != Linear::head) {
                const View<const float> w = model.layer(id.layer)[id.kind];
                Matrix<float> rounded(w.rows, w.cols);
                std::copy_n(w.data, w.rows * w.cols, rounded.values().begin());
                round_rows(rounded.view(), bits);
                used = with_weights(used, id, rounded);
            }
        }
    } else if (bits > 0 && part == Part::activations) {
        hooks.on_input = [bits](Index, Site, View<float> input) { round_rows(input, bits); };
    } else if (bits > 0) {
        hooks.on_cache = [bits](Index, Index, View<float> keys, View<float> values) {
            round_rows(keys, bits);
            round_rows(values, bits);
        };
    }
    double sum = 0;
    const std::vector<float> losses = token_losses<float>(used, batch, hooks);
    for (const float loss : losses) {
        sum += static_cast<double>(loss);
    }
    return sum / static_cast<double>(losses.size());
}

ByteBpe tokenizer_of_stories() {
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < 60; ++i) {
        texts.push_back(make_document(1, Split::train, Domain::stories, i).text);
    }
    return train_byte_bpe(texts, 384);
}

/// A model that has learned enough to lose something.
struct Learned {
    Trainer trainer;
    std::vector<TokenIds> batch;

    Learned() : trainer(options(), tokenizer_of_stories()) {
        while (!trainer.done()) {
            trainer.step();
        }
        for (std::uint64_t i = 0; i < 8; ++i) {
            batch.push_back(tokens_of(make_document(1, Split::validation, Domain::stories, i),
                                      trainer.tokenizer(), trainer.options().config));
        }
    }
    static TrainOptions options() {
        TrainOptions o;
        o.config = draft_config();
        o.config.hidden = 64;
        o.config.inner = 128;
        o.config.layers = 2;
        o.config.head_dim = 16;
        o.config.vocab = 384;
        o.steps = 150;
        o.batch = 4;
        o.warm_up = 5;
        o.rate = 1e-2;
        o.final_rate = 1e-3;
        o.domains = {Domain::stories};
        return o;
    }
};

}  // namespace

TEST_CASE("quantized weights, activations and cache cost more loss with fewer bits", "[model]") {
    const Learned learned;
    const Model<float> model = learned.trainer.model();
    const double exact = loss_with(model, learned.batch, Part::weights, 0);
    CHECK(exact < 0.4 * std::log(384.0));  // it has learned something
    for (const Part part : {Part::weights, Part::activations, Part::cache}) {
        INFO("part " << static_cast<int>(part));
        const double eight = loss_with(model, learned.batch, part, 8);
        const double four = loss_with(model, learned.batch, part, 4);
        const double two = loss_with(model, learned.batch, part, 2);
        // Steps of 1/127 of a row's largest value change the logits in the second digit.
        CHECK(std::abs(eight - exact) < 0.01);
        CHECK(std::abs(eight - exact) < std::abs(two - exact));
        // Only -1, 0 and 1 are left of a row: more than four bits lose, and more than noise.
        CHECK(two > four);
        CHECK(two > exact + 0.05);
    }
}

}  // namespace nibble::quantized_test
