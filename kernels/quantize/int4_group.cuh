// Group-wise INT4 quantization, from naive to fast. Each group of a row has one scale,
// max|x| / 7, and codes round(x / scale) + 8 in 4 bits, two to a byte (packed.hpp).
//
//     x       (rows, columns)               float, half or bfloat16
//     codes   (rows, (columns + 1) / 2)     bytes
//     scales  (rows, groups)                float
//
// It reads 4 bytes a value and writes half a byte: memory is all it waits for. So each rung is
// about how the bytes are asked for, and how often.
#include "kernels/quantize/device_codes.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

/// code + 8, which is 8 for whatever is divided by NaN.
__device__ inline unsigned int4_nibble(float v, float divisor) {
    return static_cast<unsigned>(integer_code(v, divisor, 7) + 8);
}

/// One thread a group: the loop one would write for a processor. Neighbouring lanes stand a group
/// apart, so each load of a warp touches 32 sectors of 32 bytes and uses 4 bytes of each.
template <class T>
__global__ void int4_group_naive(Global<const T> x, Global<unsigned char> codes,
                                 Global<float> scales, Shape shape) {
    const std::size_t g = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (g >= shape.all_groups) {
        return;
    }
    const Group group = group_at<4>(shape, g);
    unsigned largest = 0;
    for (unsigned i = 0; i < group.size; ++i) {
        largest = max(largest, magnitude(to_float(x[group.start + i])));
    }
    const float scale = absmax_scale(largest, 7.0f), divisor = divisor_of(scale);
    scales[g] = scale;
    for (unsigned i = 0; i < group.size; i += 2) {
        unsigned byte = int4_nibble(to_float(x[group.start + i]), divisor);
        if (i + 1 < group.size) {
            byte |= int4_nibble(to_float(x[group.start + i + 1]), divisor) << 4;
        }
        codes[group.code_start + i / 2] = static_cast<unsigned char>(byte);
    }
}

/// One block a group, neighbouring lanes on neighbouring values: a load of a warp is 4 full
/// sectors. The maximum goes through a tree in shared memory, with a barrier for each level, and
/// the values are read a second time for their codes, two by each thread.
template <class T, int threads>
__global__ void __launch_bounds__(threads)
    int4_group_coalesced(Global<const T> x, Global<unsigned char> codes, Global<float> scales,
                         Shape shape) {
    __shared__ Shared<unsigned[threads]> largest;
    const unsigned t = threadIdx.x;
    const Group group = group_at<4>(shape, blockIdx.x);
    unsigned mine = 0;
    for (unsigned i = t; i < group.size; i += threads) {
        mine = max(mine, magnitude(to_float(x[group.start + i])));
    }
    largest[t] = mine;
    __syncthreads();
    for (unsigned half = threads / 2; half > 0; half /= 2) {
        if (t < half) {
            const unsigned left = largest[t], right = largest[t + half];
            largest[t] = max(left, right);
        }
        __syncthreads();
    }
    const float scale = absmax_scale(largest[0], 7.0f), divisor = divisor_of(scale);
    if (t == 0) {
        scales[blockIdx.x] = scale;
    }
    for (unsigned i = 2 * t; i < group.size; i += 2 * threads) {
        unsigned byte = int4_nibble(to_float(x[group.start + i]), divisor);
        if (i + 1 < group.size) {
            byte |= int4_nibble(to_float(x[group.start + i + 1]), divisor) << 4;
        }
        codes[group.code_start + i / 2] = static_cast<unsigned char>(byte);
    }
}

/// One warp a group. Lanes hand their maxima to each other in registers (shuffles), so there is no
/// shared memory and nobody waits at a barrier; and a shuffle brings the two nibbles of a byte
/// together, so that the second reading is as neat as the first.
template <class T>
__global__ void int4_group_shuffles(Global<const T> x, Global<unsigned char> codes,
                                    Global<float> scales, Shape shape) {
    const std::size_t g = (std::size_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
    const unsigned lane = threadIdx.x % 32;
    if (g >= shape.all_groups) {
        return;
    }
    const Group group = group_at<4>(shape, g);
    unsigned largest = 0;
    for (unsigned i = lane; i < group.size; i += 32) {
        largest = max(largest, magnitude(to_float(x[group.start + i])));
    }
    largest = max_of_lanes(largest, 32);
    const float scale = absmax_scale(largest, 7.0f), divisor = divisor_of(scale);
    if (lane == 0) {
        scales[g] = scale;
    }
    for (unsigned first = 0; first < group.size; first += 32) {  // the same for the whole warp
        const unsigned i = first + lane;
        unsigned nibble = 0;
        if (i < group.size) {
            nibble = int4_nibble(to_float(x[group.start + i]), divisor);
        }
        const unsigned next = __shfl_down_sync(full_warp, nibble, 1);
        if (lane % 2 == 0 && i < group.size) {
            codes[group.code_start + i / 2] = static_cast<unsigned char>(nibble | next << 4);
        }
    }
}

/// One 16-byte load a thread: a quarter of the instructions for the same bytes. The values stay in
/// registers, so the matrix is read once, and only the lanes of one group shuffle. Groups must fill
/// a power of two of lanes; rows of such groups follow each other without a gap, so the matrix is
/// one long list of vectors.
template <class T>
__global__ void int4_group_vectorised(Global<const T> x, Global<unsigned char> codes,
                                      Global<float> scales, int lanes, std::size_t vectors) {
    using Word = typename Vector<T>::Word;
    using Packed = std::conditional_t<Vector<T>::values == 4, unsigned short, unsigned>;
    constexpr int values = Vector<T>::values;
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    float v[values] = {};
    if (i < vectors) {  // beyond the end lanes stay, with zeros, for the shuffles
        const Word word = as<const Word>(x)[i];
        unpack<T>(word, v);
    }
    unsigned largest = 0;
    NIBBLE_UNROLL
    for (int k = 0; k < values; ++k) {
        largest = max(largest, magnitude(v[k]));
    }
    largest = max_of_lanes(largest, lanes);
    const float scale = absmax_scale(largest, 7.0f), divisor = divisor_of(scale);
    unsigned packed = 0;
    NIBBLE_UNROLL
    for (int k = 0; k < values; ++k) {
        packed |= int4_nibble(v[k], divisor) << (4 * k);
    }
    if (i < vectors) {
        as<Packed>(codes)[i] = static_cast<Packed>(packed);
        if (i % static_cast<unsigned>(lanes) == 0) {
            scales[i / static_cast<unsigned>(lanes)] = scale;
        }
    }
}

/// Codes of one vector, without a division: see Divisor. The slow way is for groups whose scale is
/// 0, NaN or near the ends of float's range, and a group takes it as a whole.
template <int values>
__device__ inline unsigned int4_codes(const float (&v)[values], float scale) {
    const Divisor divisor = make_divisor(scale);
    unsigned packed = 0;
    if (divisor.safe) {
        NIBBLE_UNROLL
        for (int k = 0; k < values; ++k) {
            packed |= ((rounded_bits(divide(v[k], divisor)) + 8u) & 0xfu) << (4 * k);
        }
    } else {
        NIBBLE_UNROLL
        for (int k = 0; k < values; ++k) {
            packed |= int4_nibble(v[k], divisor_of(scale)) << (4 * k);
        }
    }
    return packed;
}

/// Several loads under way in each thread: memory answers after hundreds of cycles, and the only
/// way to use all of its width is to have asked for much at once. Codes without a division; and
/// where a vector gives only 2 bytes of codes, two lanes trade halves, so that every store is 4
/// bytes wide.
template <class T, int in_flight>
__global__ void int4_group_in_flight(Global<const T> x, Global<unsigned char> codes,
                                     Global<float> scales, int lanes, std::size_t vectors) {
    using Word = typename Vector<T>::Word;
    constexpr int values = Vector<T>::values;
    const unsigned lane = threadIdx.x % 32;
    const std::size_t warp = (std::size_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
    const std::size_t first = warp * 32 * in_flight + lane;
    Word words[in_flight] = {};
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        if (first + 32 * n < vectors) {
            words[n] = as<const Word>(x)[first + 32 * n];
        }
    }
    unsigned packed[in_flight];
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        float v[values];
        unpack<T>(words[n], v);
        unsigned largest = 0;
        NIBBLE_UNROLL
        for (int k = 0; k < values; ++k) {
            largest = max(largest, magnitude(v[k]));
        }
        const float scale = absmax_scale(max_of_lanes(largest, lanes), 7.0f);
        packed[n] = int4_codes(v, scale);
        const std::size_t i = first + 32 * n;
        if (i < vectors && i % static_cast<unsigned>(lanes) == 0) {
            scales[i / static_cast<unsigned>(lanes)] = scale;
        }
    }
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; n += values == 4 ? 2 : 1) {
        if constexpr (values == 4) {
            // the even lane takes both halves of vector n, the odd lane those of vector n + 1
            const bool odd = lane % 2 == 1;
            const unsigned kept = odd ? packed[n + 1] : packed[n];
            const unsigned given = __shfl_xor_sync(full_warp, odd ? packed[n] : packed[n + 1], 1);
            const std::size_t i = first + 32 * (odd ? n + 1 : n);
            if (i < vectors) {
                as<unsigned>(codes)[i / 2] = odd ? given | kept << 16 : kept | given << 16;
            }
        } else if (first + 32 * n < vectors) {
            as<unsigned>(codes)[first + 32 * n] = packed[n];
        }
    }
}

// ---- the ladder ------------------------------------------------------------------------------

constexpr int block_threads = 256;

/// Lanes that hold one group in 16-byte vectors, or 0 when groups do not fill a power of two of at
/// most 32 lanes, and each of them whole.
template <class T>
int lanes_of_group(const Shape& shape) {
    const unsigned lanes = shape.group_size / Vector<T>::values;
    const bool fits = shape.columns % shape.group_size == 0 && shape.group_size % 8 == 0 &&
                      lanes <= 32 && (lanes & (lanes - 1)) == 0;
    return fits ? static_cast<int>(lanes) : 0;
}

template <class T>
void run_shuffles(const Shape& shape, Buffers b) {
    launch<int4_group_shuffles<T>>(
        {blocks_for(shape.all_groups * 32, block_threads), block_threads}, buffer<const T>(b, 0),
        buffer<unsigned char>(b, 1), buffer<float>(b, 2), shape);
}

void naive(const Job& job, Buffers b) {
    const Shape shape = shape_of(job, PackedFormat::int4);
    with_input(job.input, [&]<class T>(Type<T>) {
        launch<int4_group_naive<T>>({blocks_for(shape.all_groups, block_threads), block_threads},
                                    buffer<const T>(b, 0), buffer<unsigned char>(b, 1),
                                    buffer<float>(b, 2), shape);
    });
}
void coalesced(const Job& job, Buffers b) {
    const Shape shape = shape_of(job, PackedFormat::int4);
    constexpr int threads = 64;
    with_input(job.input, [&]<class T>(Type<T>) {
        launch<int4_group_coalesced<T, threads>>({static_cast<unsigned>(shape.all_groups), threads},
                                                 buffer<const T>(b, 0), buffer<unsigned char>(b, 1),
                                                 buffer<float>(b, 2), shape);
    });
}
void shuffles(const Job& job, Buffers b) {
    const Shape shape = shape_of(job, PackedFormat::int4);
    with_input(job.input, [&]<class T>(Type<T>) { run_shuffles<T>(shape, b); });
}
/// Groups that do not fit into lanes take the rung before.
void vectorised(const Job& job, Buffers b) {
    const Shape shape = shape_of(job, PackedFormat::int4);
    with_input(job.input, [&]<class T>(Type<T>) {
        const int lanes = lanes_of_group<T>(shape);
        if (lanes == 0) {
            return run_shuffles<T>(shape, b);
        }
        const std::size_t vectors = job.values() / Vector<T>::values;
        launch<int4_group_vectorised<T>>({blocks_for(vectors, block_threads), block_threads},
                                         buffer<const T>(b, 0), buffer<unsigned char>(b, 1),
                                         buffer<float>(b, 2), lanes, vectors);
    });
}
void in_flight(const Job& job, Buffers b) {
    const Shape shape = shape_of(job, PackedFormat::int4);
    constexpr int loads = 4;
    with_input(job.input, [&]<class T>(Type<T>) {
        const int lanes = lanes_of_group<T>(shape);
        if (lanes == 0) {
            return run_shuffles<T>(shape, b);
        }
        const std::size_t vectors = job.values() / Vector<T>::values;
        launch<int4_group_in_flight<T, loads>>(
            {blocks_for(vectors, block_threads * loads), block_threads}, buffer<const T>(b, 0),
            buffer<unsigned char>(b, 1), buffer<float>(b, 2), lanes, vectors);
    });
}

constexpr RungRow rows[] = {
    {"naive",
     "One thread a group: lanes stand a group apart, and every load wastes most of what it "
     "moves.",
     "int4_group_naive", naive},
    {"coalesced",
     "One block a group: neighbouring lanes read neighbouring values; the maximum goes "
     "through shared memory.",
     "int4_group_coalesced", coalesced},
    {"shuffles", "One warp a group: the maximum goes through registers, without a barrier.",
     "int4_group_shuffles", shuffles},
    {"vectorised", "16 bytes a load, and the values stay in registers: the matrix is read once.",
     "int4_group_vectorised", vectorised},
    {"in_flight", "Four loads under way in each thread, no division, and 4-byte stores.",
     "int4_group_in_flight", in_flight},
};

}  // namespace

std::span<const RungRow> quantize_int4_group_rows() {
    return rows;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
