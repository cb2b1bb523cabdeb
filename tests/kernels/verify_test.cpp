// The verification step: by hand, against the oracle, and what it refuses.
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

#include "kernels/ladder.hpp"
#include "kernels/sampling/ops.hpp"
#include "sim/speculative/chi_square.hpp"

#include "tests/catch.hpp"
#include "tests/kernels/verify_oracle.hpp"

namespace nibble::kernels {
namespace {

using verify_oracle::Decision;

struct Batch {
    VerifyShape shape;
    std::vector<float> target, draft, uniforms;
    std::vector<std::int32_t> tokens;

    VerifyInput input() const { return {target, draft, tokens, uniforms}; }
    Decision decide() const {
        Decision d{std::vector<std::int32_t>(shape.requests, -1),
                   std::vector<std::int32_t>(shape.requests, -1)};
        verify_drafts(shape, input(), {d.accepted, d.next});
        return d;
    }
};

/// A softmax of normal logits; the wider, the more of its tokens are nearly impossible.
void fill_rows(std::mt19937& generator, std::size_t vocabulary, float width,
               std::vector<float>& rows) {
    std::normal_distribution<float> draw(0.0f, width);
    for (std::size_t start = 0; start < rows.size(); start += vocabulary) {
        double sum = 0;
        for (std::size_t v = start; v < start + vocabulary; ++v) {
            rows[v] = std::exp(draw(generator));
            sum += static_cast<double>(rows[v]);
        }
        for (std::size_t v = start; v < start + vocabulary; ++v) {
            rows[v] = static_cast<float>(static_cast<double>(rows[v]) / sum);
        }
    }
}

Batch random_batch(const VerifyShape& shape, unsigned seed, float width) {
    std::mt19937 generator(seed);
    Batch b{shape, std::vector<float>(shape.positions() * shape.vocabulary),
            std::vector<float>(shape.drafted() * shape.vocabulary),
            std::vector<float>(shape.positions()), std::vector<std::int32_t>(shape.drafted())};
    fill_rows(generator, shape.vocabulary, width, b.target);
    fill_rows(generator, shape.vocabulary, width, b.draft);
    for (float& u : b.uniforms) {
        u = static_cast<float>(generator() >> 8U) * 0x1p-24f;
    }
    for (std::size_t i = 0; i < b.tokens.size(); ++i) {
        const auto row = b.draft.begin() + static_cast<std::ptrdiff_t>(i * shape.vocabulary);
        std::discrete_distribution<int> draw(row,
                                             row + static_cast<std::ptrdiff_t>(shape.vocabulary));
        b.tokens[i] = draw(generator);
    }
    return b;
}

/// One request over four tokens, two drafts: tokens 0 and 2.
Batch by_hand() {
    return {{1, 2, 4},
            {0.5f, 0.25f, 0.25f, 0.0f, 0.125f, 0.5f, 0.125f, 0.25f, 0.0f, 0.0f, 0.25f, 0.75f},
            {0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.5f, 0.0f},
            {0.0f, 0.0f, 0.0f},
            {0, 2}};
}

}  // namespace

TEST_CASE("drafts stand while u < p / q, and the first that falls is replaced", "[verify]") {
    Batch b = by_hand();
    // p/q of the drafts: 0.5 / 0.25 = 2 and 0.125 / 0.5 = 0.25. All stand, the bonus is drawn from
    // (0, 0, 1/4, 3/4).
    b.uniforms = {0.875f, 0.125f, 0.125f};
    CHECK(b.decide() == Decision{{2}, {2}});
    b.uniforms[2] = 0.25f;  // as much as lies before: the next token's
    CHECK(b.decide() == Decision{{2}, {3}});
    // 0.25 is not below 0.25: the second falls. Residual (0, 1/4, 0, 1/4).
    b.uniforms = {0.875f, 0.25f, 0.0f};
    CHECK(b.decide() == Decision{{1}, {1}});
    b.uniforms[2] = 0.5f;
    CHECK(b.decide() == Decision{{1}, {3}});
    // the first draft is token 3, which the target never says; residual (1/4, 0, 0, 0)
    b.tokens[0] = 3;
    b.uniforms = {0.0f, 0.0f, 0.875f};
    CHECK(b.decide() == Decision{{0}, {0}});
}

TEST_CASE("the smallest and the largest uniform draw the first and the last possible token",
          "[verify]") {
    Batch b{{1, 0, 6}, {0.0f, 0.25f, 0.0f, 0.5f, 0.25f, 0.0f}, {}, {0.0f}, {}};
    CHECK(b.decide() == Decision{{0}, {1}});
    b.uniforms[0] = std::nextafter(1.0f, 0.0f);
    CHECK(b.decide() == Decision{{0}, {4}});
}

TEST_CASE("where rounding leaves no residual the target is drawn from", "[verify]") {
    // p is q with a token of 2^-24 less: that token can be rejected, and then nothing is left
    const float q = 0.5f, p = std::nextafter(0.5f, 0.0f);
    Batch b{{1, 1, 2}, {p, 0.5f, 0.5f, 0.5f}, {q, 0.5f}, {std::nextafter(1.0f, 0.0f), 0.75f}, {0}};
    CHECK(b.decide() == Decision{{0}, {1}});
    CHECK(b.decide() == verify_oracle::decide(b.shape, b.input()));
}

TEST_CASE("random batches decide as the oracle does", "[verify]") {
    // tails of registers, of the runs of 512 tokens, one token, no drafts, many
    for (const VerifyShape& shape :
         {VerifyShape{1, 0, 1}, VerifyShape{3, 1, 7}, VerifyShape{9, 4, 130},
          VerifyShape{40, 3, 513}, VerifyShape{5, 9, 1024}, VerifyShape{16, 2, 5003}}) {
        for (const float width : {0.5f, 4.0f}) {
            CAPTURE(shape.requests, shape.drafts, shape.vocabulary, width);
            const Batch b = random_batch(shape, 7, width);
            CHECK(b.decide() == verify_oracle::decide(shape, b.input()));
        }
    }
}

TEST_CASE("every rung decides random batches as the oracle does", "[verify]") {
    const Device& emulator = device(Machine::emulated);
    const Ladder& ladder = *find_ladder("verify-drafts");
    // one token; a warp's worth; stretches that end within a warp; more than a block's stretch
    for (const VerifyShape& shape : {VerifyShape{3, 4, 1}, VerifyShape{5, 4, 31},
                                     VerifyShape{70, 4, 130}, VerifyShape{4, 4, 1500}}) {
        const Batch b = random_batch(shape, 3, 1.5f);
        const Decision expected = verify_oracle::decide(shape, b.input());
        DeviceArray<float> target(emulator, b.target), draft(emulator, b.draft),
            uniforms(emulator, b.uniforms);
        DeviceArray<std::int32_t> tokens(emulator, b.tokens);
        for (const Rung& rung : ladder.rungs) {
            CAPTURE(rung.name, shape.vocabulary);
            DeviceArray<std::int32_t> accepted(emulator, shape.requests, "accepted"),
                next(emulator, shape.requests, "next");
            const std::vector<void*> pointers = {target.data(),   draft.data(),    tokens.data(),
                                                 uniforms.data(), accepted.data(), next.data()};
            rung.emulated({shape.requests, shape.vocabulary}, pointers);
            CHECK(Decision{accepted.download(), next.download()} == expected);
        }
    }
}

TEST_CASE("what comes out first is distributed as the target, whatever the draft", "[verify]") {
    constexpr std::size_t requests = 40000, vocabulary = 5;
    Batch b = random_batch({requests, 1, vocabulary}, 11, 1.0f);
    std::vector<std::int64_t> counts(vocabulary);
    for (std::size_t r = 0; r < requests; ++r) {  // the same rows for all, a draft for each
        std::copy_n(b.target.begin(), 2 * vocabulary, b.target.begin() + r * 2 * vocabulary);
        std::copy_n(b.draft.begin(), vocabulary, b.draft.begin() + r * vocabulary);
    }
    std::mt19937 generator(13);
    std::discrete_distribution<int> draw(b.draft.begin(), b.draft.begin() + vocabulary);
    for (std::int32_t& token : b.tokens) {
        token = draw(generator);
    }
    const Decision d = b.decide();
    for (std::size_t r = 0; r < requests; ++r) {
        ++counts[static_cast<std::size_t>(d.accepted[r] == 1 ? b.tokens[r] : d.next[r])];
    }
    const std::vector<double> target(b.target.begin(), b.target.begin() + vocabulary);
    CHECK(chi_square_test(counts, target).p_value > 0.001);
}

TEST_CASE("what cannot be verified is refused by name", "[verify]") {
    const auto refusal = [](auto change) -> std::string {
        Batch b = by_hand();
        change(b);
        try {
            b.decide();
        } catch (const std::invalid_argument& e) { return e.what(); }
        return {};
    };
    CHECK(refusal([](Batch&) {}).empty());
    CHECK(refusal([](Batch& b) { b.target[5] = std::nanf(""); }) ==
          "the target of request 0, position 1 gives token 1 the probability nan");
    CHECK(refusal([](Batch& b) { b.draft[2] = -0.25f; }) ==
          "the draft of request 0, position 0 gives token 2 the probability -0.250000");
    CHECK(refusal([](Batch& b) { b.draft[2] = std::numeric_limits<float>::infinity(); }) ==
          "the draft of request 0, position 0 gives token 2 the probability inf");
    CHECK(refusal([](Batch& b) { std::fill_n(b.target.begin() + 8, 4, 0.0f); }) ==
          "the target of request 0, position 2 sums to 0.000000 instead of 1");
    CHECK(refusal([](Batch& b) { b.tokens[1] = 4; }) ==
          "the drafted token of request 0, position 1 is 4, outside the vocabulary of 4");
    CHECK(refusal([](Batch& b) { b.tokens[0] = -1; }).find("is -1") != std::string::npos);
    CHECK(refusal([](Batch& b) { b.tokens[1] = 3; }) ==
          "the drafted token 3 of request 0, position 1 has probability 0 in the draft, which "
          "cannot have drawn it");
    CHECK(refusal([](Batch& b) { b.uniforms[2] = 1.0f; }) ==
          "the uniform number of request 0, position 2 is 1.000000, outside [0, 1)");
    CHECK(refusal([](Batch& b) { b.uniforms[0] = std::nanf(""); }).find("nan") !=
          std::string::npos);
    CHECK(refusal([](Batch& b) { b.target.pop_back(); }) ==
          "target holds 11 values where 12 belong");
    CHECK(refusal([](Batch& b) { b.shape.vocabulary = 0; }) == "the vocabulary is empty");
}

}  // namespace nibble::kernels
