// Thresholds against plain loops and against values known from the literature.
#include "sim/quant/calibration.hpp"

#include <algorithm>
#include <cmath>

#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

namespace nibble::calibration_test {

namespace {

std::vector<float> normals(std::size_t count, std::uint64_t seed = 1) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = static_cast<float>(Rng(seed).normal(i));
    }
    return values;
}

ClipErrors plain_errors(const std::vector<float>& values, double threshold, int bits) {
    const double top = (1 << (bits - 1)) - 1, step = threshold / top;
    ClipErrors e;
    for (const float v : values) {
        const double x = std::abs(static_cast<double>(v));
        if (x > threshold) {
            e.clipping += (x - threshold) * (x - threshold) / static_cast<double>(values.size());
        } else {
            const double back = std::min(top, std::nearbyint(x / step)) * step;
            e.rounding += (x - back) * (x - back) / static_cast<double>(values.size());
        }
    }
    return e;
}

}  // namespace

TEST_CASE("clipping and rounding errors are those of a loop over the values", "[calibration]") {
    std::vector<float> values = normals(5000);
    values[17] = 25;
    const Magnitudes magnitudes(values);
    for (const int bits : {2, 3, 4, 8, 12}) {
        for (const double threshold : {0.01, 0.5, 1.7, 3.0, 25.0, 40.0}) {
            const ClipErrors fast = magnitudes.errors(threshold, bits);
            const ClipErrors slow = plain_errors(values, threshold, bits);
            // Differences of running sums of 5000 in double: 1e-16 x 5e3, over errors from 1e-7 on.
            CHECK(fast.clipping == Approx(slow.clipping).epsilon(1e-7).margin(1e-14));
            CHECK(fast.rounding == Approx(slow.rounding).epsilon(1e-7).margin(1e-14));
        }
    }
    // Two bits, by hand: levels 0 and 1 under t = 1; 0.4 -> 0, 0.6 -> 1, 3 is cut to 1.
    const Magnitudes three(std::vector<float>{0.5F, -0.75F, 3});
    CHECK(three.errors(1, 2).rounding == Approx((0.25 + 0.0625) / 3));
    CHECK(three.errors(1, 2).clipping == Approx(4.0 / 3));
    CHECK(three.share_above(1) == Approx(1.0 / 3));
}

TEST_CASE("min-max and percentile", "[calibration]") {
    std::vector<float> values;
    for (int i = 0; i <= 1000; ++i) {
        values.push_back(static_cast<float>(i % 2 == 0 ? i : -i));
    }
    const Magnitudes magnitudes(values);
    CHECK(min_max_clip(magnitudes).threshold == 1000);
    CHECK(percentile_clip(magnitudes, 0.99).threshold == Approx(990));
    CHECK(percentile_clip(magnitudes, 0.9995).threshold == Approx(999.5));
    CHECK(percentile_clip(magnitudes, 0).threshold == 0);
    CHECK(percentile_clip(magnitudes).threshold == Approx(999.9));
}

TEST_CASE("the best threshold of a normal distribution is the one that is known", "[calibration]") {
    // Max (1960), table II: uniform quantizers of least error for variance 1 have steps of 0.5860
    // (8 levels), 0.3352 (16), 0.1881 (32). Ours have one level fewer, around zero; the known steps
    // of 7 and 15 levels are 0.6508 and 0.3534, so t is 3 and 7 of them. 200000 draws: the curve is
    // flat at its floor, which leaves 2 %.
    const Magnitudes magnitudes(normals(200000));
    CHECK(mse_clip(magnitudes, 3).threshold == Approx(3 * 0.6508).epsilon(0.02));
    CHECK(mse_clip(magnitudes, 4).threshold == Approx(7 * 0.3534).epsilon(0.02));
    for (const int bits : {2, 3, 4, 6, 8}) {
        const ClipChoice best = mse_clip(magnitudes, bits);
        const double floor = magnitudes.errors(best.threshold, bits).total();
        for (double t = 0.2; t < 6; t *= 1.05) {
            CHECK(floor <= magnitudes.errors(t, bits).total() * (1 + 1e-9));
        }
        CHECK(*std::min_element(best.costs.begin(), best.costs.end()) >= floor);
    }
}

TEST_CASE("rules differ where there are outliers", "[calibration]") {
    std::vector<float> values = normals(100000);
    values[3] = -60;
    values[4] = 55;
    const Magnitudes magnitudes(values);
    CHECK(min_max_clip(magnitudes).threshold == 60);
    for (const ClipChoice& choice : {percentile_clip(magnitudes), mse_clip(magnitudes, 4),
                                     entropy_clip(magnitudes, 4), entropy_clip(magnitudes, 8)}) {
        CHECK(choice.threshold > 1);
        CHECK(choice.threshold < 20);
        CHECK(magnitudes.errors(choice.threshold, 4).total() <
              0.1 * magnitudes.errors(60, 4).total());
    }
    const ClipChoice entropy = entropy_clip(magnitudes, 8);
    REQUIRE(entropy.thresholds.size() == 2048 - 128 + 1);
    CHECK(entropy.thresholds.back() == Approx(60));
    for (const double cost : entropy.costs) {
        CHECK(cost > -1e-12);  // a divergence
    }
    // Two bins a level and nothing to cut: a histogram that levels hold exactly diverges by 0.
    const ClipChoice flat = entropy_clip(Magnitudes(std::vector<float>(100, 2.0F)), 4);
    CHECK(*std::min_element(flat.costs.begin(), flat.costs.end()) == Approx(0).margin(1e-12));
}

TEST_CASE("a loss picks its own threshold", "[calibration]") {
    const ClipChoice choice =
        loss_clip({3, 1, 2, 5}, [](double t) { return (t - 2.2) * (t - 2.2); });
    CHECK(choice.threshold == 2);
    CHECK(choice.thresholds == std::vector<double>{1, 2, 3, 5});
}

TEST_CASE("calibration on nothing, on zeros, on NaN", "[calibration]") {
    CHECK_THROWS_AS(Magnitudes(std::vector<float>{}), Error);
    CHECK_THROWS_WITH(Magnitudes(std::vector<float>{1, std::nanf("")}), "value 1 is nan");
    const Magnitudes zeros(std::vector<float>(10, 0.0F));
    CHECK(mse_clip(zeros, 4).threshold == 0);
    CHECK(entropy_clip(zeros, 4).threshold == 0);
    const Magnitudes one(std::vector<float>{-2});
    CHECK(mse_clip(one, 4).threshold == Approx(2));
    CHECK(percentile_clip(one).threshold == 2);
}

}  // namespace nibble::calibration_test
