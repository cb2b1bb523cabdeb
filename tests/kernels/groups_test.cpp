// The device's group-wise quantization against the processor's: on the emulator in three thread
// orders, and on a real GPU where there is one. Both sides round every operation by itself and add
// in the same order, so there is no tolerance: codes, values and the errors of groups are equal.
#include "kernels/quantize/groups.hpp"

#include <cmath>

#include "kernels/emulator/launch.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

using namespace nibble;
using namespace nibble::kernels;

namespace {

struct Case {
    GroupShape shape;
    std::vector<float> values;                     // (row, column)
    std::vector<float> scale, stored, zero_point;  // (row, group)

    GroupScales scales() const { return {scale, stored, zero_point}; }
};

struct Result {
    std::vector<float> low, high;
    std::vector<RoundingError> rows, groups;
    std::vector<std::int16_t> codes;
    std::vector<float> dequantized;

    friend bool operator==(const Result&, const Result&) = default;
};

Result quantized(const Device& where, const Case& c, const Grid& grid) {
    const std::size_t groups = c.shape.groups(), values = c.shape.values();
    Result r{std::vector<float>(groups),
             std::vector<float>(groups),
             std::vector<RoundingError>(c.shape.rows),
             std::vector<RoundingError>(groups),
             std::vector<std::int16_t>(values),
             std::vector<float>(values)};
    DeviceWeights weights(where, c.shape);
    weights.load(c.values);
    group_ranges(weights, r.low, r.high);
    quantize(weights, c.scales(), grid, {r.rows, r.groups, r.codes, r.dequantized});
    return r;
}

Case random_case(const GroupShape& shape, std::uint64_t seed) {
    const Rng rng = Rng(seed).stream("groups-test");
    Case c{shape, std::vector<float>(shape.values()), {}, {}, {}};
    for (std::size_t i = 0; i < c.values.size(); ++i) {
        const bool nothing = rng.below(2 * i, 20) == 0;
        const double size = rng.below(2 * i + 1, 40) == 0 ? 30 : 0.02;
        c.values[i] = nothing ? 0.0F : static_cast<float>(size * rng.normal(i));
    }
    return c;
}

/// Scales that reach the largest value over `reach`, stored a little off, as quantized scales are.
void set_scales(Case& c, double reach, int zero_point) {
    std::vector<float> low(c.shape.groups()), high(low);
    DeviceWeights weights(device(Machine::cpu), c.shape);
    weights.load(c.values);
    group_ranges(weights, low, high);
    c.scale.resize(low.size());
    c.stored.resize(low.size());
    c.zero_point.assign(low.size(), static_cast<float>(zero_point));
    for (std::size_t g = 0; g < low.size(); ++g) {
        const double top = static_cast<double>(std::max(std::abs(low[g]), std::abs(high[g])));
        c.scale[g] = top > 0 ? static_cast<float>(top / reach) : 1.0F;
        c.stored[g] = g % 2 == 0 ? c.scale[g] : 1.01F * c.scale[g];
    }
}

const std::vector<float> levels = {-1.0F, -0.7F, -0.53F, -0.39F, -0.28F, -0.18F, -0.09F, 0.0F,
                                   0.08F, 0.16F, 0.25F,  0.34F,  0.44F,  0.56F,  0.72F,  1.0F};

/// Odd rows, tails shorter than a team of sixteen, groups longer than the row, and groups longer
/// than what floats may sum, with a short last segment.
const GroupShape shapes[] = {{1, 1, 1},       {3, 37, 8},      {2, 129, 32},
                             {5, 64, 64},     {9, 50, 4096},   {1, 300, 17},
                             {1, 9001, 9001}, {2, 5000, 4500}, {1, 4097, 4096}};

void check_against_processor(const Device& where) {
    std::uint64_t seed = 0;
    for (const GroupShape& shape : shapes) {
        Case c = random_case(shape, ++seed);
        INFO(shape.rows << " x " << shape.columns << " in groups of " << shape.group_size);
        const auto check = [&](double reach, int zero_point, const Grid& grid) {
            INFO("grid " << grid.index() << ", reach " << reach);
            set_scales(c, reach, zero_point);
            const Result expected = quantized(device(Machine::cpu), c, grid);
            const Result got = quantized(where, c, grid);
            CHECK(got.low == expected.low);
            CHECK(got.high == expected.high);
            CHECK(got.codes == expected.codes);
            CHECK(got.dequantized == expected.dequantized);  // == takes -0 for 0
            CHECK(got.groups == expected.groups);
            CHECK(got.rows == expected.rows);
        };
        check(7, 0, IntegerGrid{-7, 7});
        check(60, 0, IntegerGrid{-7, 7});  // clips
        check(128, 97, IntegerGrid{0, 255});
        check(1, 0, Codebook{levels});
        check(1, 0, Codebook{levels, true});
        check(448, 0, nibble::formats::fp8_e4m3);
        check(57344, 0, nibble::formats::fp8_e5m2);
        check(6, 0, nibble::formats::fp4_e2m1);
    }
}

}  // namespace

TEST_CASE("group quantization gives the processor's bits on the emulator, in every order",
          "[groups]") {
    using emulator::Order;
    for (const Order order : {Order::forward, Order::reverse, Order::shuffled}) {
        INFO("order " << static_cast<int>(order));
        const emulator::Session session({.order = order, .seed = 5});
        check_against_processor(device(Machine::emulated));
    }
}

TEST_CASE("group quantization gives the processor's bits on the GPU", "[gpu]") {
    const Device& gpu = device(Machine::cuda);
    if (const DeviceInfo info = gpu.probe(); !info.ready()) {
        WARN("skipped: " << info.reason);
        return;
    }
    check_against_processor(gpu);
    // One large enough to fill a GPU.
    Case c = random_case({1024, 4096, 128}, 99);
    set_scales(c, 7, 0);
    CHECK(quantized(gpu, c, IntegerGrid{-7, 7}) ==
          quantized(device(Machine::cpu), c, IntegerGrid{-7, 7}));
}

TEST_CASE("a sum that runs on across groups differs from the groups' in the last digits only",
          "[groups]") {
    Case c = random_case({1, 20000, 32}, 7);
    set_scales(c, 7, 0);
    DeviceWeights weights(device(Machine::cpu), c.shape);
    weights.load(c.values);
    std::vector<RoundingError> of_groups(c.shape.groups()), with(1), without(1);
    quantize(weights, c.scales(), IntegerGrid{-7, 7}, {with, of_groups, {}, {}});
    quantize(weights, c.scales(), IntegerGrid{-7, 7}, {without, {}, {}, {}});
    // 4096 / 16 additions a lane, each rounded to half of 2^-23.
    CHECK(without[0].squared == Approx(with[0].squared).epsilon(256 * 0x1p-24));
    CHECK(without[0].zeros == with[0].zeros);
    CHECK(without[0].largest == with[0].largest);
}

TEST_CASE("device weights are loaded again, in fewer rows, and refused in more", "[groups]") {
    const auto machine = GENERATE(Machine::cpu, Machine::emulated);
    const Case c = random_case({4, 24, 8}, 3);
    DeviceWeights weights(device(machine), c.shape);
    weights.load(c.values);
    CHECK(weights.shape().rows == 4);
    const std::vector<float> last(c.values.end() - 24, c.values.end());
    weights.load(last);
    CHECK(weights.shape().rows == 1);
    std::vector<float> low(3), high(3);
    group_ranges(weights, low, high);
    CHECK(low[0] == *std::min_element(last.begin(), last.begin() + 8));
    CHECK(high[2] == *std::max_element(last.begin() + 16, last.end()));
    CHECK_THROWS_AS(weights.load(std::vector<float>(23)), std::length_error);
    CHECK_THROWS_AS(weights.load(std::vector<float>(5 * 24)), std::length_error);
}

TEST_CASE("only a GPU has a clock for codes", "[groups]") {
    const auto machine = GENERATE(Machine::cpu, Machine::emulated);
    Case c = random_case({2, 32, 16}, 4);
    set_scales(c, 7, 0);
    DeviceWeights weights(device(machine), c.shape);
    weights.load(c.values);
    CHECK_FALSE(seconds_for_codes(weights, c.scales(), IntegerGrid{-7, 7}, 1).has_value());
}
