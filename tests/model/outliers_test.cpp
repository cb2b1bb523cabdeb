#include "sim/model/outliers.hpp"

#include "sim/model/generate.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::outliers_test {

using namespace nibble::testing;

TEST_CASE("outliers leave the logits and widen the activations", "[model]") {
    const ModelConfig c = tiny_config();
    const auto plain = model_owning<float>(c, tiny_weights<float>(c));
    const std::vector<TokenIds> batch = {tiny_tokens(30, 1)};
    const auto expected = logits<float>(plain, batch);
    const std::vector<Index> channels = {2, 7};
    for (const auto& [layer, site] :
         {std::pair{Index{0}, Site::attention_in}, {1, Site::mlp_in}, {0, Site::head_in}}) {
        INFO(layer << " " << name(site));
        const auto changed = with_outliers(plain, layer, site, channels, 60);
        const auto got = logits<float>(changed, batch);
        for (std::size_t i = 0; i < got.values().size(); ++i) {
            // Two roundings more for each product, of values near 3.
            CHECK(got.values()[i] == Approx(expected.values()[i]).margin(2e-5));
        }
        const auto before = activation_ranges(plain, layer, site, batch);
        const auto after = activation_ranges(changed, layer, site, batch);
        for (Index j = 0; j < c.hidden; ++j) {
            const bool outlier = j == 2 || j == 7;
            const auto at = static_cast<std::size_t>(j);
            CHECK(after[at] == Approx(before[at] * (outlier ? 60 : 1)).epsilon(1e-5));
        }
        // A power of two changes exponents only: not a bit of the logits.
        CHECK(logits<float>(with_outliers(plain, layer, site, channels, 64), batch).values() ==
              expected.values());
    }
    const auto refused = [&](Index layer, Site site, Index channel, double factor) {
        return error_of(
            [&] { with_outliers(plain, layer, site, std::vector<Index>{channel}, factor); });
    };
    CHECK(contains(refused(0, Site::mlp_out, 0, 2), "no norm before mlp_out"));
    CHECK(contains(refused(2, Site::mlp_in, 0, 2), "layer = 2"));
    CHECK(contains(refused(0, Site::mlp_in, 12, 2), "channel = 12"));
    CHECK(contains(refused(0, Site::mlp_in, 0, 0), "factor = 0"));
}

TEST_CASE("captured rows are what the layer reads", "[model]") {
    const ModelConfig c = tiny_config();
    const auto model = model_owning<float>(c, tiny_weights<float>(c));
    const std::vector<TokenIds> batch = {tiny_tokens(20, 1), tiny_tokens(9, 2)};
    const auto rows = capture(model, {1, Linear::gate}, batch, 25);
    CHECK(rows.rows() == 25);
    CHECK(rows.cols() == c.hidden);
    CHECK(capture(model, {1, Linear::gate}, batch, 1000).rows() == 29);
    // Through the head: captured rows times the head's weights are the logits.
    const auto in = capture(model, {0, Linear::head}, batch, 29);
    Matrix<float> z(29, c.vocab);
    multiply<float>(in.view(), model.head.transposed(), z.view());
    CHECK(z.values() == logits<float>(model, batch).values());
}

TEST_CASE("generation follows the probabilities and the seed", "[model]") {
    const ModelConfig c = tiny_config();
    const auto model = model_owning<float>(c, tiny_weights<float>(c));
    const TokenIds prompt = {1, 2, 3};
    Sampling greedy;
    greedy.temperature = 0;
    TokenIds text = prompt;
    for (const GeneratedToken& token : generate(model, prompt, 10, greedy)) {
        const auto z = logits<float>(model, std::vector<TokenIds>{text});
        const float* last = z.row(z.rows() - 1);
        CHECK(token.id == std::max_element(last, last + c.vocab) - last);
        CHECK(token.likeliest[0].id == token.id);
        CHECK(token.probability == Approx(token.likeliest[0].probability));
        text.push_back(token.id);
    }
    CHECK(text.size() == 13);

    std::vector<int> counts(static_cast<std::size_t>(c.vocab));
    const int n = 3000;
    for (int i = 0; i < n; ++i) {
        ++counts[static_cast<std::size_t>(
            generate(model, prompt, 1, {1.0, 0, static_cast<std::uint64_t>(i)})[0].id)];
    }
    const auto z = logits<float>(model, std::vector<TokenIds>{prompt});
    double chi = 0;
    for (const Candidate& p :
         candidates({z.row(2), static_cast<std::size_t>(c.vocab)}, {1, 0, 0})) {
        const double expected = n * p.probability;
        chi += std::pow(counts[static_cast<std::size_t>(p.id)] - expected, 2) / expected;
    }
    CHECK(chi < 16 + 5 * std::sqrt(32.0));  // five standard deviations, 16 degrees of freedom

    // The nucleus: the fewest of the likeliest that reach top_p, scaled to one.
    const std::vector<float> plain = {std::log(0.5F), std::log(0.1F), std::log(0.3F),
                                      std::log(0.1F)};
    const auto nucleus = candidates(plain, {1, 0, 0, 0.7});
    REQUIRE(nucleus.size() == 2);
    CHECK(nucleus[0].id == 0);
    CHECK(nucleus[0].probability == Approx(0.625).epsilon(1e-6));  // floats have 24 bits
    CHECK(nucleus[1].id == 2);
    CHECK(candidates(plain, {1, 0, 0, 0.01}).size() == 1);
    CHECK(candidates(plain, {1, 0, 0, 1}).size() == 4);

    CHECK(generate(model, prompt, 1000, {0.9, 3, 5}).size() == 64 - 3 + 1);  // positions used up
    ModelConfig ends = c;
    ends.eos = {generate(model, prompt, 10, greedy)[4].id};
    auto ending = model;
    ending.config = ends;
    CHECK(generate(ending, prompt, 10, greedy).size() <= 4);
    CHECK(contains(error_of([&] { generate(model, TokenIds{}, 1, greedy); }), "no tokens"));
    CHECK(contains(error_of([&] { generate(model, tiny_tokens(64, 1), 1, greedy); }), "64 tokens"));
    CHECK(contains(error_of([&] { generate(model, prompt, 1, {-1, 0, 1}); }), "temperature = -1"));
    CHECK(contains(error_of([&] { generate(model, prompt, 1, {1, 0, 1, 0}); }), "top_p = 0"));
}

}  // namespace nibble::outliers_test
