// Every claim is found wrong, and by the numbers that are known.

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::check_the_claim_test {

using namespace nibble::test;

namespace {

Outcome run(const std::string& claim) {
    return run_lab("check-the-claim", {{"claim", claim}});
}

}  // namespace

TEST_CASE("double quantization saves 0.373 bits and leaves 0.127", "[claims]") {
    const Outcome o = run("double_quantization");
    CHECK(value(o, "plain") == 0.5);
    // 8 / 64 + 32 / (64 * 256), and one FP32 mean over 262144 weights.
    CHECK(value(o, "doubled") == Approx(0.126953125 + 32.0 / 262144));
    CHECK(value(o, "saved") == Approx(0.373).epsilon(0.001));  // printed to three digits
}

TEST_CASE("levels, block formats and baselines are what they are", "[claims]") {
    const Outcome levels = run("sixteen_levels");
    CHECK(value(levels, "gap") == Approx(1.0 / 3));
    CHECK(value(levels, "last_level") == 2.5);
    CHECK(value(levels, "largest_error") ==
          Approx(1.0 / 6).epsilon(0.01));  // half a gap, tried in steps of 0.001
    const Outcome blocks = run("block_formats");
    CHECK(value(blocks, "q8_0") == 8.5);
    CHECK(value(blocks, "q4_0") == 4.5);
    CHECK(value(blocks, "q2_k") == 2.625);
    const Outcome baseline = run("llama_2_baseline");
    CHECK(value(baseline, "awq_added") == Approx(100 * (6.24 / 5.47 - 1)));
}

TEST_CASE("a channel times 25 widens its groups and costs the layer more than it saves",
          "[claims]") {
    const Outcome o = run("awq_times_25");
    CHECK(value(o, "range") > 2);
    CHECK(value(o, "channel_error") < 0.8);
    const auto& curves = o.rows.at(1).figures.at(0).marks;
    const auto& output = std::get<Line>(curves.at(2));
    CHECK(*std::min_element(output.y.begin(), output.y.end()) < value(o, "output_error"));
}

TEST_CASE("GPTQ needs the elimination", "[claims]") {
    const Outcome o = run("gptq_full_inverse");
    CHECK(value(o, "gptq") < 0.7 * value(o, "one_inverse"));
    CHECK(value(o, "gptq") < value(o, "rtn"));
}

TEST_CASE("a fixed damping is not a share of the diagonal", "[claims]") {
    CHECK(value(run("fixed_damping"), "damping") > 0.1);
}

TEST_CASE("the last tokens of windows give another number", "[claims]") {
    const Outcome o = run("last_token");
    const double claimed = std::get<double>(o.tables.at(0).rows.at(0).at(1));
    CHECK(std::abs(claimed / value(o, "perplexity") - 1) > 0.005);
}

TEST_CASE("four bits are four times as fast at no batch", "[claims]") {
    const Outcome o = run("four_times_faster");
    CHECK(value(o, "batch_1") < 4);
    CHECK(value(o, "batch_1") > value(o, "batch_16"));
    CHECK(value(o, "batch_256") >= 1);
}

}  // namespace nibble::check_the_claim_test
