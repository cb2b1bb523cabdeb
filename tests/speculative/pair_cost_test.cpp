#include "sim/speculative/pair_cost.hpp"

#include <cmath>

#include "sim/core/error.hpp"
#include "sim/roofline/memory.hpp"
#include "sim/speculative/closed_forms.hpp"

#include "tests/catch.hpp"
#include "tests/roofline/shapes.hpp"

namespace nibble::pair_cost_test {

namespace {

PairOnDevice pair_of(const char* target, const char* draft) {
    return {catalogue().model(target), catalogue().model(draft), test::round_machine()};
}

double total(const Operators& list, Bytes Operator::*part) {
    double sum = 0;
    for (const Operator& o : list) {
        sum += static_cast<double>(o.count) * (o.*part).value;
    }
    return sum;
}

}  // namespace

TEST_CASE("verification reads weights and cache once", "[speculative]") {
    const ModelShape& model = catalogue().model("llama-2-7b");
    const Operators one = operators(model, test::decode(8, 1004));
    const Operators five = verify_operators(model, {}, 8, 1000, 4, 1);
    CHECK(total(five, &Operator::weights) == total(one, &Operator::weights));
    CHECK(total(five, &Operator::kv_read) == total(one, &Operator::kv_read));
    CHECK(total(five, &Operator::kv_write) == 5 * total(one, &Operator::kv_write));
    // Each of the five positions is multiplied by every matrix, the head's too.
    for (const Operator& o : five) {
        if (o.is_linear()) {
            CHECK(o.flops.value == 5 * one.find(o.op)->flops.value);
        }
    }
    // Queries at 1000 .. 1004 see 1000 .. 1004 keys: 5010 pairs a request, 4 heads head_dim each.
    CHECK(five.find(Op::attention)->flops.value == 8.0 * 5010 * 4 * 32 * 128);
}

TEST_CASE("without drafts a round is a step", "[speculative]") {
    const PairOnDevice pair = pair_of("llama-2-7b", "llama-2-7b");
    const RoundCost cost = round_cost(pair, 3, 500, 0);
    CHECK(cost.total().value == Approx(cost.plain.value));
    CHECK(cost.speed_up(expected_tokens(0.8, 0)) == Approx(1));
}

TEST_CASE("one request: verification is free and the closed form holds", "[speculative]") {
    const PairOnDevice pair = pair_of("llama-3.1-70b", "llama-3.2-1b");
    const RoundCost cost = round_cost(pair, 1, 1024, 4);
    // Four more rows of activations beside 140 GB of weights.
    CHECK(cost.verify_ratio() == Approx(1).epsilon(0.01));
    CHECK(cost.compute_share == 0);
    const double tokens = expected_tokens(0.8, 4);
    CHECK(cost.speed_up(tokens) ==
          Approx(walltime_factor(0.8, 4, cost.cost_ratio())).epsilon(0.01));
    // Bytes decide: c is near the ratio of the weights that are read.
    CHECK(cost.cost_ratio() == Approx(1.236 / 69.5).epsilon(0.05));
}

TEST_CASE("many requests: the target is bound by arithmetic and speculation loses",
          "[speculative]") {
    const PairOnDevice pair = pair_of("llama-3.1-70b", "llama-3.2-1b");
    const auto losing = losing_batch(pair, 0.8, 512, 4, 4096);
    const auto bound = compute_bound_batch(pair, 512, 4, 4096);
    REQUIRE(losing);
    REQUIRE(bound);
    const double tokens = expected_tokens(0.8, 4);
    CHECK(round_cost(pair, *losing, 512, 4).speed_up(tokens) < 1);
    CHECK(round_cost(pair, *losing - 1, 512, 4).speed_up(tokens) >= 1);
    CHECK(round_cost(pair, *bound, 512, 4).compute_share > 0.5);
    CHECK(round_cost(pair, *bound - 1, 512, 4).compute_share <= 0.5);
    // The machine does 100 FLOP a byte: with 16-bit weights a product turns at 100 rows, and five
    // positions a request make 20 requests of it.
    CHECK(*bound == Approx(20).margin(1));
    CHECK(*bound < *losing);
    // Far beyond, all products take five times as long.
    CHECK(round_cost(pair, 4096, 1, 4).verify_ratio() == Approx(5).epsilon(0.02));
    CHECK(best_drafts(pair, 0.8, 1, 512, 16) > best_drafts(pair, 0.8, 64, 512, 16));
    CHECK(best_drafts(pair, 0.8, 4096, 512, 16) == 0);
}

TEST_CASE("a long context lets speculation pay again", "[speculative]") {
    const PairOnDevice pair = pair_of("llama-3.1-70b", "llama-3.2-1b");
    const double tokens = expected_tokens(0.8, 4);
    CHECK(round_cost(pair, 256, 512, 4).speed_up(tokens) < 1);
    CHECK(round_cost(pair, 256, 131072, 4).speed_up(tokens) > 1);
    CHECK_FALSE(losing_batch(pair, 0.8, 131072, 4, 1024));
}

TEST_CASE("a mixture loses for one request, pays for some, and loses for many", "[speculative]") {
    const PairOnDevice pair = pair_of("mixtral-8x7b", "mistral-7b");
    const double tokens = expected_tokens(0.7, 4);
    // Five tokens call on 8 (1 - .75^5) = 6.1 experts, one on 2.
    CHECK(round_cost(pair, 1, 512, 4).verify_ratio() > 2);
    CHECK(round_cost(pair, 1, 512, 4).speed_up(tokens) < 1);
    CHECK(round_cost(pair, 16, 512, 4).speed_up(tokens) > 1);
    const auto losing = losing_batch(pair, 0.7, 512, 4, 4096);
    REQUIRE(losing);
    CHECK(*losing > 16);
}

TEST_CASE("a fixed time of every step hurts the one with more steps", "[speculative]") {
    PairOnDevice pair = pair_of("llama-3.1-8b", "llama-3.2-1b");
    const RoundCost free = round_cost(pair, 1, 1024, 4);
    pair.overhead = Seconds{1e-3};
    const RoundCost cost = round_cost(pair, 1, 1024, 4);
    CHECK(cost.total().value == Approx(free.total().value + 5e-3));
    CHECK(cost.plain.value == Approx(free.plain.value + 1e-3));
    CHECK(cost.speed_up(3) < free.speed_up(3));
}

TEST_CASE("requests beside both models", "[speculative]") {
    const PairOnDevice pair = pair_of("llama-3.1-8b", "llama-3.2-1b");
    const double weights = weight_bytes(pair.target, {}, 1).total().value +
                           weight_bytes(pair.draft, {}, 1).total().value;
    // 2 bytes of 2 x 8 heads x 128 in 32 layers and 2 x 8 x 64 in 16, for 1000 + 4 tokens.
    const double each = 1004 * 2.0 * (2 * 8 * 128 * 32 + 2 * 8 * 64 * 16);
    CHECK(requests_that_fit(pair, 1000, 4, Bytes{weights + 3.5 * each}) == 3);
    CHECK(requests_that_fit(pair, 1000, 4, Bytes{weights / 2}) == 0);
}

TEST_CASE("who can draft for whom", "[speculative]") {
    const ModelShape& target = catalogue().model("llama-3.1-70b");
    const auto drafts = drafts_for(target);
    REQUIRE_FALSE(drafts.empty());
    CHECK(drafts.front()->id == "llama-3.2-1b");
    CHECK(draft_named("auto", target).id == "llama-3.2-1b");
    CHECK(draft_named("llama-3.1-8b", target).id == "llama-3.1-8b");
    for (const ModelShape* m : drafts) {
        CHECK(m->parameters() < target.parameters());
    }
    // 152064 tokens and 151936: the same ones, padded differently.
    CHECK(draft_named("qwen2.5-0.5b", catalogue().model("qwen2.5-72b")).id == "qwen2.5-0.5b");
    CHECK_THROWS_WITH(draft_named("gpt2", target), Catch::Contains("does not share its tokens"));
    // 32768 and 32000 tokens.
    CHECK_THROWS_AS(draft_named("mistral-7b-v0.3", catalogue().model("mixtral-8x7b")), Error);
    CHECK_THROWS_WITH(draft_named("llama-3.1-405b", target), Catch::Contains("no smaller"));
    CHECK_THROWS_WITH(draft_named("auto", catalogue().model("gpt2")),
                      Catch::Contains("no smaller model"));
    CHECK_THROWS_AS(draft_named("no-such-model", target), Error);
}

}  // namespace nibble::pair_cost_test
