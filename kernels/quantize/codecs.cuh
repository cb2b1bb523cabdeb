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

#include <utility>

#include "kernels/quantize/device_codes.cuh"
#include "kernels/rungs.hpp"

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
template <PackedFormat format>
struct SymmetricInteger : Absmax {
    static constexpr int bits = layout(format).codes->bits(), bias = layout(format).offset,
                         limit = static_cast<int>(layout(format).span());
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
template <PackedFormat format>
struct UnsignedInteger {
    static constexpr int bits = layout(format).codes->bits(),
                         limit = static_cast<int>(layout(format).span());
    static constexpr int extents = 2;               // the largest v and the largest -v
    static constexpr unsigned empty = 0x80000000u;  // of 0
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

/// A level by its code. The table is a copy of the function's own, which a GPU can index.
__device__ constexpr float nf4_level(unsigned code) {
    constexpr formats::Levels levels = formats::nf4_levels;
    return levels.level[code];
}
__device__ constexpr float fp4_level(unsigned code) {
    constexpr formats::Levels levels = formats::fp4_levels;
    return levels.level[code];
}
/// Nibble r: the code of FP4's magnitude of rank r.
constexpr unsigned fp4_codes = [] {
    unsigned codes = 0;
    for (unsigned code = 0; code < 8; ++code) {
        unsigned rank = 0;
        for (unsigned other = 0; other < 8; ++other) {
            rank += formats::fp4_levels.level[other] < formats::fp4_levels.level[code] ? 1 : 0;
        }
        codes |= code << (4 * rank);
    }
    return codes;
}();

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
    __device__ static constexpr float level(int code) {
        return nf4_level(static_cast<unsigned>(code));
    }
    __device__ static unsigned code(float v, const Grid& grid) {
        return nearest<Nf4, 0, 16>(__fmul_rn(v, grid.multiplier));
    }
    __device__ static float value(unsigned code) { return nf4_level(code); }
};

struct Fp4 : Table {
    static constexpr unsigned zero_code = 0;
    __device__ static constexpr float level(int rank) {
        return fp4_level(fp4_codes >> (4 * rank) & 7u);
    }
    __device__ static unsigned code(float v, const Grid& grid) {
        const float q = __fmul_rn(v, grid.multiplier);
        const unsigned rank = nearest<Fp4, 0, 8>(fabsf(q));
        return (fp4_codes >> (4 * rank) & 7u) | (q < 0.0f ? 8u : 0u);
    }
    __device__ static float value(unsigned code) { return fp4_level(code); }
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

template <PackedFormat format>
constexpr __nv_fp8_interpretation_t fp8_kind = layout(format).codes->floating == formats::fp8_e4m3
                                                   ? __NV_E4M3
                                                   : __NV_E5M2;

template <PackedFormat format>
struct Fp8Scaled : Absmax {
    static constexpr int bits = 8;
    static constexpr unsigned zero_code = 0;
    static constexpr auto kind = fp8_kind<format>;
    static constexpr auto largest = static_cast<float>(layout(format).span());
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
template <PackedFormat format>
struct Microscaled : Absmax {
    using Scale = unsigned char;
    static constexpr int largest_exponent = layout(format).codes->floating.largest_exponent();
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

constexpr formats::Levels e2m1_levels = formats::levels_of(*layout(PackedFormat::mxfp4).codes);

struct Mxfp4 : Microscaled<PackedFormat::mxfp4> {
    static constexpr int bits = 4;
    static constexpr unsigned zero_code = 0;
    /// Counts the borders below; a value on one goes to the even code, which is the upper one of
    /// every second border.
    __device__ static unsigned code(float v, const Grid& grid) {
        constexpr formats::Levels levels = e2m1_levels;
        const float q = fabsf(__fmul_rn(v, grid.multiplier));
        unsigned rank = 0;
        NIBBLE_UNROLL
        for (int k = 0; k < 7; ++k) {
            const float border = (levels.level[k] + levels.level[k + 1]) / 2;
            rank += (k % 2 == 0 ? q > border : q >= border) ? 1 : 0;
        }
        return rank | sign_of(v) << 3;
    }
    /// The code's bits put where float has exponent and mantissa, its bias made up for.
    __device__ static float value(unsigned code) {
        return __fmul_rn(__uint_as_float((code & 7u) << 22 | (code & 8u) << 28), 0x1p126f);
    }
};

template <PackedFormat format>
struct Mxfp8 : Microscaled<format> {
    static constexpr int bits = 8;
    static constexpr unsigned zero_code = 0;
    __device__ static unsigned code(float v, const Grid& grid) {
        return fp8_code<fp8_kind<format>>(v, __fmul_rn(v, grid.multiplier));
    }
    __device__ static float value(unsigned code) { return Fp8Scaled<format>::value(code); }
};

// ---- by format -------------------------------------------------------------------------------

// clang-format off
template <PackedFormat format> struct CodecOf;
using F = PackedFormat;
template <> struct CodecOf<F::int8> { using type = SymmetricInteger<F::int8>; };
template <> struct CodecOf<F::int4> { using type = SymmetricInteger<F::int4>; };
template <> struct CodecOf<F::uint8> { using type = UnsignedInteger<F::uint8>; };
template <> struct CodecOf<F::uint4> { using type = UnsignedInteger<F::uint4>; };
template <> struct CodecOf<F::nf4> { using type = Nf4; };
template <> struct CodecOf<F::fp4> { using type = Fp4; };
template <> struct CodecOf<F::fp8_e4m3> { using type = Fp8Scaled<F::fp8_e4m3>; };
template <> struct CodecOf<F::fp8_e5m2> { using type = Fp8Scaled<F::fp8_e5m2>; };
template <> struct CodecOf<F::mxfp4> { using type = Mxfp4; };
template <> struct CodecOf<F::mxfp8_e4m3> { using type = Mxfp8<F::mxfp8_e4m3>; };
// clang-format on
template <PackedFormat format>
using Codec = typename CodecOf<format>::type;

/// rows(std::integral_constant of the format): the rungs of one ladder, empty where it has none.
template <class Rows>
std::span<const RungRow> rows_of(PackedFormat wanted, const Rows& rows) {
    std::span<const RungRow> found;
    [&]<std::size_t... k>(std::index_sequence<k...>) {
        const auto try_one = [&](auto format) {
            if (format() == wanted) {
                found = rows(format);
            }
        };
        (try_one(std::integral_constant<PackedFormat, all_packed_formats[k]>()), ...);
    }
    (std::make_index_sequence<all_packed_formats.size()>());
    return found;
}

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
