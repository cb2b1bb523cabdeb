// The fused kernels against plain double arithmetic, on every instruction set of this machine.
#include <cfloat>
#include <cmath>
#include <numbers>

#include "kernels/quantize/ops.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

using namespace nibble;
using namespace nibble::kernels;

namespace {

struct Run {
    std::vector<float> values, scale, stored, zero_point;
    std::size_t group_size = 32;

    std::size_t groups() const { return (values.size() + group_size - 1) / group_size; }
    GroupScales scales() const { return {scale, stored, zero_point}; }
};

struct Result {
    std::vector<std::int16_t> codes;
    std::vector<float> dequantized;
    std::vector<RoundingError> groups;
    RoundingError total;

    friend bool operator==(const Result&, const Result&) = default;
};

template <class Grid>
Result quantized(const Run& run, const Grid& grid) {
    Result r{std::vector<std::int16_t>(run.values.size()),
             std::vector<float>(run.values.size()),
             std::vector<RoundingError>(run.groups()),
             {}};
    r.total = quantize(run.values, run.group_size, run.scales(), grid,
                       {r.codes, r.dequantized, r.groups});
    return r;
}

/// What a plain double computation makes of one value: its code and what it comes back as. A code
/// is open when the quotient is so near to a tie that float and double may round it differently.
struct Expected {
    double code, value;
    bool open;
};

Expected expect(const Run& run, std::size_t i, const IntegerGrid& grid) {
    const std::size_t g = i / run.group_size;
    const double quotient = static_cast<double>(run.values[i]) / static_cast<double>(run.scale[g]);
    const double zero = static_cast<double>(run.zero_point[g]);
    const double code = std::clamp(std::nearbyint(quotient) + zero, static_cast<double>(grid.low),
                                   static_cast<double>(grid.high));
    const double to_tie = std::abs(std::abs(quotient - std::nearbyint(quotient)) - 0.5);
    return {code, (code - zero) * static_cast<double>(run.stored[g]),
            to_tie <= 2 * FLT_EPSILON * std::abs(quotient)};
}

Expected expect(const Run& run, std::size_t i, const Codebook& book) {
    const std::size_t g = i / run.group_size;
    const double x = static_cast<double>(run.values[i]) / static_cast<double>(run.scale[g]);
    std::size_t best = 0;
    double nearest = INFINITY, second = INFINITY;
    for (std::size_t k = 0; k < book.levels.size(); ++k) {
        const double distance = std::abs(x - static_cast<double>(book.levels[k]));
        if (distance < nearest) {
            second = nearest;
            nearest = distance;
            best = k;
        } else {
            second = std::min(second, distance);
        }
    }
    return {static_cast<double>(best),
            static_cast<double>(book.levels[best]) * static_cast<double>(run.stored[g]),
            second - nearest <= 4 * FLT_EPSILON};
}

Expected expect(const Run& run, std::size_t i, const FloatFormat& format) {
    const std::size_t g = i / run.group_size;
    const double largest = format.largest();
    const double x = std::clamp(
        static_cast<double>(run.values[i]) / static_cast<double>(run.scale[g]), -largest, largest);
    const int exponent = std::max(x == 0 ? -100 : std::ilogb(x), 1 - format.bias);
    const double spacing = std::ldexp(1.0, exponent - format.mantissa_bits);
    const double steps = std::nearbyint(x / spacing);
    const double code = std::abs(steps) +
                        (exponent - (1 - format.bias)) * std::ldexp(1.0, format.mantissa_bits) +
                        (std::signbit(x) ? 1 << (format.exponent_bits + format.mantissa_bits) : 0);
    return {code, steps * spacing * static_cast<double>(run.stored[g]),
            std::abs(std::abs(x / spacing - steps) - 0.5) <= 2 * FLT_EPSILON * std::abs(steps)};
}

template <class Grid>
void check_against_oracle(const Run& run, const Grid& grid, const Result& result) {
    for (std::size_t g = 0; g < run.groups(); ++g) {
        double squared = 0, largest = 0;
        std::uint64_t zeros = 0;
        const std::size_t end = std::min(run.values.size(), (g + 1) * run.group_size);
        for (std::size_t i = g * run.group_size; i < end; ++i) {
            const Expected e = expect(run, i, grid);
            const double code = result.codes[i];
            const auto value = static_cast<double>(result.dequantized[i]);
            if (e.open) {
                // Either neighbour is a right answer, at equal distance.
                CHECK(std::abs(code - e.code) <= 1);
            } else {
                CHECK(code == e.code);
                // One float product: half a unit in the last place.
                CHECK(std::abs(value - e.value) <= FLT_EPSILON / 2 * std::abs(e.value));
            }
            const double error = static_cast<double>(run.values[i]) - value;
            squared += error * error;
            largest = std::max(largest, std::abs(error));
            zeros += value == 0 ? 1 : 0;
        }
        const RoundingError& got = result.groups[g];
        // Float lanes add at most 256 rounded squares before they go to double: 256 * 2^-24.
        CHECK(got.squared == Approx(squared).epsilon(256 * 0x1p-24).margin(1e-30));
        CHECK(static_cast<double>(got.largest) == Approx(largest).epsilon(FLT_EPSILON));
        CHECK(got.zeros == zeros);
    }
}

/// A run of random length, group size, spread and outliers.
Run random_run(std::uint64_t trial) {
    const Rng rng = Rng(trial).stream("quantize-test");
    Run run;
    const std::size_t longest = trial % 10 == 0 ? 9000 : 300;
    run.values.resize(1 + rng.below(0, longest));
    run.group_size = 1 + rng.below(1, 2 * run.values.size());
    if (trial % 3 != 0) {
        run.group_size = 1 + rng.below(1, 70);
    }
    const double spread = std::pow(10.0, 6 * rng.uniform(2) - 4);
    for (std::size_t i = 0; i < run.values.size(); ++i) {
        const bool outlier = rng.below(3 * i + 100, 40) == 0;
        const bool nothing = rng.below(3 * i + 101, 20) == 0;
        run.values[i] =
            nothing ? 0.0F
                    : static_cast<float>(spread * (outlier ? 30 : 1) * rng.normal(3 * i + 102));
    }
    return run;
}

/// Scales as the quantizers make them: extent over steps, 1 for zeros.
void set_absmax_scales(Run& run, double steps) {
    std::vector<float> low(run.groups()), high(run.groups());
    group_ranges(run.values, run.group_size, low, high);
    run.scale.resize(run.groups());
    run.zero_point.assign(run.groups(), 0.0F);
    for (std::size_t g = 0; g < run.groups(); ++g) {
        const float top = std::max(std::abs(low[g]), std::abs(high[g]));
        run.scale[g] = top > 0 ? static_cast<float>(static_cast<double>(top) / steps) : 1.0F;
    }
    run.stored = run.scale;
}

void set_affine_scales(Run& run, int bits) {
    std::vector<float> low(run.groups()), high(run.groups());
    group_ranges(run.values, run.group_size, low, high);
    run.scale.resize(run.groups());
    run.zero_point.resize(run.groups());
    for (std::size_t g = 0; g < run.groups(); ++g) {
        const float l = std::min(low[g], 0.0F), h = std::max(high[g], 0.0F);
        run.scale[g] = h > l ? (h - l) / static_cast<float>((1 << bits) - 1) : 1.0F;
        run.zero_point[g] = std::nearbyint(-l / run.scale[g]);
    }
    run.stored = run.scale;
}

const std::vector<float> levels = {-1.0F, -0.7F, -0.53F, -0.39F, -0.28F, -0.18F, -0.09F, 0.0F,
                                   0.08F, 0.16F, 0.25F,  0.34F,  0.44F,  0.56F,  0.72F,  1.0F};

/// Calls body with each grid, scales set to fit it.
template <class Body>
void for_each_grid(Run& run, std::uint64_t trial, const Body& body) {
    const int bits = 2 + static_cast<int>(trial % 7);
    const int top = (1 << (bits - 1)) - 1;
    set_absmax_scales(run, top);
    body(IntegerGrid{-top, top});
    set_affine_scales(run, bits);
    body(IntegerGrid{0, (1 << bits) - 1});
    set_absmax_scales(run, 1);
    body(Codebook{levels});
    set_absmax_scales(run, 448);
    body(nibble::formats::fp8_e4m3);
    set_absmax_scales(run, 57344);
    body(nibble::formats::fp8_e5m2);
    set_absmax_scales(run, 0.7);  // clips
    body(Codebook{levels});
    set_absmax_scales(run, top * 1.7);
    body(IntegerGrid{-top, top});
}

/// Back to the best instruction set at the end of a test.
struct RestoreTarget {
    ~RestoreTarget() { use_simd_target(""); }
};

}  // namespace

TEST_CASE("200 random runs match the double oracle on every grid", "[quantize]") {
    for (std::uint64_t trial = 0; trial < 200; ++trial) {
        Run run = random_run(trial);
        INFO("trial " << trial << ": " << run.values.size() << " values in groups of "
                      << run.group_size);
        for_each_grid(run, trial, [&](const auto& grid) {
            check_against_oracle(run, grid, quantized(run, grid));
        });
    }
}

TEST_CASE("every instruction set gives the same bits", "[quantize]") {
    const RestoreTarget restore;
    const std::vector<std::string> targets = simd_targets();
    REQUIRE_FALSE(targets.empty());
    for (std::uint64_t trial = 0; trial < 60; ++trial) {
        Run run = random_run(trial);
        for_each_grid(run, trial, [&](const auto& grid) {
            use_simd_target("");
            const Result best = quantized(run, grid);
            for (const std::string& target : targets) {
                INFO("trial " << trial << " on " << target);
                use_simd_target(target);
                REQUIRE(simd_target() == target);
                CHECK(quantized(run, grid) == best);
            }
        });
    }
}

TEST_CASE("outputs that nobody asked for change nothing", "[quantize]") {
    Run run = random_run(10);
    for_each_grid(run, 10, [&](const auto& grid) {
        const Result all = quantized(run, grid);
        const RoundingError alone = quantize(run.values, run.group_size, run.scales(), grid, {});
        CHECK(alone.largest == all.total.largest);
        CHECK(alone.zeros == all.total.zeros);
        // The sum runs on across groups here, in another order.
        CHECK(alone.squared == Approx(all.total.squared).epsilon(256 * 0x1p-24));
    });
}

TEST_CASE("group ranges find the ends wherever they are", "[quantize]") {
    const RestoreTarget restore;
    for (const std::string& target : simd_targets()) {
        use_simd_target(target);
        for (std::size_t size = 1; size <= 40; ++size) {
            for (std::size_t at = 0; at < size; ++at) {
                std::vector<float> values(size, 0.5F), low(1), high(1);
                values[at] = 2.0F;
                values[(at + size / 2) % size] = size == 1 ? 2.0F : -3.0F;
                group_ranges(values, size, low, high);
                CHECK(low[0] == (size == 1 ? 2.0F : -3.0F));
                CHECK(high[0] == (size == 1 ? 2.0F : 2.0F));
            }
        }
    }
}

TEST_CASE("halves go to the even code", "[quantize]") {
    Run run;
    run.values = {0.5F, 1.5F, 2.5F, -0.5F, -1.5F, -2.5F, 6.5F, 7.5F, -7.5F};
    run.scale = run.stored = {1.0F};
    run.zero_point = {0.0F};
    const Result r = quantized(run, IntegerGrid{-8, 7});
    CHECK(r.codes == std::vector<std::int16_t>{0, 2, 2, 0, -2, -2, 6, 7, -8});
    CHECK(r.total.zeros == 2);
}

TEST_CASE("ties in a table go to the lower level, or towards zero when asked", "[quantize]") {
    Run run;
    const std::vector<float> table = {-1.0F, -0.5F, 0.0F, 0.5F, 1.0F};
    run.values = {-0.75F, -0.25F, 0.25F, 0.75F, 0.2500001F};
    run.scale = run.stored = {1.0F};
    run.zero_point = {0.0F};
    CHECK(quantized(run, Codebook{table}).codes == std::vector<std::int16_t>{0, 1, 2, 3, 3});
    CHECK(quantized(run, Codebook{table, true}).codes == std::vector<std::int16_t>{1, 2, 2, 3, 3});
}

TEST_CASE("small floats: subnormals, ties, saturation and codes by hand", "[quantize]") {
    Run run;
    run.scale = run.stored = {1.0F};
    run.zero_point = {0.0F};
    // E4M3: smallest subnormal 2^-9, smallest normal 2^-6, largest 448 = 0x7e.
    run.values = {0x1p-9F, 0x1p-10F, 0x1.8p-9F, 0x1p-6F, 1.0F,
                  1.0625F, 1.1875F,  448.0F,    1000.0F, -448.0F};
    const Result r = quantized(run, nibble::formats::fp8_e4m3);
    CHECK(r.codes ==
          std::vector<std::int16_t>{0x01, 0x00, 0x02, 0x08, 0x38, 0x38, 0x3a, 0x7e, 0x7e, 0xfe});
    CHECK(r.dequantized == std::vector<float>{0x1p-9F, 0.0F, 0x1p-8F, 0x1p-6F, 1.0F, 1.0F, 1.25F,
                                              448.0F, 448.0F, -448.0F});
}

TEST_CASE("codes use the scale, values the stored scale", "[quantize]") {
    Run run;
    run.values = {1.0F, -2.0F, 3.4F};
    run.scale = {1.0F};
    run.stored = {1.25F};
    run.zero_point = {0.0F};
    const Result r = quantized(run, IntegerGrid{-7, 7});
    CHECK(r.codes == std::vector<std::int16_t>{1, -2, 3});
    CHECK(r.dequantized == std::vector<float>{1.25F, -2.5F, 3.75F});
}
