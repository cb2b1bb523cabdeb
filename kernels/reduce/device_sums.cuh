// Sums over a block in double precision, always in the same order: the same bits in every run.
#pragma once

#include "kernels/quantize/device_codes.cuh"

namespace nibble::kernels::NIBBLE_MACHINE {

__device__ inline double sum_of_warp(double v) {
    for (int offset = 16; offset > 0; offset /= 2) {
        v += __shfl_xor_sync(full_warp, v, offset);
    }
    return v;
}

/// The sum over a block of full warps; thread 0 has it. Each use in a kernel
/// has a `place` of its own, because the next one may start before all have read the last.
template <int threads, int place = 0>
__device__ inline double sum_of_block(double v) {
    __shared__ Shared<double[threads / 32]> of_warps;
    const unsigned t = threadIdx.x;
    v = sum_of_warp(v);
    if (t % 32 == 0) {
        of_warps[t / 32] = v;
    }
    __syncthreads();
    double other = 0;
    if (t < threads / 32) {
        other = of_warps[t];
    }
    return t < 32 ? sum_of_warp(other) : 0.0;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
