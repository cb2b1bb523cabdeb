// The largest magnitude of an array, from naive to fast: the simplest reduction there is, and the
// first half of every quantizer with one scale for all. NaN is larger than everything, so one NaN
// shows.
//
//     x        (count)  float, half or bfloat16
//     largest  (1)      the bits of the result, as float; the maximum of bits (see `magnitude`)
#pragma once

#include "kernels/quantize/device_codes.cuh"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

__global__ void clear_largest(Global<unsigned> largest) {
    largest[0] = 0;
}

/// Every value goes to one address by an atomic maximum, and there they queue up: it is as if one
/// thread did it all.
template <class T>
__global__ void absmax_naive(Global<const T> x, Global<unsigned> largest, std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i < count) {
        atomicMax(&largest[0], magnitude(to_float(x[i])));
    }
}

/// A tree in shared memory: half of the threads take the larger of two, then a quarter, with a
/// barrier after each level. One atomic is left for each block.
template <class T, int threads>
__global__ void __launch_bounds__(threads)
    absmax_tree(Global<const T> x, Global<unsigned> largest, std::size_t count) {
    __shared__ Shared<unsigned[threads]> of_threads;
    const unsigned t = threadIdx.x;
    const std::size_t i = std::size_t{blockIdx.x} * threads + t;
    of_threads[t] = i < count ? magnitude(to_float(x[i])) : 0u;
    __syncthreads();
    for (unsigned half = threads / 2; half > 0; half /= 2) {
        if (t < half) {
            const unsigned left = of_threads[t], right = of_threads[t + half];
            of_threads[t] = max(left, right);
        }
        __syncthreads();
    }
    if (t == 0) {
        atomicMax(&largest[0], of_threads[0]);
    }
}

/// Within a warp values pass from register to register by shuffles; shared memory and one barrier
/// are left for joining the warps.
template <class T, int threads>
__global__ void __launch_bounds__(threads)
    absmax_shuffles(Global<const T> x, Global<unsigned> largest, std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * threads + threadIdx.x;
    unsigned mine = 0;
    if (i < count) {
        mine = magnitude(to_float(x[i]));
    }
    mine = max_of_block<threads>(mine);
    if (threadIdx.x == 0) {
        atomicMax(&largest[0], mine);
    }
}

/// As many blocks as fill the GPU and no more; each thread walks over the array in strides of the
/// whole grid, 16 bytes a load, and keeps a maximum in a register. Joining is now rare.
template <class T, int threads>
__global__ void __launch_bounds__(threads)
    absmax_vectorised(Global<const T> x, Global<unsigned> largest, std::size_t count) {
    using Word = typename Vector<T>::Word;
    constexpr int values = Vector<T>::values;
    const std::size_t vectors = count / values, step = std::size_t{gridDim.x} * threads;
    const std::size_t first = std::size_t{blockIdx.x} * threads + threadIdx.x;
    unsigned mine = 0;
    NIBBLE_UNROLL_BY(4)
    for (std::size_t i = first; i < vectors; i += step) {
        const Word word = as<const Word>(x)[i];
        float v[values];
        unpack<T>(word, v);
        NIBBLE_UNROLL
        for (int k = 0; k < values; ++k) {
            mine = max(mine, magnitude(v[k]));
        }
    }
    for (std::size_t i = vectors * values + first; i < count; i += step) {  // no whole vector
        mine = max(mine, magnitude(to_float(x[i])));
    }
    mine = max_of_block<threads>(mine);
    if (threadIdx.x == 0) {
        atomicMax(&largest[0], mine);
    }
}

// ---- launching -------------------------------------------------------------------------------

/// Enough blocks to fill any GPU of today several times, few enough that joining costs nothing.
constexpr std::size_t most_blocks = 2048;
inline unsigned striding_blocks(std::size_t work, std::size_t per_block) {
    const std::size_t blocks = (work + per_block - 1) / per_block;
    return static_cast<unsigned>(std::clamp<std::size_t>(blocks, 1, most_blocks));
}

template <class T>
void run_absmax_naive(const T* x, unsigned* largest, std::size_t count) {
    launch<clear_largest>({1, 1}, largest);
    launch<absmax_naive<T>>({blocks_for(count, 256), 256}, x, largest, count);
}

template <class T>
void run_absmax_vectorised(const T* x, unsigned* largest, std::size_t count) {
    launch<clear_largest>({1, 1}, largest);
    launch<absmax_vectorised<T, 256>>({striding_blocks(count / Vector<T>::values, 256), 256}, x,
                                      largest, count);
}

}  // namespace
}  // namespace nibble::kernels::NIBBLE_MACHINE
