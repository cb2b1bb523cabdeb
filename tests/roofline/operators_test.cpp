// The inventory against formulas written out by hand, for each kind of model.
#include "sim/roofline/operators.hpp"

#include "sim/core/error.hpp"

#include "tests/catch.hpp"
#include "tests/roofline/shapes.hpp"

namespace nibble {
namespace {

using test::decode;
using test::prefill;

const Operator& op(const Operators& list, Op kind) {
    const Operator* found = list.find(kind);
    REQUIRE(found);
    return *found;
}

}  // namespace

TEST_CASE("a dense layer of Llama 2 7B, decoding one token", "[roofline]") {
    const ModelShape& m = catalogue().model("llama-2-7b");
    Workload w = decode(1, 4096);
    w.precision.weight_bits = 4;
    const Operators list = operators(m, w);
    CHECK(list.size() == 9);
    const Operator& q = op(list, Op::q_proj);
    CHECK(q.count == 32);
    CHECK(q.flops == Flops{2.0 * 4096 * 4096});
    CHECK(q.weights == Bytes{4096 * 4096 / 2.0});
    CHECK(q.scales == 0_B);
    CHECK(q.activations == Bytes{2.0 * (4096 + 4096)});
    CHECK(q.kv_write == 0_B);
    const Operator& k = op(list, Op::k_proj);
    CHECK(k.activations == Bytes{2.0 * 4096});  // its result goes to the cache
    CHECK(k.kv_write == Bytes{2.0 * 4096});
    const Operator& down = op(list, Op::down_proj);
    CHECK(down.flops == Flops{2.0 * 4096 * 11008});
    const Operator& attention = op(list, Op::attention);
    CHECK(attention.flops == Flops{4.0 * 32 * 128 * 4096});
    CHECK(attention.kv_read == Bytes{2.0 * 4096 * 32 * 128 * 2});
    CHECK(attention.bytes() == attention.kv_read);
    const Operator& head = op(list, Op::lm_head);
    CHECK(head.count == 1);
    CHECK(head.flops == Flops{2.0 * 4096 * 32000});
}

TEST_CASE("a prompt: every token in the layers, the last position in the head", "[roofline]") {
    const ModelShape& m = catalogue().model("llama-2-7b");
    const Operators list = operators(m, prefill(3, 100));
    CHECK(op(list, Op::up_proj).flops == Flops{2.0 * 300 * 4096 * 11008});
    CHECK(op(list, Op::attention).flops == Flops{4.0 * 32 * 128 * 3 * 100 * 101 / 2});
    CHECK(op(list, Op::attention).kv_read == Bytes{2.0 * 3 * 100 * 32 * 128 * 2});
    CHECK(op(list, Op::lm_head).flops == Flops{2.0 * 3 * 4096 * 32000});
}

TEST_CASE("chunks of a prompt attend to as many pairs as the prompt at once", "[roofline]") {
    for (const std::int64_t window : {0, 7, 64, 1000}) {
        double chunks = 0;
        for (std::int64_t context = 50; context <= 300; context += 50) {
            chunks += attended_pairs(50, context, window);
        }
        CHECK(chunks == attended_pairs(300, 300, window));
    }
    CHECK(attended_pairs(1, 4096, 0) == 4096);
    CHECK(attended_pairs(1, 4096, 1000) == 1000);
    CHECK(attended_pairs(5, 5, 2) == 1 + 2 + 2 + 2 + 2);
    Workload w = prefill(1, 300);
    const ModelShape& m = catalogue().model("llama-2-7b");
    const Flops whole = op(operators(m, w), Op::attention).flops;
    w.phase = Phase::chunk;
    w.chunk = 4096;  // longer than the context: the whole of it
    CHECK(op(operators(m, w), Op::attention).flops == whole);
}

TEST_CASE("grouped queries cut the cache's bytes and not the FLOP", "[roofline]") {
    ModelShape grouped = catalogue().model("llama-2-7b");
    const Operators full = operators(grouped, decode(4, 1000));
    grouped.kv_heads = 8;
    const Operators fewer = operators(grouped, decode(4, 1000));
    CHECK(op(fewer, Op::attention).flops == op(full, Op::attention).flops);
    CHECK(4 * op(fewer, Op::attention).kv_read == op(full, Op::attention).kv_read);
    CHECK(4 * op(fewer, Op::k_proj).kv_write == op(full, Op::k_proj).kv_write);
}

TEST_CASE("scales are counted beside the weights", "[roofline]") {
    Workload w = decode(1, 128);
    w.precision.weight_bits = 4;
    w.precision.weight_group = 128;
    w.precision.kv_bits = 4;
    w.precision.kv_group = 64;
    const Operators list = operators(catalogue().model("llama-2-7b"), w);
    const Operator& q = op(list, Op::q_proj);
    CHECK(q.weights == Bytes{4096 * 4096 / 2.0});
    CHECK(q.scales == Bytes{4096 * 4096 / 128 * 2.0});
    CHECK(op(list, Op::attention).kv_read == Bytes{2.0 * 128 * 4096 * 4.5 / 8});
}

TEST_CASE("a mixture reads the experts in use and computes the active ones", "[roofline]") {
    const ModelShape& m = catalogue().model("mixtral-8x7b");
    const Operators one = operators(m, decode(1, 128));
    CHECK_FALSE(one.find(Op::up_proj));
    const Operator& up = op(one, Op::expert_up_proj);
    CHECK(up.flops == Flops{2.0 * 2 * 4096 * 14336});
    CHECK(up.weights == Bytes{2.0 * 4096 * 14336 * 2});
    CHECK(op(one, Op::router).flops == Flops{2.0 * 4096 * 8});
    // Two tokens with two of eight each: 8 (1 - (3/4)^2) = 3.5 on average.
    CHECK(experts_in_use(*m.experts, 2) == 3.5);
    CHECK(experts_in_use(*m.experts, 1e6) == 8);
    const Operators many = operators(m, decode(2, 128));
    CHECK(op(many, Op::expert_up_proj).weights == Bytes{3.5 * 4096 * 14336 * 2});
    CHECK(op(many, Op::expert_up_proj).flops == 2 * up.flops);
}

TEST_CASE("windowed layers attend to the window", "[roofline]") {
    const Operators gemma = operators(catalogue().model("gemma-2-9b"), decode(1, 8192));
    CHECK(op(gemma, Op::attention).count == 21);
    CHECK(op(gemma, Op::attention_window).count == 21);
    CHECK(op(gemma, Op::attention).kv_read == Bytes{2.0 * 8192 * 8 * 256 * 2});
    CHECK(op(gemma, Op::attention_window).kv_read == Bytes{2.0 * 4096 * 8 * 256 * 2});
    // Every layer of Mistral has one, so there is one kind of attention.
    const Operators mistral = operators(catalogue().model("mistral-7b"), decode(1, 8192));
    CHECK(op(mistral, Op::attention).count == 32);
    CHECK(op(mistral, Op::attention).kv_read == Bytes{2.0 * 4096 * 8 * 128 * 2});
    CHECK_FALSE(mistral.find(Op::attention_window));
}

TEST_CASE("latent attention reads one small vector a token", "[roofline]") {
    const ModelShape& m = catalogue().model("deepseek-v3");
    const Operators list = operators(m, decode(1, 4096));
    CHECK(op(list, Op::attention).kv_read == Bytes{4096.0 * 576 * 2});
    CHECK(op(list, Op::attention).flops == Flops{2.0 * 128 * 4096 * (576 + 512)});
    CHECK(op(list, Op::kv_a_proj).kv_write == Bytes{576.0 * 2});
    CHECK(op(list, Op::up_proj).count == 3);
    CHECK(op(list, Op::expert_up_proj).count == 58);
    CHECK(op(list, Op::shared_up_proj).count == 58);
    // A prompt expands keys and values instead: 192 elements to compare, 128 to sum.
    CHECK(op(operators(m, prefill(1, 10)), Op::attention).flops ==
          Flops{2.0 * 128 * 55 * (192 + 128)});
}

TEST_CASE("the matrices of all operators are the weights of the model", "[roofline]") {
    for (const ModelShape& m : catalogue().models) {
        INFO(m.id);
        double weights = 0;
        // Enough tokens that every expert is in use: 1 - (1 - 8/256)^t is 1 in doubles.
        for (const Operator& o : operators(m, prefill(1, 2048))) {
            weights += static_cast<double>(o.count) * o.weights.value / 2;
        }
        CHECK(weights ==
              static_cast<double>(m.layer_matrix_parameters() + m.embedding_parameters()));
    }
}

TEST_CASE("devices divide the work, and pay with all-reduces", "[roofline]") {
    const ModelShape& m = catalogue().model("llama-3-70b");
    Workload w = decode(5, 1000);
    const Operators alone = operators(m, w);
    w.tensor_parallel = 8;
    const Operators eighth = operators(m, w);
    CHECK(8 * op(eighth, Op::up_proj).flops == op(alone, Op::up_proj).flops);
    CHECK(8 * op(eighth, Op::attention).kv_read == op(alone, Op::attention).kv_read);
    CHECK(op(eighth, Op::lm_head).flops == Flops{2.0 * 5 * 8192 * 128256 / 8});
    CHECK_FALSE(alone.find(Op::all_reduce));
    const Operator& reduce = op(eighth, Op::all_reduce);
    CHECK(reduce.link == Bytes{2.0 * (2 * 7 / 8.0) * 5 * 8192 * 2});
    CHECK(reduce.bytes() == 0_B);
    w.tensor_parallel = 16;  // eight heads of the cache on sixteen devices: one each
    CHECK(op(operators(m, w), Op::k_proj).kv_write == Bytes{5.0 * 128 * 2});
    w.tensor_parallel = 3;
    CHECK_THROWS_AS(operators(m, w), Error);
}

}  // namespace nibble
