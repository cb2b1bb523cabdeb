// The emulator's narrow formats: hand-checked codes, and CUDA's own headers as the oracle where the
// build has them.
#include "tests/kernels/emulator/conversions.hpp"

#include <bit>
#include <random>

#include "kernels/cuda.hpp"

#include "tests/catch.hpp"

namespace nibble::kernels {

TEST_CASE("conversions follow IEEE 754 and saturate as the GPU's do", "[emulator]") {
    using namespace formats;
    // hand-checked values: ties to even, the ends of the ranges, subnormals
    const auto fp8 = [](const FloatFormat& f, double x) {
        return encode(f, x, Overflow::saturate);
    };
    CHECK(fp8(fp8_e4m3, 448) == 0x7e);
    CHECK(fp8(fp8_e4m3, 1e9) == 0x7e);
    CHECK(fp8(fp8_e4m3, -INFINITY) == 0xfe);
    CHECK(fp8(fp8_e4m3, 17) == 0x58);      // between 16 and 18: to the even mantissa
    CHECK(fp8(fp8_e4m3, 19) == 0x5a);      // between 18 and 20
    CHECK(fp8(fp8_e4m3, 0x1p-9) == 0x01);  // the smallest
    CHECK(fp8(fp8_e4m3, 0x1p-10) == 0x00);
    CHECK(fp8(fp8_e4m3, 0x1.8p-10) == 0x01);
    CHECK(fp8(fp8_e5m2, 57344) == 0x7b);
    CHECK(fp8(fp8_e5m2, 1e9) == 0x7b);
    CHECK(encode(fp8_e5m2, 1e9, Overflow::standard) == 0x7c);
    CHECK(encode(fp8_e4m3, 1e9, Overflow::standard) == 0x7f);
    const auto half = [](double x) { return emulated::__half::code_of(x); };
    CHECK(half(1) == 0x3c00);
    CHECK(half(65504) == 0x7bff);
    CHECK(half(65519.99) == 0x7bff);
    CHECK(half(65520) == 0x7c00);
    CHECK(half(0x1p-24) == 0x0001);
    CHECK(half(0x1p-25) == 0x0000);
    CHECK(half(-0.0) == 0x8000);
    CHECK(half(NAN) == 0x7fff);

    for (const FloatFormat& f : {fp16, bf16, fp8_e4m3, fp8_e5m2}) {
        for (std::uint32_t code = 0; code < 2 * f.sign_bit(); ++code) {
            const double value = decode(f, code);
            if (!std::isnan(value)) {
                REQUIRE(encode(f, value, Overflow::standard) == code);
            }
        }
    }
}

TEST_CASE("a fused multiply-add of 16 bits rounds once", "[emulator]") {
    using emulated::fma_to_odd;
    const auto half = emulated::__half::code_of;
    // 1 + 2^-11 is a tie of binary16; what decides it is far below the last bit of a double
    const double sum = fma_to_odd(0x1p-24, 0x1p-24, 1 + 0x1p-11 + 0x1p-52);
    CHECK(half(sum) == 0x3c01);
    const double below = fma_to_odd(-0x1p-30, 0x1p-30, 1 + 0x1p-11);
    CHECK(half(below) == 0x3c00);
    const double above = fma_to_odd(0x1p-30, 0x1p-30, 1 + 0x1p-11);
    CHECK(half(above) == 0x3c01);
}

#if NIBBLE_HAVE_CUDA
TEST_CASE("conversions give the codes of CUDA's headers", "[emulator]") {
    using namespace emulated;
    const auto ours = [](float x) {
        return Codes{__half_as_ushort(__float2half_rn(x)),
                     __bfloat16_as_ushort(__float2bfloat16_rn(x)),
                     __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3),
                     __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E5M2),
                     __nv_cvt_float_to_fp8(x, __NV_NOSAT, __NV_E4M3),
                     __nv_cvt_float_to_fp8(x, __NV_NOSAT, __NV_E5M2)};
    };
    // every sign, exponent and leading mantissa, with all, none and one of the bits below: the ties
    // of every format and their neighbours
    for (std::uint32_t top = 0; top < 1u << 20; ++top) {
        for (const std::uint32_t low : {0x000u, 0x001u, 0x800u, 0xfffu}) {
            const auto x = std::bit_cast<float>(top << 12 | low);
            if (ours(x) != cuda::convert(x)) {
                CAPTURE(x, std::bit_cast<std::uint32_t>(x), ours(x).half, cuda::convert(x).half,
                        ours(x).bfloat, cuda::convert(x).bfloat, int(ours(x).e4m3),
                        int(cuda::convert(x).e4m3), int(ours(x).e5m2), int(cuda::convert(x).e5m2));
                REQUIRE(ours(x) == cuda::convert(x));
            }
        }
    }
    const auto same = [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    for (std::uint32_t code = 0; code < 1u << 16; ++code) {
        const auto bits = static_cast<std::uint16_t>(code);
        REQUIRE(same(__half2float(__ushort_as_half(bits)), cuda::half_to_float(bits)));
        REQUIRE(same(__bfloat162float(__ushort_as_bfloat16(bits)), cuda::bfloat_to_float(bits)));
    }
    for (int code = 0; code < 256; ++code) {
        for (const bool e5m2 : {false, true}) {
            const auto storage = static_cast<std::uint8_t>(code);
            const unsigned short half =
                __nv_cvt_fp8_to_halfraw(storage, e5m2 ? __NV_E5M2 : __NV_E4M3).x;
            REQUIRE(same(cuda::half_to_float(half),
                         cuda::half_to_float(cuda::fp8_to_half(storage, e5m2))));
        }
    }
}
#endif

}  // namespace nibble::kernels
