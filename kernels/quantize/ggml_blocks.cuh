// ggml's Q4_0 and Q8_0: blocks of 32 values with the scale inside, 18 and 34 bytes long (Q4Block
// and Q8Block in packed.hpp). One array holds everything about a block in one place, which a
// processor likes; for a GPU it means that nothing lies on a multiple of 4.
//
//     x       (rows, columns)      float, half or bfloat16; columns a multiple of 32
//     blocks  (rows * columns / 32)
//     y       (rows, columns)      float
//
// All arrays are one long list of blocks, so rows do not matter to the kernels.
#include "kernels/quantize/codecs.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

constexpr unsigned short nan_half = 0x7e00;

/// 1 / d, or 0 where that is no finite number.
__device__ inline float inverse_or_zero(float d) {
    const float inverse = __frcp_rn(d);
    return magnitude(inverse) < infinity_bits ? inverse : 0.0f;
}

/// Both formats choose their scale by the value of largest magnitude, Q4_0 by the first such value
/// with its sign. So lanes compare this key: magnitude, then the earlier position, and the sign
/// goes along.
using Key = unsigned long long;
__device__ inline Key key_of(float v, unsigned position) {
    if (v == 0.0f) {
        return 0;  // a block of zeros is one of +0
    }
    return static_cast<Key>(magnitude(v)) << 6 | (31u - position) << 1 | sign_of(v);
}
__device__ inline Key larger(Key a, Key b) {
    return a > b ? a : b;
}
__device__ inline unsigned magnitude_of(Key key) {
    return static_cast<unsigned>(key >> 6);
}

struct Q4 {
    static constexpr const PackedLayout& row = layout(PackedFormat::q4_0);
    static constexpr unsigned block_bytes = row.bytes, code_bytes = block_bytes - 2;
    static constexpr int offset = row.offset;

    /// What codes are made with; d is stored.
    __device__ static float inverse(Key largest, unsigned short& d) {
        if (magnitude_of(largest) >= infinity_bits) {
            d = nan_half;
            return 0.0f;  // code 8, that of zero
        }
        const float v =
            __uint_as_float(magnitude_of(largest) | static_cast<unsigned>(largest) << 31);
        const float scale = __fdiv_rn(v, static_cast<float>(-offset));
        d = __half_as_ushort(__float2half_rn(scale));
        return inverse_or_zero(scale);
    }
    __device__ static unsigned code(float v, float inverse) {
        const float shifted = __fadd_rn(__fmul_rn(v, inverse), 8.5f);
        return static_cast<unsigned>(min(15, __float2int_rz(shifted)));
    }
    __device__ static float value(unsigned code) {
        return static_cast<float>(static_cast<int>(code) - offset);
    }
};

struct Q8 {
    static constexpr const PackedLayout& row = layout(PackedFormat::q8_0);
    static constexpr unsigned block_bytes = row.bytes, code_bytes = block_bytes - 2;
    static constexpr auto limit = static_cast<float>(row.span());

    __device__ static float inverse(Key largest, unsigned short& d) {
        if (magnitude_of(largest) >= infinity_bits) {
            d = nan_half;
            return 0.0f;
        }
        const float scale = __fdiv_rn(__uint_as_float(magnitude_of(largest)), limit);
        d = __half_as_ushort(__float2half_rn(scale));
        return inverse_or_zero(scale);
    }
    __device__ static unsigned code(float v, float inverse) {
        const float rounded = roundf(__fmul_rn(v, inverse));  // halves away from zero
        return static_cast<unsigned>(__float2int_rn(rounded)) & 0xffu;
    }
    __device__ static float value(unsigned code) {
        return static_cast<float>(static_cast<signed char>(code));
    }
};

/// In a poisoned block values may be NaN or infinite: their codes are those of zero.
template <class Format>
__device__ inline unsigned block_code(float v, float inverse, bool poisoned) {
    return Format::code(poisoned ? 0.0f : v, inverse);
}

/// One thread a block: loads a block apart, and stores of single bytes.
template <class Format, class T>
__global__ void quantize_blocks_naive(Global<const T> x, Global<unsigned char> blocks,
                                      std::size_t count) {
    const std::size_t b = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (b >= count) {
        return;
    }
    Key largest = 0;
    for (unsigned i = 0; i < 32; ++i) {
        largest = larger(largest, key_of(to_float(x[32 * b + i]), i));
    }
    unsigned short d = 0;
    const float inverse = Format::inverse(largest, d);
    const bool poisoned = d == nan_half;
    const std::size_t at = b * Format::block_bytes;
    as<unsigned short>(blocks + at)[0] = d;
    for (unsigned i = 0; i < Format::code_bytes; ++i) {
        unsigned byte = block_code<Format>(to_float(x[32 * b + i]), inverse, poisoned);
        if constexpr (Format::code_bytes == 16) {
            byte |= block_code<Format>(to_float(x[32 * b + i + 16]), inverse, poisoned) << 4;
        }
        blocks[at + 2 + i] = static_cast<unsigned char>(byte);
    }
}

/// The codes of one lane's values, ready to be laid into its block; Q4_0 pairs columns 16 apart, so
/// each lane of the first half gets its partner's codes by a shuffle, as high nibbles.
template <class Format, int values>
__device__ inline void codes_of_lane(const float (&v)[values], float inverse, bool poisoned,
                                     unsigned (&words)[2]) {
    words[0] = words[1] = 0;
    NIBBLE_UNROLL
    for (int k = 0; k < values; ++k) {
        words[k / 4] |= block_code<Format>(v[k], inverse, poisoned) << (8 * (k % 4));
    }
    if constexpr (Format::code_bytes == 16) {
        NIBBLE_UNROLL
        for (int w = 0; w < values / 4; ++w) {
            words[w] |= __shfl_xor_sync(full_warp, words[w], 16 / values) << 4;
        }
    }
}

/// 16-byte loads, 32 / values lanes a block. Blocks are put together in shared memory, where 2-byte
/// pieces cost little, and then leave as whole words of 4 bytes, neighbouring lanes side by side.
template <class Format, class T, int threads>
__global__ void __launch_bounds__(threads)
    quantize_blocks_staged(Global<const T> x, Global<unsigned char> blocks, std::size_t count) {
    using Word = typename Vector<T>::Word;
    constexpr int values = Vector<T>::values;
    constexpr unsigned lanes = 32 / values, in_tile = threads / lanes;
    constexpr unsigned tile_words = in_tile * Format::block_bytes / 4;
    __shared__ Shared<unsigned[tile_words]> tile;
    const SharedPointer<unsigned> whole = tile;
    const SharedPointer<unsigned short> pieces = as<unsigned short>(whole);
    const unsigned t = threadIdx.x, lane = t % lanes;
    const std::size_t first = std::size_t{blockIdx.x} * in_tile, b = first + t / lanes;
    Word word = {};
    if (b < count) {
        word = as<const Word>(x)[b * lanes + lane];
    }
    float v[values];
    unpack<T>(word, v);
    Key largest = 0;
    NIBBLE_UNROLL
    for (int k = 0; k < values; ++k) {
        largest = larger(largest, key_of(v[k], lane * values + static_cast<unsigned>(k)));
    }
    for (int offset = static_cast<int>(lanes) / 2; offset > 0; offset /= 2) {
        largest = larger(largest, __shfl_xor_sync(full_warp, largest, offset));
    }
    unsigned short d = 0;
    const float inverse = Format::inverse(largest, d);
    unsigned words[2];
    codes_of_lane<Format>(v, inverse, d == nan_half, words);
    const unsigned at = t / lanes * (Format::block_bytes / 2);
    if (lane == 0) {
        pieces[at] = d;
    }
    if (lane * values < Format::code_bytes) {
        NIBBLE_UNROLL
        for (unsigned k = 0; k < values / 2; ++k) {
            pieces[at + 1 + lane * (values / 2) + k] =
                static_cast<unsigned short>(words[k / 2] >> (16 * (k % 2)));
        }
    }
    __syncthreads();
    const std::size_t here = min(static_cast<unsigned>(count - first), in_tile);
    const std::size_t bytes = here * Format::block_bytes, start = first * Format::block_bytes;
    for (unsigned i = t; i < bytes / 4; i += threads) {
        as<unsigned>(blocks + start)[i] = whole[i];
    }
    if (t == 0 && bytes % 4 != 0) {  // an odd number of blocks ends with half a word
        as<unsigned short>(blocks + start)[bytes / 2 - 1] = pieces[bytes / 2 - 1];
    }
}

/// One thread a block: every store of a warp is spread over 32 sectors.
template <class Format>
__global__ void dequantize_blocks_naive(Global<const unsigned char> blocks, Global<float> y,
                                        std::size_t count) {
    const std::size_t b = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (b >= count) {
        return;
    }
    const std::size_t at = b * Format::block_bytes;
    const unsigned short bits = as<const unsigned short>(blocks + at)[0];
    const float d = __half2float(__ushort_as_half(bits));
    for (unsigned i = 0; i < 32; ++i) {
        unsigned code = blocks[at + 2 + i % Format::code_bytes];
        if constexpr (Format::code_bytes == 16) {
            code = i < 16 ? code & 0xfu : code >> 4;
        }
        y[32 * b + i] = __fmul_rn(Format::value(code), d);
    }
}

/// Eight lanes a block, each with four codes (two loads of 2 bytes, the widest that a block allows)
/// and one store of 16 bytes; eight lanes fill a line of 128 bytes.
template <class Format>
__global__ void dequantize_blocks_vectorised(Global<const unsigned char> blocks, Global<float> y,
                                             std::size_t vectors) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i >= vectors) {
        return;
    }
    const unsigned column = static_cast<unsigned>(i % 8) * 4;
    const auto block = as<const unsigned short>(blocks + i / 8 * Format::block_bytes);
    const unsigned short bits = block[0];
    const unsigned piece = 1 + column % Format::code_bytes / 2;
    const unsigned low = block[piece], high = block[piece + 1];
    const float d = __half2float(__ushort_as_half(bits));
    const unsigned word = low | high << 16;
    float v[4];
    NIBBLE_UNROLL
    for (int k = 0; k < 4; ++k) {
        unsigned code = word >> (8 * k) & 0xffu;
        if constexpr (Format::code_bytes == 16) {
            code = column < 16 ? code & 0xfu : code >> 4;
        }
        v[k] = __fmul_rn(Format::value(code), d);
    }
    as<float4>(y)[i] = make_float4(v[0], v[1], v[2], v[3]);
}

// ---- the ladders -----------------------------------------------------------------------------

constexpr int block_threads = 256;

template <class Format>
void naive(const Job& job, Buffers b) {
    const std::size_t count = job.values() / 32;
    with_input(job.input, [&]<class T>(Type<T>) {
        launch<quantize_blocks_naive<Format, T>>({blocks_for(count, block_threads), block_threads},
                                                 buffer<const T>(b, 0), buffer<unsigned char>(b, 1),
                                                 count);
    });
}
template <class Format>
void staged(const Job& job, Buffers b) {
    const std::size_t count = job.values() / 32;
    with_input(job.input, [&]<class T>(Type<T>) {
        constexpr int in_tile = block_threads * Vector<T>::values / 32;
        launch<quantize_blocks_staged<Format, T, block_threads>>(
            {blocks_for(count, in_tile), block_threads}, buffer<const T>(b, 0),
            buffer<unsigned char>(b, 1), count);
    });
}
template <class Format>
void dequantize_by_naive(const Job& job, Buffers b) {
    const std::size_t count = job.values() / 32;
    launch<dequantize_blocks_naive<Format>>({blocks_for(count, block_threads), block_threads},
                                            buffer<const unsigned char>(b, 0), buffer<float>(b, 1),
                                            count);
}
template <class Format>
void dequantize_by_vectors(const Job& job, Buffers b) {
    const std::size_t vectors = job.values() / 4;
    launch<dequantize_blocks_vectorised<Format>>(
        {blocks_for(vectors, block_threads), block_threads}, buffer<const unsigned char>(b, 0),
        buffer<float>(b, 1), vectors);
}

template <class Format>
constexpr RungRow quantize_rows_of[] = {
    {"naive", "One thread a block: loads a block apart, and stores of single bytes.",
     "quantize_blocks_naive", naive<Format>},
    {"staged",
     "16 bytes a load; blocks are put together in shared memory and leave as whole words.",
     "quantize_blocks_staged", staged<Format>},
};
template <class Format>
constexpr RungRow dequantize_rows_of[] = {
    {"naive", "One thread a block: every store of a warp is spread over 32 sectors.",
     "dequantize_blocks_naive", dequantize_by_naive<Format>},
    {"vectorised", "Eight lanes a block, 16 bytes a store; loads as wide as the block allows.",
     "dequantize_blocks_vectorised", dequantize_by_vectors<Format>},
};

}  // namespace

std::span<const RungRow> quantize_block_rows(PackedFormat format) {
    return format == PackedFormat::q4_0 ? std::span<const RungRow>(quantize_rows_of<Q4>)
                                        : std::span<const RungRow>(quantize_rows_of<Q8>);
}
std::span<const RungRow> dequantize_block_rows(PackedFormat format) {
    return format == PackedFormat::q4_0 ? std::span<const RungRow>(dequantize_rows_of<Q4>)
                                        : std::span<const RungRow>(dequantize_rows_of<Q8>);
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
