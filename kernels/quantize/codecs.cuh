// The formats of packed.hpp as a GPU's kernels see them. A Codec<format> says, for one group:
//
//     extents, widen     what to know of the values: one maximum of magnitudes, or one of each side
//     grid               from those: the scale, and what codes are computed with
//     code, zero_code    the code of a value; that of 0, for groups of zeros and poisoned ones
//     value              back, without the scale
//
// so that a kernel for many formats reads like a kernel for one. Maxima are those of bits, as
// unsigned integers (device_codes.cuh, magnitude), in all formats: lanes and warps join them alike.
#pragma once

#include "kernels/quantize/device_codes.cuh"

namespace nibble::kernels::NIBBLE_MACHINE {

/// What the codes of one group are computed with.
struct Grid {
    float scale = 0;               // as stored, except where it is an exponent
    unsigned char exponent = 0;    // E8M0
    unsigned char zero_point = 0;  // unsigned integers
    Divisor divisor = {};          // by the scale
    float multiplier = 0;          // 1 / scale, where values are multiplied by it
    bool usable = false;           // otherwise all codes are zero_code
};

/// v / scale, correctly rounded; v is finite and so is the scale, above 0.
__device__ inline float quotient(float v, const Divisor& by) {
    return by.safe ? divide(v, by) : __fdiv_rn(v, by.value);
}

__device__ inline Grid grid_of_scale(float scale) {
    Grid grid;
    grid.scale = scale;
    grid.usable = scale > 0.0f;
    grid.divisor = make_divisor(scale);
    return grid;
}

/// Formats whose scale comes from the largest magnitude.
struct Absmax {
    static constexpr int extents = 1;
    static constexpr unsigned empty = 0;
    using Scale = float;
    static constexpr bool has_zero_point = false, high_first = false;
    __device__ static void widen(unsigned (&extent)[1], float v) {
        extent[0] = max(extent[0], magnitude(v));
    }
    __device__ static float stored(const Grid& grid) { return grid.scale; }
    __device__ static float scale(float stored) { return stored; }
};

// ---- integers --------------------------------------------------------------------------------

/// Codes -limit .. limit; 4-bit ones are stored with `bias` added, 8-bit ones in two's complement.
template <int bits_, int limit, int bias>
struct SymmetricInteger : Absmax {
    static constexpr int bits = bits_;
    static constexpr unsigned zero_code = bias;
    __device__ static Grid grid(const unsigned (&extent)[1]) {
        return grid_of_scale(absmax_scale(extent[0], static_cast<float>(limit)));
    }
    __device__ static unsigned code(float v, const Grid& grid) {
        const int code = __float2int_rn(quotient(v, grid.divisor));
        const auto stored = static_cast<unsigned>(max(-limit, min(limit, code)) + bias);
        return stored & ((1u << bits) - 1u);
    }
    __device__ static float value(unsigned code) {
        return bits == 8 ? static_cast<float>(static_cast<signed char>(code))
                         : static_cast<float>(static_cast<int>(code) - bias);
    }
};

/// Floats in their order as unsigned integers, negative ones too. A NaN lies beyond both
/// infinities: above +inf with a clear sign bit, and its negative is, with a set one.
__device__ inline unsigned ordered(float v) {
    const unsigned bits = __float_as_uint(v);
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}
__device__ inline float from_ordered(unsigned key) {
    return __uint_as_float((key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key);
}

/// Codes 0 .. limit with a zero point; the range always includes 0.
template <int bits_, int limit>
struct UnsignedInteger {
    static constexpr int bits = bits_, extents = 2;  // the largest v and the largest -v
    static constexpr unsigned empty = 0x80000000u;   // of 0
    static constexpr unsigned zero_code = 0;
    static constexpr bool has_zero_point = true, high_first = false;
    using Scale = float;
    __device__ static void widen(unsigned (&extent)[2], float v) {
        extent[0] = max(extent[0], ordered(v));
        extent[1] = max(extent[1], ordered(-v));
    }
    __device__ static Grid grid(const unsigned (&extent)[2]) {
        constexpr unsigned infinite = infinity_bits | 0x80000000u;
        const float high = from_ordered(extent[0]), low = -from_ordered(extent[1]);
        const float scale = __fdiv_rn(__fadd_rn(high, -low), static_cast<float>(limit));
        const bool finite =
            extent[0] < infinite && extent[1] < infinite && magnitude(scale) < infinity_bits;
        Grid grid = grid_of_scale(finite ? scale : not_a_number());
        if (grid.usable) {
            const int zero = __float2int_rn(__fdiv_rn(-low, scale));
            grid.zero_point = static_cast<unsigned char>(max(0, min(limit, zero)));
        }
        return grid;
    }
    __device__ static unsigned code(float v, const Grid& grid) {
        const int code = __float2int_rn(quotient(v, grid.divisor)) + grid.zero_point;
        return static_cast<unsigned>(max(0, min(limit, code)));
    }
    __device__ static float value(unsigned code) { return static_cast<float>(code); }
    __device__ static float stored(const Grid& grid) { return grid.scale; }
    __device__ static float scale(float stored) { return stored; }
};

// ---- tables ----------------------------------------------------------------------------------

/// Scale max|x|; values are multiplied by 1 / scale, so a scale without a finite one counts as 0.
struct Table : Absmax {
    static constexpr int bits = 4;
    static constexpr bool high_first = true;
    __device__ static Grid grid(const unsigned (&extent)[1]) {
        Grid grid;
        grid.scale = extent[0] < infinity_bits ? __uint_as_float(extent[0]) : not_a_number();
        grid.multiplier = __frcp_rn(grid.scale);
        grid.usable = magnitude(grid.multiplier) < infinity_bits;
        grid.scale = grid.usable || extent[0] >= infinity_bits ? grid.scale : 0.0f;
        return grid;
    }
};

/// QLoRA, arXiv 2305.14314, appendix E.
__device__ constexpr float nf4_level(int code) {
    constexpr float levels[16] = {-1.0f,
                                  -0.6961928009986877f,
                                  -0.5250730514526367f,
                                  -0.39491748809814453f,
                                  -0.28444138169288635f,
                                  -0.18477343022823334f,
                                  -0.09105003625154495f,
                                  0.0f,
                                  0.07958029955625534f,
                                  0.16093020141124725f,
                                  0.24611230194568634f,
                                  0.33791524171829224f,
                                  0.44070982933044434f,
                                  0.5626170039176941f,
                                  0.7229568362236023f,
                                  1.0f};
    return levels[code];
}
/// bitsandbytes' magnitudes, rising, and the codes they have there.
__device__ constexpr float fp4_magnitude(int rank) {
    constexpr float magnitudes[8] = {0.0f, 5.208333333e-03f, 0.16666667f, 0.25f, 0.33333333f,
                                     0.5f, 0.66666667f,      1.0f};
    return magnitudes[rank];
}
constexpr unsigned fp4_codes = 0x32547610u;  // nibble r: the code of rank r

/// Which of `count` rising levels from `first` on is nearest, the lower one in a tie: four or three
/// comparisons, half of the levels each.
template <class Levels, int first, int count>
__device__ inline unsigned nearest(float v) {
    if constexpr (count == 1) {
        return first;
    } else {
        constexpr int middle = first + count / 2;
        constexpr float border = (Levels::level(middle - 1) + Levels::level(middle)) / 2;
        return v > border ? nearest<Levels, middle, count / 2>(v)
                          : nearest<Levels, first, count / 2>(v);
    }
}

struct Nf4 : Table {
    static constexpr unsigned zero_code = 7;
    __device__ static constexpr float level(int code) { return nf4_level(code); }
    __device__ static unsigned code(float v, const Grid& grid) {
        return nearest<Nf4, 0, 16>(__fmul_rn(v, grid.multiplier));
    }
    __device__ static float value(unsigned code) { return nf4_level(static_cast<int>(code)); }
};

struct Fp4 : Table {
    static constexpr unsigned zero_code = 0;
    __device__ static constexpr float level(int rank) { return fp4_magnitude(rank); }
    __device__ static unsigned code(float v, const Grid& grid) {
        const float q = __fmul_rn(v, grid.multiplier);
        const unsigned rank = nearest<Fp4, 0, 8>(fabsf(q));
        return (fp4_codes >> (4 * rank) & 7u) | (q < 0.0f ? 8u : 0u);
    }
    __device__ static float value(unsigned code) {
        constexpr unsigned ranks = 0x32547610u;  // the order undoes itself
        static_assert(ranks == fp4_codes);
        const float size = fp4_magnitude(static_cast<int>(ranks >> (4 * (code & 7u)) & 7u));
        return (code & 8u) != 0 ? -size : size;
    }
};

// ---- small floats ----------------------------------------------------------------------------

__device__ inline unsigned sign_of(float v) {
    return __float_as_uint(v) >> 31;
}

/// The quotient's sign is put on at the end: correcting a quotient of -0 would lose it.
template <__nv_fp8_interpretation_t kind>
__device__ inline unsigned fp8_code(float v, float quotient) {
    return __nv_cvt_float_to_fp8(fabsf(quotient), __NV_SATFINITE, kind) | sign_of(v) << 7;
}

template <__nv_fp8_interpretation_t kind>
struct Fp8Scaled : Absmax {
    static constexpr int bits = 8;
    static constexpr unsigned zero_code = 0;
    static constexpr float largest = kind == __NV_E4M3 ? 448.0f : 57344.0f;
    __device__ static Grid grid(const unsigned (&extent)[1]) {
        return grid_of_scale(absmax_scale(extent[0], largest));
    }
    __device__ static unsigned code(float v, const Grid& grid) {
        return fp8_code<kind>(v, quotient(v, grid.divisor));
    }
    __device__ static float value(unsigned code) {
        return __half2float(
            __half(__nv_cvt_fp8_to_halfraw(static_cast<__nv_fp8_storage_t>(code), kind)));
    }
};

/// A block's scale is a power of two, its exponent all that is stored (OCP Microscaling Formats
/// (MX) 1.0, section 6.3): floor(log2 max|x|) is the exponent field of the maximum, and dividing by
/// the scale is multiplying by its exact reciprocal.
template <int largest_exponent>
struct Microscaled : Absmax {
    using Scale = unsigned char;
    __device__ static Grid grid(const unsigned (&extent)[1]) {
        // Numbers below the normal ones have field 0, as 2^-127 and all that is less: clamped
        // below.
        const int exponent = max(0, static_cast<int>(extent[0] >> 23) - largest_exponent);
        Grid grid;
        grid.usable = extent[0] < infinity_bits;
        grid.exponent = static_cast<unsigned char>(grid.usable ? exponent : 255);
        grid.multiplier = __uint_as_float(static_cast<unsigned>(254 - exponent) << 23);
        return grid;
    }
    __device__ static unsigned char stored(const Grid& grid) { return grid.exponent; }
    __device__ static float scale(unsigned char exponent) {
        return exponent == 255 ? not_a_number()
               : exponent == 0 ? 0x1p-127f
                               : __uint_as_float(static_cast<unsigned>(exponent) << 23);
    }
};

struct Mxfp4 : Microscaled<2> {
    static constexpr int bits = 4;
    static constexpr unsigned zero_code = 0;
    /// Magnitudes 0, 0.5, 1, 1.5, 2, 3, 4, 6. Counts the borders below; a value on one goes to the
    /// even code, which is the upper one of every second border.
    __device__ static unsigned code(float v, const Grid& grid) {
        const float q = fabsf(__fmul_rn(v, grid.multiplier));
        const int rank = (q > 0.25f) + (q >= 0.75f) + (q > 1.25f) + (q >= 1.75f) + (q > 2.5f) +
                         (q >= 3.5f) + (q > 5.0f);
        return static_cast<unsigned>(rank) | sign_of(v) << 3;
    }
    /// The code's bits put where float has exponent and mantissa, its bias made up for.
    __device__ static float value(unsigned code) {
        return __fmul_rn(__uint_as_float((code & 7u) << 22 | (code & 8u) << 28), 0x1p126f);
    }
};

struct Mxfp8 : Microscaled<8> {
    static constexpr int bits = 8;
    static constexpr unsigned zero_code = 0;
    __device__ static unsigned code(float v, const Grid& grid) {
        return fp8_code<__NV_E4M3>(v, __fmul_rn(v, grid.multiplier));
    }
    __device__ static float value(unsigned code) { return Fp8Scaled<__NV_E4M3>::value(code); }
};

// ---- by format -------------------------------------------------------------------------------

// clang-format off
template <PackedFormat format> struct CodecOf;
template <> struct CodecOf<PackedFormat::int8> { using type = SymmetricInteger<8, 127, 0>; };
template <> struct CodecOf<PackedFormat::int4> { using type = SymmetricInteger<4, 7, 8>; };
template <> struct CodecOf<PackedFormat::uint8> { using type = UnsignedInteger<8, 255>; };
template <> struct CodecOf<PackedFormat::uint4> { using type = UnsignedInteger<4, 15>; };
template <> struct CodecOf<PackedFormat::nf4> { using type = Nf4; };
template <> struct CodecOf<PackedFormat::fp4> { using type = Fp4; };
template <> struct CodecOf<PackedFormat::fp8_e4m3> { using type = Fp8Scaled<__NV_E4M3>; };
template <> struct CodecOf<PackedFormat::fp8_e5m2> { using type = Fp8Scaled<__NV_E5M2>; };
template <> struct CodecOf<PackedFormat::mxfp4> { using type = Mxfp4; };
template <> struct CodecOf<PackedFormat::mxfp8_e4m3> { using type = Mxfp8; };
// clang-format on
template <PackedFormat format>
using Codec = typename CodecOf<format>::type;

template <class Codec>
__device__ inline unsigned code_in(const Grid& grid, float v) {
    return grid.usable ? Codec::code(v, grid) : Codec::zero_code;
}

/// No value seen yet.
template <class Codec>
__device__ inline void fill_empty(unsigned (&extent)[Codec::extents]) {
    NIBBLE_UNROLL
    for (int e = 0; e < Codec::extents; ++e) {
        extent[e] = Codec::empty;
    }
}

/// The maxima of `lanes` neighbouring lanes, for each of them; the whole warp takes part.
template <int n>
__device__ inline void join_lanes(unsigned (&extent)[n], int lanes) {
    NIBBLE_UNROLL
    for (int e = 0; e < n; ++e) {
        extent[e] = max_of_lanes(extent[e], lanes);
    }
}

// ---- packing ---------------------------------------------------------------------------------

/// Where nibble k of a word stands, in bits.
template <class Codec>
__device__ constexpr int nibble_shift(int k) {
    return 4 * (Codec::high_first ? k ^ 1 : k);
}

/// An integer of so many bytes, for stores of packed codes.
template <int bytes>
struct PackedWord;
template <>
struct PackedWord<2> {
    using type = unsigned short;
    __device__ static type make(const unsigned (&w)[2]) { return static_cast<type>(w[0]); }
    __device__ static unsigned part(type word, int) { return word; }
};
template <>
struct PackedWord<4> {
    using type = unsigned;
    __device__ static type make(const unsigned (&w)[2]) { return w[0]; }
    __device__ static unsigned part(type word, int) { return word; }
};
template <>
struct PackedWord<8> {
    using type = uint2;
    __device__ static type make(const unsigned (&w)[2]) { return make_uint2(w[0], w[1]); }
    __device__ static unsigned part(type word, int i) { return i == 0 ? word.x : word.y; }
};

/// The word that holds `values` codes of this format.
template <class Codec, int values>
using CodeWord = PackedWord<values * Codec::bits / 8>;

template <class Codec, int values>
__device__ inline typename CodeWord<Codec, values>::type pack(const Grid& grid,
                                                              const float (&v)[values]) {
    unsigned words[2] = {0, 0};
    NIBBLE_UNROLL
    for (int k = 0; k < values; ++k) {
        const unsigned code = code_in<Codec>(grid, v[k]);
        if constexpr (Codec::bits == 8) {
            words[k / 4] |= code << (8 * (k % 4));
        } else {
            words[0] |= code << nibble_shift<Codec>(k);
        }
    }
    return CodeWord<Codec, values>::make(words);
}

/// One byte of codes: one of 8 bits, or two of 4, of which the second may be missing.
template <class Codec>
__device__ inline unsigned char pack_byte(const Grid& grid, float first, float second,
                                          bool has_second) {
    unsigned byte = code_in<Codec>(grid, first);
    if constexpr (Codec::bits == 4) {
        const unsigned next = has_second ? code_in<Codec>(grid, second) : 0u;
        byte = byte << nibble_shift<Codec>(0) | next << nibble_shift<Codec>(1);
    }
    return static_cast<unsigned char>(byte);
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
