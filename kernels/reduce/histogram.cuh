// A histogram: how many values fall into each of 256 equal bins (reduce/ops.hpp says exactly where
// a value falls), and how many lie below, above, or are no number. Weights crowd around zero, so
// most values want the same few counters: the lesson is where they queue up.
//
//     x       (count)    float
//     counts  (256 + 3)  unsigned
#include "kernels/quantize/device_codes.cuh"
#include "kernels/reduce/histogram.hpp"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

/// The counter of a value.
__device__ inline int bin_of(float v) {
    constexpr float per_unit = histogram_bins / (histogram_high - histogram_low);
    if (v >= histogram_low && v <= histogram_high) {
        return min(histogram_bins - 1, __float2int_rz(__fmul_rn(v - histogram_low, per_unit)));
    }
    return histogram_bins + (v < histogram_low ? 0 : v > histogram_high ? 1 : 2);
}

__global__ void clear_counts(Global<unsigned> counts) {
    counts[threadIdx.x] = 0;
}

/// Every value adds to a counter in global memory. Lanes that want the same one wait for each
/// other, and so does the rest of the GPU.
__global__ void histogram_naive(Global<const float> x, Global<unsigned> counts, std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i < count) {
        const float v = x[i];
        atomicAdd(&counts[bin_of(v)], 1u);
    }
}

/// Each block counts for itself in shared memory, over many values, and adds its counters to the
/// others' once at the end: now only the threads of a block queue up, and close by.
__global__ void histogram_shared(Global<const float> x, Global<unsigned> counts,
                                 std::size_t count) {
    __shared__ Shared<unsigned[histogram_counts]> of_block;
    for (unsigned i = threadIdx.x; i < histogram_counts; i += blockDim.x) {
        of_block[i] = 0;
    }
    __syncthreads();
    const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
    for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        const float v = x[i];
        atomicAdd(&of_block[bin_of(v)], 1u);
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < histogram_counts; i += blockDim.x) {
        atomicAdd(&counts[i], of_block[i]);
    }
}

/// Each warp has counters of its own, and loads are 16 bytes wide: only lanes of one warp can still
/// want the same counter.
template <int threads>
__global__ void __launch_bounds__(threads)
    histogram_per_warp(Global<const float> x, Global<unsigned> counts, std::size_t count) {
    constexpr unsigned warps = threads / 32;
    __shared__ Shared<unsigned[warps][histogram_counts]> of_warps;
    const unsigned t = threadIdx.x, warp = t / 32;
    for (unsigned i = t % 32; i < histogram_counts; i += 32) {
        of_warps[warp][i] = 0;
    }
    __syncwarp();
    const std::size_t vectors = count / 4, step = std::size_t{gridDim.x} * threads;
    const std::size_t first = std::size_t{blockIdx.x} * threads + t;
    for (std::size_t i = first; i < vectors; i += step) {
        const float4 word = as<const float4>(x)[i];
        float v[4];
        unpack<float>(word, v);
        NIBBLE_UNROLL
        for (int k = 0; k < 4; ++k) {
            atomicAdd(&of_warps[warp][bin_of(v[k])], 1u);
        }
    }
    for (std::size_t i = vectors * 4 + first; i < count; i += step) {
        const float v = x[i];
        atomicAdd(&of_warps[warp][bin_of(v)], 1u);
    }
    __syncthreads();
    for (unsigned i = t; i < histogram_counts; i += threads) {
        unsigned sum = 0;
        for (unsigned w = 0; w < warps; ++w) {
            sum += of_warps[w][i];
        }
        atomicAdd(&counts[i], sum);
    }
}

// ---- the ladder ------------------------------------------------------------------------------

constexpr int block_threads = 256;

unsigned striding_blocks(std::size_t work) {
    constexpr std::size_t most = 1024;  // fills any GPU of today
    return static_cast<unsigned>(
        std::clamp<std::size_t>((work + block_threads - 1) / block_threads, 1, most));
}

template <auto kernel>
void run(const Job& job, Buffers b, unsigned blocks) {
    launch<clear_counts>({1, histogram_counts}, buffer<unsigned>(b, 1));
    launch<kernel>({blocks, block_threads}, buffer<const float>(b, 0), buffer<unsigned>(b, 1),
                   job.values());
}

constexpr RungRow rows[] = {
    {"naive",
     "Every value adds to a counter in global memory, and all queue up at the few that are "
     "popular.",
     "histogram_naive",
     [](const Job& job, Buffers b) {
         run<histogram_naive>(job, b, blocks_for(job.values(), block_threads));
     }},
    {"shared", "Each block counts for itself in shared memory, and adds up once at the end.",
     "histogram_shared",
     [](const Job& job, Buffers b) {
         run<histogram_shared>(job, b, striding_blocks(job.values()));
     }},
    {"per_warp", "Each warp counts for itself, 16 bytes a load: only its own lanes can collide.",
     "histogram_per_warp",
     [](const Job& job, Buffers b) {
         run<histogram_per_warp<block_threads>>(job, b, striding_blocks(job.values() / 4));
     }},
};

}  // namespace

std::span<const RungRow> histogram_rows() {
    return rows;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
