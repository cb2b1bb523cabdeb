#include "sim/model/train.hpp"

#include <filesystem>
#include <fstream>

#include "sim/core/parallel.hpp"
#include "sim/model/model_files.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::train_test {

using namespace nibble::testing;
namespace fs = std::filesystem;

namespace {

const ByteBpe& small_bpe() {
    static const ByteBpe bpe = corpus_tokenizer(1, 320, 20);
    return bpe;
}

TrainOptions small_options(Index steps) {
    TrainOptions o;
    o.config = draft_config();
    o.config.hidden = 32;
    o.config.inner = 64;
    o.config.layers = 2;
    o.config.head_dim = 16;
    o.config.vocab = 320;
    o.config.max_positions = 128;
    o.steps = steps;
    o.batch = 6;
    o.warm_up = 3;
    o.rate = 1e-2;
    o.final_rate = 1e-3;
    return o;
}

}  // namespace

TEST_CASE("training lowers the loss, and a resumed run ends with the same bits", "[train]") {
    const ScratchFolder folder;
    Trainer whole(small_options(24), small_bpe());
    double first = 0;
    while (!whole.done()) {
        const LossPoint point = whole.step();
        first = point.step == 1 ? point.loss : first;
    }
    CHECK(first ==
          Approx(std::log(320.0)).epsilon(0.02));  // nothing known: uniform over the pieces
    CHECK(whole.losses().back().loss < first - 1.5);

    {
        set_threads(1);
        Trainer part(small_options(24), small_bpe());
        for (int i = 0; i < 11; ++i) {
            part.step();
        }
        part.save(folder.path);
        set_threads(3);
    }
    Trainer resumed = Trainer::resume(folder.path);
    set_threads(0);
    CHECK(resumed.steps_done() == 11);
    CHECK(resumed.options() == whole.options());
    while (!resumed.done()) {
        resumed.step();
    }
    CHECK(std::equal(resumed.weights().begin(), resumed.weights().end(), whole.weights().begin()));
    REQUIRE(resumed.losses().size() == 24);
    for (std::size_t i = 0; i < 24; ++i) {
        CHECK(resumed.losses()[i].loss == whole.losses()[i].loss);
        CHECK(resumed.losses()[i].tokens == whole.losses()[i].tokens);
    }
    // What was saved is a model that anybody can open.
    const auto files = ModelFiles::open(folder.path);
    CHECK(files->config() == whole.options().config);
    CHECK(files->needed_tokenizer().size() == 320);
}

TEST_CASE("training stops when asked", "[train]") {
    Trainer trainer(small_options(50), small_bpe());
    std::stop_source stop;
    std::vector<TrainProgress> seen;
    const bool finished = train(trainer, stop.get_token(), [&](const TrainProgress& p) {
        seen.push_back(p);
        if (p.point.step == 3) {
            stop.request_stop();
        }
    });
    CHECK_FALSE(finished);
    REQUIRE(seen.size() == 3);
    CHECK(trainer.steps_done() == 3);
    CHECK(seen[2].steps == 50);
    CHECK(seen[2].point.tokens == trainer.losses()[2].tokens);
    CHECK(seen[2].rate == Approx(1e-2));
}

TEST_CASE("one AdamW step is the formula's", "[train]") {
    TrainOptions o;
    o.clip = 1;
    const std::vector<Parameter> parameters = {{"w", 1, 2, 0, true}, {"g", 1, 1, 2, false}};
    std::vector<float> gradient = {3, 0, 4}, values = {1, 2, 3}, m(3), v(3);
    adamw(o, 1, 0.1, parameters, gradient, values, m, v);
    // The gradient's norm is 5, clipped to (0.6, 0, 0.8). After bias correction the first step is
    // the sign of the gradient; matrices shrink by 1 - 0.1 * 0.1 first.
    CHECK(values[0] == Approx(1 * 0.99 - 0.1).epsilon(1e-6));
    CHECK(values[1] == Approx(2 * 0.99).epsilon(1e-6));
    CHECK(values[2] == Approx(3 - 0.1).epsilon(1e-6));
    CHECK(m[0] == Approx(0.1 * 0.6).epsilon(1e-6));
    CHECK(v[2] == Approx(0.05 * 0.64).epsilon(1e-6));
    gradient = {1e-3F, 0, 0};
    adamw(o, 2, 0.1, parameters, gradient, values, m, v);
    const double m2 = 0.9 * 0.06 + 0.1 * 1e-3, v2 = 0.95 * 0.018 + 0.05 * 1e-6;
    CHECK(
        values[0] ==
        Approx(0.89 * 0.99 - 0.1 * (m2 / (1 - 0.81)) / std::sqrt(v2 / (1 - 0.9025))).epsilon(1e-5));
    gradient[1] = std::nanf("");
    CHECK(contains(error_of([&] { adamw(o, 3, 0.1, parameters, gradient, values, m, v); }),
                   "diverged at step 3"));
}

TEST_CASE("the learning rate warms up and follows a cosine", "[train]") {
    TrainOptions o;
    o.steps = 1100;
    o.warm_up = 100;
    o.rate = 1;
    o.final_rate = 0.1;
    CHECK(learning_rate(o, 0) == Approx(0.01));
    CHECK(learning_rate(o, 99) == Approx(1));
    CHECK(learning_rate(o, 100) == Approx(1));
    CHECK(learning_rate(o, 600) == Approx(0.55));
    CHECK(learning_rate(o, 1100) == Approx(0.1));
}

TEST_CASE("the straight-through estimator trains through other weights", "[train]") {
    Trainer plain(small_options(4), small_bpe()), rounded(small_options(4), small_bpe());
    plain.step();
    std::vector<float> coarse;
    rounded.step([&](const Model<float>& model) {
        const View<const float> w = model.layer(0)[Linear::q];
        Matrix<float> q(w.rows, w.cols);
        for (Index i = 0; i < w.rows * w.cols; ++i) {
            q.values()[static_cast<std::size_t>(i)] = std::round(w.data[i] * 32) / 32;
        }
        return with_weights(model, {0, Linear::q}, q);
    });
    CHECK(plain.losses()[0].loss != rounded.losses()[0].loss);
    CHECK_FALSE(
        std::equal(plain.weights().begin(), plain.weights().end(), rounded.weights().begin()));
}

TEST_CASE("senseless options and folders without a checkpoint are refused by name", "[train]") {
    const auto refused = [](const auto& change) {
        TrainOptions o = small_options(2);
        change(o);
        return error_of([&] { Trainer(o, small_bpe()); });
    };
    CHECK(contains(refused([](TrainOptions& o) { o.steps = 0; }), "steps = 0"));
    CHECK(contains(refused([](TrainOptions& o) { o.rate = -1; }), "rate = -1"));
    CHECK(contains(refused([](TrainOptions& o) { o.clip = 0; }), "clip = 0"));
    CHECK(contains(refused([](TrainOptions& o) { o.config.vocab = 300; }), "320 pieces"));
    CHECK(contains(refused([](TrainOptions& o) { o.config.kv_heads = 3; }), "share 3"));
    const ScratchFolder folder;
    CHECK(contains(error_of([&] { Trainer::resume(folder.path); }), "no checkpoint"));
    write_safetensors(folder.path / "checkpoint.safetensors",
                      {{"weights", {1}, std::vector<float>{1}}});
    CHECK(contains(error_of([&] { Trainer::resume(folder.path); }), "no checkpoint of ours"));
}

TEST_CASE("the shipped models have the promised sizes", "[train]") {
    CHECK(target_config().parameters() > 3000000);
    CHECK(target_config().parameters() < 4000000);
    CHECK(draft_config().parameters() > 200000);
    CHECK(draft_config().parameters() < 300000);
    // FP16, together, in megabytes.
    CHECK((target_config().parameters() + draft_config().parameters()) * 2 < 12000000);
    for (const Index width :
         {target_config().hidden, target_config().inner, target_config().q_width()}) {
        CHECK(width % 256 == 0);
    }
    CHECK(target_config().head_dim == 64);
}

}  // namespace nibble::train_test
