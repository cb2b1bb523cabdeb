// The packed formats against a plain oracle, byte for byte, on every instruction set of this
// machine.
#include "kernels/quantize/packed.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <oneapi/tbb/global_control.h>

#include "kernels/quantize/ops.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"
#include "tests/kernels/packed_oracle.hpp"

using namespace nibble;
using namespace nibble::kernels;
using packed_oracle::normal_weights;
using packed_oracle::Packed;

namespace {

/// Back to the best instruction set at the end of a test.
struct RestoreTarget {
    ~RestoreTarget() { use_simd_target(""); }
};

bool is_ggml(PackedFormat f) {
    return f == PackedFormat::q4_0 || f == PackedFormat::q8_0;
}

/// Numbers of one type: what the kernels read, and the same as floats.
struct Values {
    InputType type;
    std::vector<std::uint16_t> halves;  // of f16 and bf16
    std::vector<float> floats;

    const void* data() const {
        return type == InputType::f32 ? static_cast<const void*>(floats.data()) : halves.data();
    }
};

Values as_type(InputType type, std::vector<float> floats) {
    Values v{type, {}, std::move(floats)};
    for (float& x : v.floats) {
        if (type == InputType::f16) {
            v.halves.push_back(packed_oracle::binary16_code(static_cast<double>(x)));
            x = static_cast<float>(packed_oracle::binary16_value(v.halves.back()));
        } else if (type == InputType::bf16) {  // cut off: any bfloat16 will do
            std::uint32_t bits = 0;
            std::memcpy(&bits, &x, 4);
            v.halves.push_back(static_cast<std::uint16_t>(bits >> 16));
            bits &= 0xffff0000u;
            std::memcpy(&x, &bits, 4);
        }
    }
    return v;
}

enum class Kind { usual, tiny, huge, zeros, nan, infinite };

/// What a tensor may hold, group after group: ordinary values, outliers and ties; numbers below the
/// normal ones; numbers whose binary16 scale overflows; signed zeros; a NaN; an infinity.
std::vector<float> mixed_values(std::size_t count, std::uint64_t seed) {
    const Rng rng = Rng(seed).stream("packed-test");
    std::vector<float> x(count);
    Kind kind = Kind::usual;
    for (std::size_t i = 0; i < count; ++i) {
        if (rng.below(4 * i, 24) == 0) {
            kind = static_cast<Kind>(rng.below(4 * i + 1, 6));
        }
        const double normal = rng.normal(4 * i + 2);
        const std::uint64_t die = rng.below(4 * i + 3, 30);
        switch (kind) {
            case Kind::usual:
                x[i] = static_cast<float>(die == 0 ? 2.0 : die == 1 ? -2.0 : 0.02 * normal);
                break;
            case Kind::tiny:
                x[i] = static_cast<float>(normal * (die < 15 ? 1e-44 : 3e-39));
                break;
            case Kind::huge:
                x[i] = static_cast<float>(normal * (die < 15 ? 1e6 : 1e38));
                break;
            case Kind::zeros:
                x[i] = die < 15 ? 0.0F : -0.0F;
                break;
            case Kind::nan:
                x[i] = die == 0 ? std::numeric_limits<float>::quiet_NaN() : 1.0F;
                break;
            case Kind::infinite:
                x[i] = die == 0 ? INFINITY : die == 1 ? -INFINITY : static_cast<float>(normal);
                break;
        }
    }
    return x;
}

Packed quantized(const PackedShape& shape, const Values& x) {
    Packed packed(shape);
    // Two calls, so that rows do not have to start at 0.
    const std::size_t half = shape.rows / 2;
    quantize_rows(shape, x.type, x.data(), packed.view(), 0, half);
    quantize_rows(shape, x.type, x.data(), packed.view(), half, shape.rows - half);
    return packed;
}

std::vector<float> dequantized(const PackedShape& shape, Packed& packed) {
    std::vector<float> y(shape.rows * shape.columns, -123.0F);
    const std::size_t half = shape.rows / 2;
    dequantize_rows(shape, packed.view(), y.data(), 0, half);
    dequantize_rows(shape, packed.view(), y.data(), half, shape.rows - half);
    return y;
}

/// The same bits, or both NaN.
bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float u, float v) {
               return (std::isnan(u) && std::isnan(v)) || std::memcmp(&u, &v, 4) == 0;
           });
}

template <class Body>
void for_each_shape(PackedFormat format, const Body& body) {
    const bool blocks = is_ggml(format);
    const auto columns = blocks ? std::vector<std::size_t>{32, 96, 1056}
                                : std::vector<std::size_t>{1, 31, 33, 127, 129, 1029};
    for (const std::size_t c : columns) {
        for (const std::size_t group : {0, 1, 3, 32, 64, 128}) {
            body(PackedShape{format, 5, c, group});
            if (blocks || format == PackedFormat::mxfp4 || format == PackedFormat::mxfp8_e4m3) {
                break;  // they have 32 whatever is asked for
            }
        }
    }
}

std::string words(const PackedShape& s, InputType type) {
    return std::string(name(s.format)) + " from " + name(type) + ", " + std::to_string(s.columns) +
           " columns in groups of " + std::to_string(s.group());
}

}  // namespace

TEST_CASE("packed bytes and what they come back as are the oracle's on every instruction set",
          "[packed]") {
    const RestoreTarget restore;
    for (const PackedFormat format : all_packed_formats) {
        for (const InputType type : {InputType::f32, InputType::f16, InputType::bf16}) {
            for_each_shape(format, [&](const PackedShape& shape) {
                const Values x = as_type(
                    type, mixed_values(shape.rows * shape.columns, shape.columns + shape.group()));
                const Packed expected = packed_oracle::quantize(shape, x.floats);
                const std::vector<float> back = packed_oracle::dequantize(shape, expected);
                for (const std::string& target : simd_targets()) {
                    INFO(words(shape, type) << " on " << target);
                    use_simd_target(target);
                    Packed packed = quantized(shape, x);
                    REQUIRE(bool(packed.codes == expected.codes));
                    REQUIRE(bool(packed.scales == expected.scales));
                    REQUIRE(bool(packed.zero_points == expected.zero_points));
                    REQUIRE(same(dequantized(shape, packed), back));
                }
            });
        }
    }
}

TEST_CASE("no code comes nearer than the packed one", "[packed]") {
    for (const PackedFormat format : all_packed_formats) {
        if (is_ggml(format)) {
            continue;  // they round by reciprocals of the scale before it is rounded
        }
        const PackedShape shape{format, 7, 333, 32};
        const std::vector<float> x = normal_weights(shape.rows * shape.columns);
        const Values values = as_type(InputType::f32, x);
        Packed packed = quantized(shape, values);
        const std::vector<float> y = dequantized(shape, packed);
        const std::vector<int> codes = packed_oracle::all_codes(format);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const std::size_t group = i / 333 * shape.groups() + i % 333 / 32;
            float scale = 0;
            if (shape.scale_bytes() == packed.scales.size() && packed.scales.size() % 4 == 0 &&
                shape.scale_bytes() == 4 * shape.rows * shape.groups()) {
                std::memcpy(&scale, packed.scales.data() + 4 * group, 4);
            } else {
                scale = std::ldexp(1.0F, packed.scales[group] - 127);
            }
            const int zero = packed.zero_points.empty() ? 0 : packed.zero_points[group];
            double nearest = INFINITY;
            for (const int code : codes) {
                const double value =
                    packed_oracle::value_of(format, code, zero) * static_cast<double>(scale);
                nearest = std::min(nearest, std::abs(value - static_cast<double>(x[i])));
            }
            const double error = std::abs(static_cast<double>(y[i]) - static_cast<double>(x[i]));
            // The quotient, a reciprocal and the product back: three roundings of 2^-24 of the
            // value.
            INFO(name(format) << ": " << x[i] << " came back as " << y[i]);
            REQUIRE(error <= nearest + 3 * 0x1p-24 * std::abs(static_cast<double>(x[i])));
        }
    }
}

TEST_CASE("every code of every format is read", "[packed]") {
    const RestoreTarget restore;
    for (const PackedFormat format : all_packed_formats) {
        if (is_ggml(format)) {
            continue;
        }
        const PackedShape shape{format, 1, 512, 0};
        Packed packed(shape);
        for (std::size_t i = 0; i < packed.codes.size(); ++i) {
            packed.codes[i] = static_cast<std::uint8_t>(i);
        }
        const float scale = 1.5F;
        if (shape.scale_bytes() == 4) {
            std::memcpy(packed.scales.data(), &scale, 4);
        } else {  // every exponent, and the one that is NaN
            for (std::size_t i = 0; i < packed.scales.size(); ++i) {
                packed.scales[i] = static_cast<std::uint8_t>(i < 8 ? i : 248 + i % 8);
            }
        }
        std::fill(packed.zero_points.begin(), packed.zero_points.end(), std::uint8_t{9});
        for (const std::string& target : simd_targets()) {
            INFO(name(format) << " on " << target);
            use_simd_target(target);
            CHECK(same(dequantized(shape, packed), packed_oracle::dequantize(shape, packed)));
        }
    }
}

TEST_CASE("every binary16 number is read", "[packed]") {
    const RestoreTarget restore;
    // Groups of one: the scale is the number's magnitude.
    const PackedShape shape{PackedFormat::fp4, 256, 256, 1};
    Values x{InputType::f16, std::vector<std::uint16_t>(65536), std::vector<float>(65536)};
    for (std::size_t i = 0; i < 65536; ++i) {
        x.halves[i] = static_cast<std::uint16_t>(i);
        x.floats[i] = static_cast<float>(packed_oracle::binary16_value(x.halves[i]));
    }
    const Packed expected = packed_oracle::quantize(shape, x.floats);
    for (const std::string& target : simd_targets()) {
        use_simd_target(target);
        CHECK(quantized(shape, x) == expected);
    }
}

TEST_CASE("q4_0 and q8_0 by hand", "[packed]") {
    const RestoreTarget restore;
    for (const std::string& target : simd_targets()) {
        INFO(target);
        use_simd_target(target);
        std::vector<float> x(128);
        // The value of largest magnitude, -4, is code 0; d = 0.5. The first half of the block lies
        // in the low halves.
        x[0] = -4;
        x[1] = 3.5F;
        x[2] = 0.25F;   // 0.5 + 8.5: halves go up
        x[3] = -0.25F;  // -0.5 + 8.5 = 8
        x[17] = -3.5F;
        // The second block: 4 comes before -4, so d = -0.5, 4 is code 0, and -4 would be 16.
        x[33] = 4;
        x[34] = -4;
        // The third holds zeros, the fourth a number whose scale is beyond binary16.
        x[96] = 1e6F;
        std::vector<Q4Block> q4(4);
        const PackedShape shape{PackedFormat::q4_0, 1, 128, 0};
        PackedView view{reinterpret_cast<std::uint8_t*>(q4.data()), nullptr, nullptr};
        quantize_rows(shape, InputType::f32, x.data(), view, 0, 1);
        CHECK(q4[0].d == 0x3800);
        CHECK(q4[0].codes[0] == 0x80);
        CHECK(q4[0].codes[1] == 0x1f);
        CHECK(q4[0].codes[2] == 0x89);
        CHECK(q4[0].codes[3] == 0x88);
        CHECK(q4[1].d == 0xb800);
        CHECK(q4[1].codes[1] == 0x80);
        CHECK(q4[1].codes[2] == 0x8f);
        CHECK(q4[2].d == 0x8000);
        CHECK(q4[2].codes[5] == 0x88);
        CHECK(q4[3].d == 0xfc00);

        // max|x| = 127: d = 1, and halves go away from zero.
        std::vector<float> v(32);
        v[0] = -127;
        v[1] = 2.5F;
        v[2] = -2.5F;
        v[3] = 0x1.fffffep-2F;  // the float below 1/2, which 1/2 added to it would round up to 1
        v[4] = 126.5F;
        Q8Block q8;
        view.codes = reinterpret_cast<std::uint8_t*>(&q8);
        quantize_rows({PackedFormat::q8_0, 1, 32, 0}, InputType::f32, v.data(), view, 0, 1);
        CHECK(q8.d == 0x3c00);
        CHECK(q8.codes[0] == -127);
        CHECK(q8.codes[1] == 3);
        CHECK(q8.codes[2] == -3);
        CHECK(q8.codes[3] == 0);
        CHECK(q8.codes[4] == 127);
    }
}

TEST_CASE("INT8 by hand", "[packed]") {
    const std::vector<float> x = {0.3F, -0.5F, 0.1F, 0.8F, -0.2F};
    const PackedShape shape{PackedFormat::int8, 1, 5, 0};
    Packed packed = quantized(shape, as_type(InputType::f32, x));
    const std::vector<int> expected = {48, -79, 16, 127, -32};
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(static_cast<std::int8_t>(packed.codes[i]) == expected[i]);
    }
    float scale = 0;
    std::memcpy(&scale, packed.scales.data(), 4);
    CHECK(static_cast<double>(scale) == Approx(0.8 / 127).epsilon(1e-7));  // a float has 24 bits
}

TEST_CASE("a scale given for the whole matrix", "[packed]") {
    const RestoreTarget restore;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> x = {0.0F, 1.0F, -2.4F, 1e9F, -INFINITY, nan, 0.6F};
    const auto codes_of = [&](PackedFormat format, float scale) {
        const PackedShape shape{format, 1, x.size(), 0};
        Packed packed(shape);
        quantize_rows_with(shape, scale, InputType::f32, x.data(), packed.view(), 0, 1);
        CHECK(packed.scales == Packed(shape).scales);
        std::vector<int> codes;
        for (std::size_t c = 0; c < x.size(); ++c) {
            codes.push_back(packed_oracle::code_at(shape, packed, 0, c));
        }
        return codes;
    };
    for (const std::string& target : simd_targets()) {
        INFO(target);
        use_simd_target(target);
        CHECK(codes_of(PackedFormat::int8, 0.5F) ==
              std::vector<int>{0, 2, 256 - 5, 127, 256 - 127, 0, 1});
        CHECK(codes_of(PackedFormat::int4, 0.5F) == std::vector<int>{8, 10, 3, 15, 1, 8, 9});
        // 2, -4.8 and 1.2 to three bits of mantissa: 2, -5 and 1.25.
        CHECK(codes_of(PackedFormat::fp8_e4m3, 0.5F) ==
              std::vector<int>{0, 0x40, 0xca, 0x7e, 0xfe, 0x7f, 0x3a});
        // To two bits: 2, -5 and 1.25.
        CHECK(codes_of(PackedFormat::fp8_e5m2, 0.5F) ==
              std::vector<int>{0, 0x40, 0xc5, 0x7b, 0xfb, 0x7f, 0x3d});
        CHECK(codes_of(PackedFormat::int4, 0.0F) == std::vector<int>(7, 8));
        CHECK(codes_of(PackedFormat::fp8_e4m3, nan) == std::vector<int>(7, 0));
    }
    // Back with the same scale: as with one group a row.
    const PackedShape shape{PackedFormat::int4, 3, 45, 0};
    const std::vector<float> w = normal_weights(3 * 45);
    Packed packed(shape);
    quantize_rows_with(shape, 0.01F, InputType::f32, w.data(), packed.view(), 0, 3);
    std::vector<float> y(w.size());
    dequantize_rows_with(shape, 0.01F, packed.view(), y.data(), 0, 3);
    const std::vector<float> scales(3, 0.01F);
    std::memcpy(packed.scales.data(), scales.data(), 12);
    CHECK(same(y, packed_oracle::dequantize(shape, packed)));
}

TEST_CASE("nibbles are packed and unpacked in both orders, however many", "[packed]") {
    const RestoreTarget restore;
    const Rng rng = Rng(3).stream("nibbles");
    for (const std::string& target : simd_targets()) {
        use_simd_target(target);
        for (std::size_t count = 0; count < 300; ++count) {
            std::vector<std::uint8_t> codes(count);
            for (std::size_t i = 0; i < count; ++i) {
                codes[i] = static_cast<std::uint8_t>(rng.below(i, 16));
            }
            for (const bool high_first : {false, true}) {
                std::vector<std::uint8_t> packed((count + 1) / 2), back(count, 99);
                pack_nibbles(codes.data(), packed.data(), count, high_first);
                for (std::size_t i = 0; i < packed.size(); ++i) {
                    const int even = codes[2 * i], odd = 2 * i + 1 < count ? codes[2 * i + 1] : 0;
                    REQUIRE(packed[i] == (high_first ? 16 * even + odd : even + 16 * odd));
                }
                unpack_nibbles(packed.data(), back.data(), count, high_first);
                REQUIRE(back == codes);
            }
        }
    }
}

TEST_CASE("threads change nothing, nor does going past the cache", "[packed]") {
    // 9 MiB of values: enough to be written past the cache, from an address in the middle of a
    // line.
    constexpr std::size_t rows = 1153, columns = 2048;
    const std::vector<float> x = mixed_values(rows * columns, 5);
    for (const PackedFormat format : all_packed_formats) {
        INFO(name(format));
        const PackedShape shape{format, rows, columns, 96};
        Packed alone(shape), shared(shape);
        quantize_rows(shape, InputType::f32, x.data(), alone.view(), 0, rows);
        std::vector<float> y(rows * columns + 16), z(rows * columns + 16);
        const std::size_t at = 3;
        {
            using oneapi::tbb::global_control;
            const global_control three(global_control::max_allowed_parallelism, 3);
            quantize(shape, InputType::f32, x.data(), shared.view());
            dequantize(shape, shared.view(), y.data() + at);
        }
        CHECK(alone == shared);
        for (std::size_t r = 0; r < rows; ++r) {  // a matrix of one row is small
            const PackedView v = alone.view();
            const std::size_t groups = shape.groups();
            ConstPackedView row;
            row.codes = v.codes + r * shape.row_bytes();
            row.scales =
                static_cast<const std::uint8_t*>(v.scales) + r * (shape.scale_bytes() / rows);
            row.zero_points = v.zero_points + (shape.zero_point_bytes() != 0 ? r * groups : 0);
            dequantize_rows({format, 1, columns, 96}, row, z.data() + at + r * columns, 0, 1);
        }
        CHECK(same(y, z));
    }
}
