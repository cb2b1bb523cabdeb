// What the packed formats take in memory, what they cost in accuracy, and which shapes they refuse.
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "kernels/quantize/packed.hpp"

#include "tests/catch.hpp"
#include "tests/kernels/packed_oracle.hpp"

using namespace nibble::kernels;
using packed_oracle::normal_weights;
using packed_oracle::Packed;

TEST_CASE("sizes, and bits a weight", "[packed]") {
    const auto bits = [](PackedFormat format, std::size_t group) {
        const PackedShape shape{format, 4096, 4096, group};
        return 8.0 * static_cast<double>(shape.bytes()) / (4096.0 * 4096.0);
    };
    CHECK(bits(PackedFormat::q4_0, 0) == 4.5);
    CHECK(bits(PackedFormat::q8_0, 0) == 8.5);
    CHECK(bits(PackedFormat::nf4, 64) == 4.5);
    CHECK(bits(PackedFormat::mxfp4, 0) == 4.25);
    CHECK(bits(PackedFormat::mxfp8_e4m3, 0) == 8.25);
    CHECK(bits(PackedFormat::int4, 128) == 4.25);
    CHECK(bits(PackedFormat::uint4, 128) == 4 + 40.0 / 128);
    CHECK(bits(PackedFormat::int8, 0) == 8 + 32.0 / 4096);
    // Double-quantized scales: 8 bits each, a float for 256, and one for all.
    const std::size_t scales = 4096 * 4096 / 64;
    const double second_level = 8.0 * scales + 32.0 * scales / scale_block + 32;
    CHECK(4 + second_level / (4096.0 * 4096.0) == Approx(4.12695).epsilon(1e-5));  // its digits

    const PackedShape odd{PackedFormat::uint4, 3, 7, 3};
    CHECK(odd.groups() == 3);
    CHECK(odd.row_bytes() == 4);
    CHECK(odd.bytes() == 3 * (4 + 3 * 4 + 3));
    CHECK(PackedShape{PackedFormat::int8, 2, 9, 0}.groups() == 1);
    CHECK(PackedShape{PackedFormat::mxfp4, 2, 33, 128}.group() == 32);
    CHECK(PackedShape{PackedFormat::mxfp4, 2, 33, 128}.scale_bytes() == 4);
    CHECK(PackedShape{PackedFormat::int4, 0, 0, 0}.bytes() == 0);
    CHECK(std::string(name(PackedFormat::fp8_e5m2)) == "fp8_e5m2");
    CHECK(std::string(name(PackedFormat::q8_0)) == "q8_0");
    CHECK(std::string(name(InputType::bf16)) == "bf16");
}

TEST_CASE("the error on normal weights is what other implementations measure", "[packed]") {
    // Published by measurement of ggml and bitsandbytes on N(0, 0.02), in dB to two digits; two
    // million values leave the mean square uncertain by 0.1 %, 0.005 dB.
    struct Case {
        PackedFormat format;
        std::size_t group;
        double sqnr;
    };
    const std::size_t rows = 512, columns = 4096;
    const std::vector<float> x = normal_weights(rows * columns);
    double power = 0;
    for (const float v : x) {
        power += static_cast<double>(v) * static_cast<double>(v);
    }
    for (const Case& c :
         {Case{PackedFormat::q4_0, 0, 21.32}, Case{PackedFormat::q8_0, 0, 45.43},
          Case{PackedFormat::nf4, 64, 20.73}, Case{PackedFormat::fp4, 64, 18.28},
          Case{PackedFormat::mxfp4, 0, 18.86}, Case{PackedFormat::uint4, 32, 21.86},
          Case{PackedFormat::nf4, 32, 21.18}, Case{PackedFormat::uint4, 64, 20.82},
          Case{PackedFormat::uint4, 128, 19.96}, Case{PackedFormat::nf4, 128, 20.40}}) {
        const PackedShape shape{c.format, rows, columns, c.group};
        Packed packed(shape);
        quantize(shape, InputType::f32, x.data(), packed.view());
        std::vector<float> y(x.size());
        dequantize(shape, packed.view(), y.data());
        double error = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double e = static_cast<double>(x[i]) - static_cast<double>(y[i]);
            error += e * e;
        }
        INFO(name(c.format) << " in groups of " << shape.group());
        CHECK(10 * std::log10(power / error) == Approx(c.sqnr).margin(0.02));
    }
}

TEST_CASE("NF4 with double-quantized scales loses little, and a NaN stays in its block",
          "[packed]") {
    const PackedShape shape{PackedFormat::nf4, 256, 4096, 64};
    const std::vector<float> x = normal_weights(shape.rows * shape.columns);
    Packed packed(shape);
    quantize(shape, InputType::f32, x.data(), packed.view());
    std::vector<float> scales(shape.rows * shape.groups());
    std::memcpy(scales.data(), packed.scales.data(), packed.scales.size());
    std::vector<std::uint8_t> codes(scales.size());
    std::vector<float> block_scales(scales.size() / scale_block), stored(scales.size());
    const auto requantize = [&] {
        const float mean =
            quantize_scales(scales.data(), scales.size(), codes.data(), block_scales.data());
        dequantize_scales(codes.data(), block_scales.data(), mean, scales.size(), stored.data());
    };
    requantize();
    for (std::size_t i = 0; i < scales.size(); ++i) {
        // Below the top the map's levels are at most 0.9 / 64 apart; below -0.993 there is none.
        REQUIRE(std::abs(stored[i] - scales[i]) <= 0.0075F * block_scales[i / scale_block]);
    }
    scales[300] = std::numeric_limits<float>::quiet_NaN();
    requantize();
    for (std::size_t i = 0; i < scales.size(); ++i) {
        REQUIRE(std::isnan(stored[i]) == (i / scale_block == 1));
    }
}

TEST_CASE("shapes that cannot be are refused by name", "[packed]") {
    std::vector<float> x(128);
    Packed packed({PackedFormat::q4_0, 2, 64, 0});
    const auto refuse = [&](PackedShape shape, std::size_t first, std::size_t count,
                            const std::string& what) {
        CHECK_THROWS_WITH(
            quantize_rows(shape, InputType::f32, x.data(), packed.view(), first, count),
            Catch::Contains(what));
        CHECK_THROWS_WITH(dequantize_rows(shape, packed.view(), x.data(), first, count),
                          Catch::Contains(what));
    };
    refuse({PackedFormat::q4_0, 1, 33, 0}, 0, 1, "33");
    refuse({PackedFormat::q8_0, 1, 16, 0}, 0, 1, "16");
    refuse({PackedFormat::int8, 2, 64, 0}, 1, 2, "2 rows from row 1 of a matrix of 2");
    refuse({PackedFormat::int8, 2, 64, 0}, 3, 0, "matrix of 2");
    CHECK_THROWS_AS(quantize_rows_with({PackedFormat::nf4, 1, 64, 0}, 1.0F, InputType::f32,
                                       x.data(), packed.view(), 0, 1),
                    std::invalid_argument);
}
