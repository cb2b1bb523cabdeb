// What the quantizing kernels share on the device: reading any input type as float, the largest
// magnitude of a group, its scale, and codes from quotients. Everything rounds exactly as
// packed.hpp says, so processor, emulator and GPU write the same bytes: the intrinsics with _rn are
// never contracted to a fused multiply-add.
#pragma once

#include "kernels/cuda.hpp"
#include "kernels/ladder.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {

constexpr unsigned full_warp = 0xffffffffu;
constexpr unsigned infinity_bits = 0x7f800000u;

// ---- input types -----------------------------------------------------------------------------

__device__ inline float to_float(float v) {
    return v;
}
__device__ inline float to_float(__half v) {
    return __half2float(v);
}
__device__ inline float to_float(__nv_bfloat16 v) {
    return __bfloat162float(v);
}

/// The widest word one thread can load, 16 bytes, and the values inside it.
template <class T>
struct Vector {
    using Word = uint4;
    static constexpr int values = 8;
};
template <>
struct Vector<float> {
    using Word = float4;
    static constexpr int values = 4;
};

template <class T>
__device__ inline void unpack(const float4& word, float (&v)[4]) {
    v[0] = word.x;
    v[1] = word.y;
    v[2] = word.z;
    v[3] = word.w;
}
__device__ inline float from_bits(__half, unsigned bits) {
    return __half2float(__ushort_as_half(static_cast<unsigned short>(bits)));
}
__device__ inline float from_bits(__nv_bfloat16, unsigned bits) {
    return __uint_as_float(bits << 16);
}
template <class T>
__device__ inline void unpack(const uint4& word, float (&v)[8]) {
    const unsigned pairs[4] = {word.x, word.y, word.z, word.w};
    NIBBLE_UNROLL
    for (int i = 0; i < 4; ++i) {
        v[2 * i] = from_bits(T(), pairs[i] & 0xffffu);
        v[2 * i + 1] = from_bits(T(), pairs[i] >> 16);
    }
}

// ---- groups ----------------------------------------------------------------------------------

/// A matrix cut into groups, as in packed.hpp: what a kernel has to know of it.
struct Shape {
    std::size_t all_groups;  // rows * groups
    std::size_t row_bytes;   // of codes
    unsigned columns, group_size, groups;
};

/// One group of it. Nibbles: `code_start` is that of the byte, and group sizes are even.
struct Group {
    std::size_t start;       // index of its first value
    std::size_t code_start;  // byte of its first code
    unsigned size;           // the last of a row may be shorter
};

template <int code_bits>
__device__ inline Group group_at(const Shape& shape, std::size_t g) {
    const std::size_t row = g / shape.groups;
    const unsigned column = static_cast<unsigned>(g % shape.groups) * shape.group_size;
    return {row * shape.columns + column,
            row * shape.row_bytes + std::size_t{column} * code_bits / 8,
            min(shape.group_size, shape.columns - column)};
}

// ---- scales ----------------------------------------------------------------------------------

/// The bits of |v|. As integers they stand in the order of the values, infinity above every number
/// and NaN above infinity: one integer maximum finds the largest magnitude and whether the group is
/// poisoned.
__device__ inline unsigned magnitude(float v) {
    return __float_as_uint(v) & 0x7fffffffu;
}

/// The largest magnitude of `lanes` neighbouring lanes (a power of two), for each of them. The
/// whole warp takes part.
__device__ inline unsigned max_of_lanes(unsigned largest, int lanes) {
    for (int offset = lanes / 2; offset > 0; offset /= 2) {
        largest = max(largest, __shfl_xor_sync(full_warp, largest, offset));
    }
    return largest;
}

/// The largest of a block, for all of its threads, with one barrier: each warp by shuffles, then
/// every warp reads what all of them found.
template <int threads>
__device__ inline unsigned max_of_block(unsigned largest) {
    __shared__ Shared<unsigned[threads / 32]> of_warps;
    const unsigned t = threadIdx.x;
    largest = max_of_lanes(largest, 32);
    if (t % 32 == 0) {
        of_warps[t / 32] = largest;
    }
    __syncthreads();
    const unsigned other = of_warps[t % (threads / 32)];
    return max_of_lanes(other, threads / 32);
}

__device__ inline float not_a_number() {
    return __uint_as_float(0x7fc00000u);
}

/// max|x| / limit; NaN for a poisoned group.
__device__ inline float absmax_scale(unsigned largest, float limit) {
    return largest < infinity_bits ? __fdiv_rn(__uint_as_float(largest), limit) : not_a_number();
}

/// What to divide by: NaN unless the scale is a number above 0, because whatever is divided by NaN
/// is NaN, and __float2int_rn makes that code 0.
__device__ inline float divisor_of(float scale) {
    return scale > 0.0f ? scale : not_a_number();
}

// ---- codes -----------------------------------------------------------------------------------

/// round(v / divisor), halves to even, within -limit .. limit.
__device__ inline int integer_code(float v, float divisor, int limit) {
    return max(-limit, min(limit, __float2int_rn(__fdiv_rn(v, divisor))));
}

/// Division by one divisor many times: with its reciprocal, each quotient costs a multiplication
/// and four fused multiply-adds instead of a division's dozen instructions, and still is the
/// correctly rounded one. Each pair takes the remainder of the quotient so far, exactly, and
/// corrects by it: the first brings the quotient within one unit, the second to the nearest
/// (Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor", 1990).
/// That needs a divisor far from the ends of float's range; `safe` says whether it is.
struct Divisor {
    float value, reciprocal;
    bool safe;
};
__device__ inline Divisor make_divisor(float value) {
    return {value, __frcp_rn(value), value > 0x1p-60f && value < 0x1p60f};
}
__device__ inline float divide(float v, const Divisor& by) {
    float q = __fmul_rn(v, by.reciprocal);
    NIBBLE_UNROLL
    for (int step = 0; step < 2; ++step) {
        q = __fmaf_rn(__fmaf_rn(-q, by.value, v), by.reciprocal, q);
    }
    return q;
}

/// The nearest integer, halves to even, in the low bits of the result: above 2^23 floats are whole
/// numbers, so the addition does the rounding. |q| < 2^21; two's complement of 22 bits.
__device__ inline unsigned rounded_bits(float q) {
    return __float_as_uint(__fadd_rn(q, 0x1.8p23f));
}

// ---- launching -------------------------------------------------------------------------------

template <class T>
struct Type {
    using type = T;
};
/// Calls f with Type<float>, Type<__half> or Type<__nv_bfloat16>.
template <class F>
void with_input(InputType type, F f) {
    switch (type) {
        case InputType::f32:
            return f(Type<float>());
        case InputType::f16:
            return f(Type<__half>());
        case InputType::bf16:
            return f(Type<__nv_bfloat16>());
    }
}

/// Buffer i of a run as elements of T.
template <class T>
T* buffer(Buffers buffers, std::size_t i) {
    return static_cast<T*>(buffers[i]);
}

inline unsigned blocks_for(std::size_t work, std::size_t per_block) {
    return static_cast<unsigned>((work + per_block - 1) / per_block);
}

inline Shape shape_of(const Job& job, PackedFormat format) {
    const PackedShape packed{format, job.rows, job.columns, job.group_size};
    return {job.rows * packed.groups(), packed.row_bytes(), static_cast<unsigned>(job.columns),
            static_cast<unsigned>(packed.group()), static_cast<unsigned>(packed.groups())};
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
