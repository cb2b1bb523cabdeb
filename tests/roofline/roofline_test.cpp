// Times: worked numbers, sums, monotonicity, and the calibrated roof.
#include "sim/core/error.hpp"
#include "sim/roofline/calibration.hpp"
#include "sim/roofline/memory.hpp"

#include "tests/catch.hpp"
#include "tests/roofline/shapes.hpp"

namespace nibble {
namespace {

using test::decode;
using test::prefill;
using test::round_machine;

StepTotals step(const std::string& model, const Workload& w, const Machine& m = round_machine()) {
    return ideal_step(catalogue().model(model), w, m);
}

}  // namespace

TEST_CASE("reading the weights once is the floor of a token", "[roofline]") {
    CHECK(bytes_of(70e9, 16) == 140.0_GB);
    CHECK((bytes_of(70e9, 16) / 2000_GBps).value == Approx(0.070));
    for (const auto& [bits, gigabytes, milliseconds] :
         {std::tuple(16, 14.0, 14.0), {8, 7.0, 7.0}, {4, 3.5, 3.5}}) {
        CHECK(bytes_of(7e9, bits).value == gigabytes * 1e9);
        CHECK((bytes_of(7e9, bits) / 1000_GBps).value == Approx(milliseconds * 1e-3));
    }
}

TEST_CASE("the A100's ridge, and decoding at about B FLOP a byte", "[roofline]") {
    CHECK((FlopsPerSecond{312e12} / BytesPerSecond{2e12}).value == 156);
    const DeviceSheet& a100 = catalogue().device("a100-80gb-sxm");
    CHECK((*a100.dense.fp16 / a100.bandwidth).value == Approx(153.016).epsilon(1e-5));
    for (const std::int64_t batch : {1, 8, 32}) {
        const Operators list = operators(catalogue().model("llama-2-7b"), decode(batch, 512));
        const Operator& up = *list.find(Op::up_proj);
        // 2 B n m FLOP over 2 n m bytes of weights and the activations: at most B, and close to it
        // while B is far below the width.
        const double intensity = (up.flops / up.bytes()).value;
        CHECK(intensity <= static_cast<double>(batch));
        CHECK(intensity > 0.98 * static_cast<double>(batch));
    }
}

TEST_CASE("attention stays where it is while the batch grows", "[roofline]") {
    const ModelShape& m = catalogue().model("llama-2-7b");
    const auto intensity = [&](std::int64_t batch) {
        const Operators list = operators(m, decode(batch, 4096));
        const Operator* a = list.find(Op::attention);
        return (a->flops / a->bytes()).value;
    };
    CHECK(intensity(1) == 1);
    CHECK(intensity(256) == 1);
}

TEST_CASE("totals are the sums of their parts", "[roofline]") {
    Workload w = decode(16, 2048);
    w.tensor_parallel = 2;
    w.precision = {4, 16, 8, 128, 64};
    const Operators list = operators(catalogue().model("llama-3-8b"), w);
    const StepTotals sum = step_totals(list, round_machine(), w.precision);
    Flops flops{};
    Bytes bytes{};
    Seconds seconds{};
    double weights = 0;
    for (const Operator& o : list) {
        const auto count = static_cast<double>(o.count);
        flops += count * o.flops;
        bytes += count * o.bytes();
        seconds += count * ideal_time(o, round_machine(), w.precision).total();
        weights += count * o.inputs * o.outputs;
    }
    CHECK(sum.flops == flops);
    CHECK(sum.bytes() == bytes);
    CHECK(sum.seconds.value == Approx(seconds.value));  // another order of additions
    CHECK(sum.dequantized == weights);
    CHECK(sum.weights.value == weights / 2);
}

TEST_CASE("an operator takes the longer of arithmetic and traffic", "[roofline]") {
    Operator o;
    o.flops = {2e12};
    o.weights = {1e9};
    const OperatorTime time = ideal_time(o, round_machine(), {});
    CHECK(time.total() == Seconds{0.02});
    CHECK(time.bound() == Bound::compute);
    o.flops = {1e9};
    CHECK(ideal_time(o, round_machine(), {}).bound() == Bound::memory);
    o.link = {1e12};
    CHECK(ideal_time(o, round_machine(), {}).bound() == Bound::link);
}

TEST_CASE("the 8-bit peak needs 8 bits on both sides, and never serves attention", "[roofline]") {
    const Machine m = round_machine();
    Operator linear, attention;
    linear.op = Op::up_proj;
    attention.op = Op::attention;
    CHECK(m.peak(linear, {16, 16}) == m.peak16);
    CHECK(m.peak(linear, {4, 16}) == m.peak16);
    CHECK(m.peak(linear, {8, 8}) == m.peak8);
    CHECK(m.peak(linear, {4, 8}) == m.peak8);
    CHECK(m.peak(attention, {8, 8}) == m.peak16);
    const DeviceSheet& rtx = catalogue().device("rtx-4090");
    CHECK(machine_of(rtx).peak16 == FlopsPerSecond{165.2e12});
    CHECK(machine_of(rtx, Accumulate::fp16).peak16 == FlopsPerSecond{330.3e12});
    const DeviceSheet& a100 = catalogue().device("a100-80gb-sxm");  // one rate for both
    CHECK(machine_of(a100, Accumulate::fp16).peak16 == machine_of(a100).peak16);
}

TEST_CASE("weights in 4 bits win at small batch, 8 bits on both sides at large", "[roofline]") {
    const auto seconds = [](std::int64_t batch, const Precision& p) {
        Workload w = decode(batch, 128);
        w.precision = p;
        return step("llama-2-7b", w).seconds;
    };
    const Precision w4a16 = {4, 16}, w8a8 = {8, 8};
    CHECK(seconds(1, w4a16) < seconds(1, w8a8));
    CHECK(seconds(512, w8a8) < seconds(512, w4a16));
}

TEST_CASE("more bytes are never faster", "[roofline]") {
    for (const char* model : {"llama-3-8b", "mixtral-8x7b", "gemma-2-9b", "deepseek-v3"}) {
        INFO(model);
        for (const Phase phase : {Phase::decode, Phase::prefill, Phase::chunk}) {
            Workload w = decode(4, 1024);
            w.phase = phase;
            const Seconds now = step(model, w).seconds;
            for (auto grow : std::vector<std::function<void(Workload&)>>{
                     [](Workload& g) { g.batch *= 2; }, [](Workload& g) { g.context *= 2; },
                     [](Workload& g) { g.precision.kv_bits *= 2; },
                     [](Workload& g) { g.precision.weight_group = 32; }}) {
                Workload more = w;
                grow(more);
                CHECK(step(model, more).seconds >= now);
            }
            Seconds before{};
            for (const double bits : {2, 3, 4, 6, 8, 16}) {
                Workload more = w;
                more.precision.weight_bits = bits;
                CHECK(step(model, more).seconds >= before);
                before = step(model, more).seconds;
            }
        }
    }
}

TEST_CASE("without a link devices cannot share a model", "[roofline]") {
    Workload w = decode(1, 128);
    w.tensor_parallel = 2;
    Machine m = round_machine();
    m.link.reset();
    CHECK_THROWS_AS(step("llama-2-7b", w, m), Error);
}

TEST_CASE("the cache of one token, of one request, of many", "[roofline]") {
    const ModelShape& mha = catalogue().model("llama-2-7b");
    const ModelShape& gqa = catalogue().model("llama-3-70b");
    CHECK(kv_bytes_per_token(mha, {}, 1) == 512_KiB);
    CHECK(kv_bytes(mha, {}, 1, 2048) == Bytes{1073741824});
    CHECK(100 * kv_bytes(mha, {}, 1, 2048).value == Approx(107e9).epsilon(0.005));  // three digits
    CHECK(16.0 * kv_bytes(mha, {}, 1, 4096) == Bytes{32.0 * (1 << 30)});
    CHECK(kv_bytes_per_token(gqa, {}, 1) == Bytes{327680});
    CHECK(kv_bytes(gqa, {}, 1, 4096).value == Approx(1.342e9).epsilon(5e-4));
    CHECK(kv_bytes(gqa, {}, 1, 32768).value == Approx(10.74e9).epsilon(5e-4));
    CHECK(4.0 * kv_bytes(gqa, {16, 16, 4}, 1, 4096) == kv_bytes(gqa, {}, 1, 4096));
    CHECK(8.0 * kv_bytes_per_token(gqa, {}, 8) == kv_bytes_per_token(gqa, {}, 1));
    CHECK(kv_bytes_per_token(catalogue().model("deepseek-v3"), {}, 1) == Bytes{61.0 * 576 * 2});
    // Half of Gemma's layers forget what left their window.
    const ModelShape& gemma = catalogue().model("gemma-2-9b");
    CHECK(kv_bytes(gemma, {}, 1, 8192) == 21.0 * (8192 + 4096) * Bytes{2.0 * 8 * 256 * 2});
}

TEST_CASE("what fits, fits, and one more does not", "[roofline]") {
    const ModelShape& m = catalogue().model("llama-2-7b");
    MemoryPlan plan;
    plan.capacity = {80e9};
    plan.usable = {72e9};
    plan.weights = weight_bytes(m, {}, 1).total();
    plan.runtime = {1e9};
    CHECK(plan.weights == Bytes{2.0 * 6738415616});
    const Bytes each = kv_bytes(m, {}, 1, 4096);
    const auto requests = plan.requests(each);
    CHECK(requests == 26);
    CHECK(static_cast<double>(requests) * each <= plan.free());
    CHECK(static_cast<double>(requests + 1) * each > plan.free());
    CHECK(plan.blocks(16, kv_bytes_per_token(m, {}, 1)) ==
          static_cast<std::int64_t>(plan.free().value / (16.0 * 512 * 1024)));
    const auto longest = longest_context(m, {}, 1, plan.free(), 4, 1 << 20);
    CHECK(4.0 * kv_bytes(m, {}, 1, longest) <= plan.free());
    CHECK(4.0 * kv_bytes(m, {}, 1, longest + 1) > plan.free());
    plan.weights = {100e9};
    CHECK(plan.requests(each) == 0);
    CHECK(longest_context(m, {}, 1, plan.free(), 1, 1 << 20) == 0);
}

TEST_CASE("quantized weights keep the embedding in 16 bits", "[roofline]") {
    const ModelShape& m = catalogue().model("llama-2-7b");
    const WeightBytes w = weight_bytes(m, {4, 16, 16, 128}, 1);
    const double matrices = 32.0 * (4 * 4096 * 4096.0 + 3 * 4096 * 11008.0) + 4096 * 32000.0;
    CHECK(w.codes == Bytes{matrices / 2});
    CHECK(w.scales == Bytes{matrices / 64});
    CHECK(w.sixteen_bit == Bytes{2 * (4096 * 32000.0 + 65 * 4096)});
}

TEST_CASE("a fit finds the constants that made its points", "[roofline]") {
    RoofFit truth;
    truth.fixed = {12e-6};
    truth.compute_share = 0.8;
    truth.memory_share = 0.6;
    std::vector<FitPoint> points;
    for (int i = 0; i < 40; ++i) {
        OperatorTime ideal;
        ideal.compute = {std::pow(1.6, i % 20) * 1e-7};
        ideal.memory = {std::pow(1.4, (7 * i) % 23) * 1e-6};
        points.push_back({ideal, truth.time(ideal)});
    }
    const RoofFit fit = fit_roof(points);
    // The search ends with steps of 1e-4 of a share, and steps along one constant at a time.
    CHECK(fit.fixed.value == Approx(truth.fixed.value).epsilon(0.05));
    CHECK(fit.compute_share == Approx(0.8).epsilon(0.02));
    CHECK(fit.memory_share == Approx(0.6).epsilon(0.02));
    CHECK(fit.median_error < 0.01);
}

TEST_CASE("calibrated roofs lie above the ideal ones and near what was measured", "[roofline]") {
    for (const Measurements& m : catalogue().measurements) {
        const Calibration* c = calibration_of(m.device);
        REQUIRE(c);
        REQUIRE(c->gemms().size() == m.gemms.size());
        for (const Calibration::Gemm& g : c->gemms()) {
            INFO(m.device << " " << g.kernel);
            CHECK(g.fit.rows >= 50);
            CHECK(g.fit.compute_share <= 1);
            CHECK(g.fit.memory_share <= 1);
            // Three constants for five shapes and fourteen batches: worst, INT8 weights on H200.
            CHECK(g.fit.median_error < 0.12);
            CHECK(g.fit.ideal_median > 1);
        }
        Workload w = decode(8, 2048);
        REQUIRE(c->covers(w));
        const ModelShape& model = catalogue().model("llama-3-8b");
        const auto calibrated = c->step(operators(model, w), w);
        REQUIRE(calibrated);
        CHECK(*calibrated > ideal_step(model, w, machine_of(catalogue().device(m.device))).seconds);
    }
    CHECK(calibration_of("m2-ultra") == nullptr);
    Workload w = decode(1, 128);
    w.precision.weight_bits = 3;  // nobody measured such kernels
    CHECK_FALSE(calibration_of("a100-80gb-sxm")->covers(w));
}

}  // namespace nibble
