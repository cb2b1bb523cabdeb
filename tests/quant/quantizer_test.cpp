// The worked numbers of the quantizer lesson, published SQNRs, and the odd cases.
#include "sim/quant/quantizer.hpp"

#include <cmath>

#include "sim/core/rng.hpp"
#include "sim/formats/number_format.hpp"
#include "sim/quant/double_quantization.hpp"

#include "tests/catch.hpp"

namespace nibble::quantizer_test {

namespace {

/// INT-b absmax over the whole row, FP32 scale.
Quantizer whole_row(int bits, Scheme scheme = Scheme::absmax) {
    return {.scheme = scheme,
            .bits = bits,
            .granularity = Granularity::channel,
            .scale_format = ScaleFormat::fp32};
}

Quantizer grouped(Scheme scheme, std::size_t group_size, int bits = 4) {
    Quantizer q = whole_row(bits, scheme);
    q.granularity = Granularity::group;
    q.group_size = group_size;
    return q;
}

std::vector<float> normals(std::size_t count, std::uint64_t seed = 1) {
    const Rng rng = Rng(seed).stream("quantizer-test");
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = static_cast<float>(rng.normal(i));
    }
    return values;
}

double signal(const std::vector<float>& values) {
    double sum = 0;
    for (const float v : values) {
        sum += static_cast<double>(v) * static_cast<double>(v);
    }
    return sum;
}

double sqnr(const Quantizer& q, const std::vector<float>& values) {
    return 10 * std::log10(signal(values) / quantize_row(q, values).error.squared);
}

}  // namespace

TEST_CASE("five weights in INT8, by hand", "[quantize]") {
    const std::vector<float> x = {0.3F, -0.5F, 0.1F, 0.8F, -0.2F};
    const QuantizedRow r = quantize_row(whole_row(8), x);
    CHECK(static_cast<double>(r.scales.scale[0]) == Approx(0.0062992).epsilon(1e-5));  // 5 digits
    CHECK(r.codes == std::vector<std::int16_t>{48, -79, 16, 127, -32});
    CHECK(static_cast<double>(r.error.largest) == Approx(0.0023622).epsilon(1e-4));
}

TEST_CASE("a channel at 70 flattens its neighbours", "[quantize]") {
    std::vector<float> x = {2.0F, -2.0F, 1.0F, 70.0F};
    const QuantizedRow r = quantize_row(whole_row(8), x);
    CHECK(static_cast<double>(r.scales.scale[0]) == Approx(0.5512).epsilon(1e-4));  // 4 digits
    CHECK(r.codes[0] == 4);
    CHECK(static_cast<double>(r.dequantized[0]) == Approx(2.205).epsilon(1e-3));
}

TEST_CASE("a 60-sigma weight among 4096 in INT4", "[quantize]") {
    std::vector<float> w = normals(4096);
    w[1234] = 60;
    const auto shared = quantize_row(whole_row(4), w).error;
    const auto grouped_error = quantize_row(grouped(Scheme::absmax, 128), w).error;
    // 4095 of 4096: only the outlier keeps a level of its own.
    CHECK(shared.zeros == 4095);
    CHECK(100.0 * 4095 / 4096 == Approx(99.98).margin(0.005));
    CHECK(shared.squared / grouped_error.squared > 20);
}

TEST_CASE("the size of storage, scales included", "[quantize]") {
    const auto bits = [](const Quantizer& q, std::size_t rows = 4096, std::size_t cols = 4096) {
        return storage(q, rows, cols).total();
    };
    Quantizer q = grouped(Scheme::absmax, 128);
    q.scale_format = ScaleFormat::fp16;
    CHECK(storage(q, 4096, 4096).scales == 0.125);
    CHECK(bits(q) == 4.125);
    q.scheme = Scheme::zero_point;
    CHECK(bits(q) == 4.15625);  // and a 4-bit zero point for 128 weights

    Quantizer nf4 = grouped(Scheme::nf4, 64);
    CHECK(bits(nf4) == 4.5);
    nf4.scale_format = ScaleFormat::double_quantized;
    // 4 + 8/64 + 32/(64 * 256) = 4.126953; and 32 bits for the mean, over 2^24 weights.
    CHECK(bits(nf4) == Approx(4.12695).margin(1e-5));
    CHECK(70e9 * bits(nf4) / 8 / 1e9 == Approx(36.1).margin(0.05));
    CHECK(70e9 * 0.126953 / 8 / 1e9 == Approx(1.1).margin(0.05));

    Quantizer whole = q;
    whole.scheme = Scheme::absmax;
    whole.granularity = Granularity::tensor;
    CHECK(bits(whole, 1, 16) == 5);
    whole.granularity = Granularity::channel;
    CHECK(bits(whole, 8, 16) == 5);
    // A last short group has a scale of its own: 3 groups in a row of 70.
    CHECK(storage(grouped(Scheme::absmax, 32), 2, 70).scales == Approx(3 * 32 / 70.0));
    CHECK(bits(grouped(Scheme::fp8_e4m3, 128)) == 8.25);
}

TEST_CASE("each bit gains about 6.02 dB on uniform weights", "[quantize]") {
    const Rng rng = Rng(1).stream("uniform");
    std::vector<float> w(1 << 16);
    for (std::size_t i = 0; i < w.size(); ++i) {
        w[i] = static_cast<float>(2 * rng.uniform(i) - 1);
    }
    const auto db = [](double ratio) { return 20 * std::log10(ratio); };
    double restricted_before = 0, full_before = 0;
    for (int bits = 2; bits <= 8; ++bits) {
        INFO(bits << " bits");
        Quantizer q = whole_row(bits);
        const double restricted = sqnr(q, w);
        q.full_range = true;
        const double full = sqnr(q, w);
        // A step of width s leaves s^2 / 12, so SQNR is the number of steps in the range squared:
        // 2^b - 2 between the ends of the restricted grid, 2^b - 1 of the full one. 65536 squares
        // of relative spread 0.9 average to 0.35 %, or 0.015 dB; three times that.
        CHECK(restricted == Approx(db(std::ldexp(1.0, bits) - 2)).margin(0.05));
        CHECK(full == Approx(db(std::ldexp(1.0, bits) - 1)).margin(0.05));
        CHECK(sqnr(whole_row(bits, Scheme::zero_point), w) == Approx(full).margin(0.05));
        if (bits >= 7) {
            // (2^b - 2) / (2^(b-1) - 2) is 2.03 at 7 bits: 0.14 dB beyond 6.02.
            CHECK(restricted - restricted_before == Approx(db(2)).margin(0.2));
            CHECK(full - full_before == Approx(db(2)).margin(0.12));
        }
        restricted_before = restricted;
        full_before = full;
    }
}

TEST_CASE("published SQNRs on normal weights", "[quantize]") {
    // bitsandbytes and affine INT4 as measured by others on 4096 x 4096 normals. 2^20 weights give
    // the mean squared error to about 0.15 % (0.007 dB), and they print two digits.
    const std::vector<float> w = normals(1 << 20);
    CHECK(sqnr(grouped(Scheme::nf4, 64), w) == Approx(20.73).margin(0.02));
    CHECK(sqnr(grouped(Scheme::fp4, 64), w) == Approx(18.28).margin(0.02));
    CHECK(sqnr(grouped(Scheme::nf4, 32), w) == Approx(21.18).margin(0.02));
    CHECK(sqnr(grouped(Scheme::nf4, 128), w) == Approx(20.40).margin(0.02));
    CHECK(sqnr(grouped(Scheme::zero_point, 32), w) == Approx(21.86).margin(0.02));
    CHECK(sqnr(grouped(Scheme::zero_point, 64), w) == Approx(20.82).margin(0.02));
    CHECK(sqnr(grouped(Scheme::zero_point, 128), w) == Approx(19.96).margin(0.02));
}

TEST_CASE("tables and small floats round as the formats lab does", "[quantize]") {
    const std::vector<float> w = normals(5000);
    const std::vector<std::pair<Scheme, std::string>> pairs = {{Scheme::nf4, "nf4"},
                                                               {Scheme::fp4, "fp4_bnb"},
                                                               {Scheme::fp8_e4m3, "fp8_e4m3"},
                                                               {Scheme::fp8_e5m2, "fp8_e5m2"}};
    for (const auto& [scheme, id] : pairs) {
        INFO(id);
        const NumberFormat& format = find_number_format(id);
        const QuantizedRow r = quantize_row(grouped(scheme, 50), w);
        int different = 0;
        for (std::size_t i = 0; i < w.size(); ++i) {
            const auto s = static_cast<double>(r.scales.scale[i / 50]);
            const double want = s * format.round(static_cast<double>(w[i]) / s);
            different += std::abs(static_cast<double>(r.dequantized[i]) - want) > 1e-6 ? 1 : 0;
        }
        // A quotient within a rounding of a midpoint may fall the other way; there is hardly one
        // in 5000 with 24-bit quotients.
        CHECK(different <= 1);
        CHECK(unit_levels(grouped(scheme, 50)).size() == static_cast<std::size_t>(format.count()));
    }
}

TEST_CASE("zeros, constants, tails and single weights", "[quantize]") {
    for (const Scheme scheme : {Scheme::absmax, Scheme::zero_point, Scheme::nf4, Scheme::fp4,
                                Scheme::fp8_e4m3, Scheme::fp8_e5m2}) {
        INFO(scheme_name(grouped(scheme, 8)));
        // Three groups: zeros, a constant, and a tail of one.
        std::vector<float> w(17, 0.0F);
        std::fill(w.begin() + 8, w.begin() + 16, -0.75F);
        w[16] = 3;
        const QuantizedRow r = quantize_row(grouped(scheme, 8), w);
        REQUIRE(r.groups.size() == 3);
        CHECK(r.scales.scale[0] == 1.0F);
        CHECK(r.groups[0] == kernels::RoundingError{0, 0, 8});
        // The extreme of a group is a level in every scheme: nothing is lost but a float rounding.
        CHECK(r.groups[1].largest <= 1e-7F);
        CHECK(r.groups[2].largest <= 1e-6F);
        // A group larger than the row is the row.
        const QuantizedRow one = quantize_row(grouped(scheme, 4096), std::vector<float>{2.5F});
        CHECK(one.groups.size() == 1);
        CHECK(one.error.largest <= 1e-6F);
    }
}

TEST_CASE("a range that leaves zero out is widened to it", "[quantize]") {
    const QuantizedRow r =
        quantize_row(whole_row(4, Scheme::zero_point), std::vector{10.0F, 13.0F});
    CHECK(static_cast<double>(r.scales.scale[0]) == Approx(13.0 / 15));
    CHECK(r.scales.zero_point[0] == 0.0F);
    const QuantizedRow below =
        quantize_row(whole_row(4, Scheme::zero_point), std::vector{-10.0F, -13.0F});
    CHECK(below.scales.zero_point[0] == 15.0F);
    CHECK(below.codes == std::vector<std::int16_t>{3, 0});
}

TEST_CASE("the full range uses the lowest code", "[quantize]") {
    Quantizer q = whole_row(4);
    q.full_range = true;
    const QuantizedRow r = quantize_row(q, std::vector{-3.0F, 3.0F, 0.0F});
    CHECK(static_cast<double>(r.scales.scale[0]) == Approx(6.0 / 15));
    CHECK(r.codes == std::vector<std::int16_t>{-8, 7, 0});
    CHECK(static_cast<double>(r.error.largest) == Approx(0.2));
}

TEST_CASE("FP16 scales are rounded before they are used", "[quantize]") {
    Quantizer q = whole_row(8);
    q.scale_format = ScaleFormat::fp16;
    const QuantizedRow r = quantize_row(q, std::vector{127.3F, -5.0F});
    // 127.3 / 127 = 1.002362; FP16 has 1 + k/1024 there.
    CHECK(r.scales.scale[0] == 1 + 2.0F / 1024);
    CHECK(r.scales.stored_scale[0] == r.scales.scale[0]);
    // Below FP16's smallest number the scale stays there, and the weights go to zero.
    const QuantizedRow tiny = quantize_row(q, std::vector{1e-9F});
    CHECK(tiny.scales.scale[0] == 0x1p-24F);
    CHECK(tiny.error.zeros == 1);
}

TEST_CASE("the dynamic map is bitsandbytes'", "[quantize]") {
    const auto& map = kernels::dynamic_map();
    CHECK(std::is_sorted(map.begin(), map.end()));
    CHECK(std::adjacent_find(map.begin(), map.end()) == map.end());
    CHECK(map.back() == 1.0F);
    CHECK(std::count(map.begin(), map.end(), 0.0F) == 1);
    // create_dynamic_map(): 0.9929688 and 0.9789063 beneath 1, -0.9929688 first, 5.5e-7 above 0.
    CHECK(static_cast<double>(map[254]) == Approx(0.9929688).epsilon(1e-6));
    CHECK(static_cast<double>(map[253]) == Approx(0.9789063).epsilon(1e-6));
    CHECK(static_cast<double>(map[0]) == Approx(-0.9929688).epsilon(1e-6));
    CHECK(static_cast<double>(*std::upper_bound(map.begin(), map.end(), 0.0F)) ==
          Approx(5.5e-7).epsilon(1e-6));
}

TEST_CASE("double quantization keeps extents to their block's resolution", "[quantize]") {
    const Rng rng = Rng(1).stream("extents");
    std::vector<float> extents(1000);
    for (std::size_t i = 0; i < extents.size(); ++i) {
        extents[i] = static_cast<float>(2.4 + 0.4 * rng.normal(i));
    }
    const DoubleQuantized stored(extents);
    CHECK(stored.size() == 1000);
    CHECK(stored.bits() == 8 * 1000 + 32 * 4 + 32);
    for (std::size_t b = 0; b < extents.size(); b += 256) {
        float largest = 0;
        for (std::size_t i = b; i < std::min<std::size_t>(1000, b + 256); ++i) {
            largest = std::max(largest, std::abs(extents[i] - 2.4F));
        }
        for (std::size_t i = b; i < std::min<std::size_t>(1000, b + 256); ++i) {
            // Below the top the map's levels are 0.9/64 apart; the mean is 0.02 off 2.4 at most;
            // under -0.9929688 of the block's largest there is no level.
            CHECK(std::abs(stored.at(i) - extents[i]) <= 0.0075F * (largest + 0.03F));
        }
    }
    // A constant comes back exactly.
    CHECK(DoubleQuantized(std::vector<float>(300, 1.25F)).at(299) == 1.25F);
}

}  // namespace nibble::quantizer_test
