// Kernels with one mistake each, of the kind that a GPU forgives on Mondays. All compile; none may
// run on a GPU.
#include "kernels/cuda.hpp"

namespace nibble::kernels::NIBBLE_MACHINE::broken {

constexpr unsigned everyone = 0xffffffffu;

__global__ void barrier_left_behind() {
    if (threadIdx.x < 40) {
        __syncthreads();
    }
}

__global__ void barrier_in_both_branches() {
    if (threadIdx.x < 32) {
        __syncthreads();
    } else {
        __syncthreads();
    }
}

__global__ void mask_without_caller(Global<int> y) {
    y[threadIdx.x] = __shfl_sync(0x0000ffffu, 1, 0);
}

__global__ void masks_that_differ(Global<int> y) {
    const unsigned mask = threadIdx.x < 16 ? everyone : 0xffff0001u;
    y[threadIdx.x] = __shfl_xor_sync(mask, 1, 1);
}

__global__ void functions_that_differ(Global<int> y) {
    if (threadIdx.x < 16) {
        y[threadIdx.x] = __shfl_xor_sync(everyone, 1, 1);
    } else {
        y[threadIdx.x] = static_cast<int>(__ballot_sync(everyone, 1));
    }
}

__global__ void shuffle_from_absent_lane(Global<int> y) {
    if (threadIdx.x < 16) {
        y[threadIdx.x] = __shfl_sync(0x0000ffffu, 1, 20);
    }
}

__global__ void barrier_against_shuffle(Global<int> y) {
    if (threadIdx.x < 16) {
        __syncthreads();
    } else {
        y[threadIdx.x] = __shfl_xor_sync(everyone, 1, 1);
    }
}

__global__ void lock_never_opened(Global<unsigned> lock) {
    while (atomicCAS(&lock[0], 0u, 1u) != 0u) {}
}

__global__ void write_past_the_end(Global<float> y) {
    y[blockIdx.x * blockDim.x + threadIdx.x] = 1.0f;
}

__global__ void read_before_the_start(Global<const float> x, Global<float> y) {
    const int i = static_cast<int>(threadIdx.x);
    y[i] = x[i - 1];
}

__global__ void shared_past_the_end(Global<float> y) {
    __shared__ Shared<float[32]> tile;
    tile[threadIdx.x + 1] = 1.0f;
    __syncwarp();
    y[threadIdx.x] = tile[threadIdx.x];
}

__global__ void bare_pointer_past_the_end(float* y, int n) {
    y[n] = 1.0f;
}

__global__ void misaligned_vector(Global<const float> x, Global<float> y) {
    const float4 v = as<const float4>(x + 1)[threadIdx.x];
    y[threadIdx.x] = v.x;
}

__global__ void shared_never_written(Global<float> y) {
    __shared__ Shared<float[64]> tile;
    if (threadIdx.x < 32) {
        tile[threadIdx.x] = 1.0f;
    }
    __syncthreads();
    y[threadIdx.x] = tile[threadIdx.x];
}

__global__ void missing_barrier(Global<float> y) {
    __shared__ Shared<float[64]> tile;
    tile[threadIdx.x] = 0.0f;
    __syncthreads();
    tile[threadIdx.x] = 1.0f + static_cast<float>(threadIdx.x);
    y[threadIdx.x] = tile[63 - threadIdx.x];
}

__global__ void missing_second_barrier(Global<float> y) {
    __shared__ Shared<float[64]> tile;
    float sum = 0.0f;
    for (int i = 0; i < 2; ++i) {
        tile[threadIdx.x] = static_cast<float>(i) + static_cast<float>(threadIdx.x);
        __syncthreads();
        sum += tile[63 - threadIdx.x];
    }
    y[threadIdx.x] = sum;
}

/// Within a warp a shuffle brings lanes together, and still orders no memory.
__global__ void shuffle_as_barrier(Global<float> y) {
    __shared__ Shared<float[32]> tile;
    tile[threadIdx.x] = static_cast<float>(threadIdx.x);
    const float one = __shfl_sync(everyone, 1.0f, 0);
    y[threadIdx.x] = one + tile[31 - threadIdx.x];
}

__global__ void two_writers(Global<float> y) {
    __shared__ Shared<float[1]> last;
    last[0] = static_cast<float>(threadIdx.x);
    __syncthreads();
    y[threadIdx.x] = last[0];
}

__global__ void copy_not_waited_for(Global<const float> x, Global<float> y) {
    __shared__ Shared<float[64]> tile;
    copy_async(&tile[threadIdx.x], x + threadIdx.x);
    copy_async_commit();
    __syncthreads();
    y[threadIdx.x] = tile[63 - threadIdx.x];
}

__global__ void copy_without_barrier(Global<const float> x, Global<float> y) {
    __shared__ Shared<float[64]> tile;
    copy_async(&tile[threadIdx.x], x + threadIdx.x);
    copy_async_commit();
    copy_async_wait<0>();
    __syncwarp();
    y[threadIdx.x] = tile[63 - threadIdx.x];
}

__global__ void tensor_core_with_half_a_warp(Global<float> y) {
    float d[4] = {};
    const unsigned a[4] = {}, b[2] = {};
    mma_m16n8k16_f16(d, a, b);
    y[threadIdx.x] = d[0];
}

__global__ void too_much_shared(Global<float> y) {
    __shared__ Shared<float[12000]> first;  // 48 KB, all that a block can have by declaration
    first[threadIdx.x] = 1.0f;
    const SharedPointer<float> rest = dynamic_shared<float>();
    rest[threadIdx.x] = 2.0f;
    y[threadIdx.x] = first[threadIdx.x] + rest[threadIdx.x];
}

}  // namespace nibble::kernels::NIBBLE_MACHINE::broken
