#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::kv_size_test {

using namespace nibble::test;

namespace {

Outcome run(const Settings& settings) {
    return run_lab("kv-size", settings);
}

double bytes(const char* example) {
    return run({{"example", example}}).metric("kv_bytes").value;
}

}  // namespace

TEST_CASE("the worked examples come out to the byte", "[kv-size]") {
    CHECK(bytes("layer_token") == 16 * 1024);
    CHECK(bytes("token") == 512 * 1024);
    CHECK(bytes("context_2048") == 1'073'741'824);
    CHECK(bytes("users_100") == 107'374'182'400);  // 107 GB
    CHECK(bytes("users_16") == 32.0 * 1024 * 1024 * 1024);
    CHECK(bytes("layer_block") == 262'144);
    CHECK(bytes("grouped_token") == 327'680);
    CHECK(bytes("grouped_4096") == 1'342'177'280);    // 1.342 GB
    CHECK(bytes("grouped_32768") == 10'737'418'240);  // 10.74 GB
    CHECK(bytes("grouped_int4") == bytes("grouped_32768") / 4);
}

TEST_CASE("the reader's numbers follow the formula", "[kv-size]") {
    const Outcome o = run({{"model", "llama-2-7b"}, {"batch", "16"}, {"context", "4096"}});
    CHECK(o.metric("kv_bytes").value == bytes("users_16"));
    CHECK(o.metric("kv_bytes_per_layer_token").value == 16 * 1024);
    CHECK(o.metric("kv_bytes_per_layer_block").value == 262'144);
    const Outcome fewer =
        run({{"layers", "16"}, {"kv_heads", "4"}, {"head_dim", "64"}, {"kv_bits", "8"}});
    CHECK(fewer.metric("kv_bytes_per_token").value == 2 * 16 * 4 * 64);
    // A scale and a zero point of 16 bits each for 32 numbers of 4 bits: a quarter more.
    CHECK(run({{"kv_bits", "4"}, {"kv_group_size", "32"}}).metric("kv_bytes").value ==
          1.25 * run({{"kv_bits", "4"}}).metric("kv_bytes").value);
}

TEST_CASE("windows and latent vectors keep less", "[kv-size]") {
    // Mistral 7B: every layer keeps 4096 tokens at most.
    const auto mistral = [](const char* context) {
        return run({{"model", "mistral-7b"}, {"context", context}}).metric("kv_bytes").value;
    };
    CHECK(mistral("8192") == mistral("4096"));
    CHECK(mistral("2048") == mistral("4096") / 2);
    // DeepSeek-V3: 61 layers of 576 numbers.
    CHECK(run({{"model", "deepseek-v3"}}).metric("kv_bytes_per_token").value == 61 * 576 * 2);
    CHECK_THROWS_AS(run({{"model", "deepseek-v3"}, {"kv_heads", "8"}}), Error);
}

}  // namespace nibble::kv_size_test
