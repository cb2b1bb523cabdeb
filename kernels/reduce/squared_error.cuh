// The sum of squared differences of two arrays: what quantization cost. A sum of millions needs
// double precision, because float has 24 bits and loses whatever is 2^24 times smaller than the sum
// so far; two floats of differences a value hide the cost of it behind their loads where the GPU
// has double-precision units to speak of.
//
//     a, b     (count)  float
//     sum      (1)      double
//     partial  (1024)   double, one for each block, from the first launch to the second
#include "kernels/reduce/device_sums.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

constexpr int most_blocks = 1024;  // fills any GPU of today; as many partial sums

__device__ inline double squared_difference(float a, float b) {
    const double difference = static_cast<double>(a) - static_cast<double>(b);
    return difference * difference;
}

__global__ void clear_sum(Global<double> sum) {
    sum[0] = 0;
}

/// Every square is added to one double by an atomic. They queue up there; and because additions
/// round, and their order is another one in every run, so are the last digits of the result.
__global__ void squared_error_naive(Global<const float> a, Global<const float> b,
                                    Global<double> sum, std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i < count) {
        atomicAdd(&sum[0], squared_difference(a[i], b[i]));
    }
}

/// The partial sums of the blocks become one, in a fixed order.
template <int threads>
__global__ void __launch_bounds__(threads)
    sum_partials(Global<const double> partial, Global<double> sum, int blocks) {
    double mine = 0;
    for (int i = static_cast<int>(threadIdx.x); i < blocks; i += threads) {
        mine += partial[i];
    }
    mine = sum_of_block<threads>(mine);
    if (threadIdx.x == 0) {
        sum[0] = mine;
    }
}

/// In two launches without an atomic, so that the order is fixed and the result the same in every
/// run: each block writes a partial sum, found by a tree in shared memory; sum_partials adds those.
template <int threads>
__global__ void __launch_bounds__(threads)
    squared_error_tree(Global<const float> a, Global<const float> b, Global<double> partial,
                       std::size_t count) {
    __shared__ Shared<double[threads]> of_threads;
    const unsigned t = threadIdx.x;
    const std::size_t step = std::size_t{gridDim.x} * threads;
    double mine = 0;
    for (std::size_t i = std::size_t{blockIdx.x} * threads + t; i < count; i += step) {
        mine += squared_difference(a[i], b[i]);
    }
    of_threads[t] = mine;
    __syncthreads();
    for (unsigned half = threads / 2; half > 0; half /= 2) {
        if (t < half) {
            const double other = of_threads[t + half];
            of_threads[t] += other;
        }
        __syncthreads();
    }
    if (t == 0) {
        partial[blockIdx.x] = of_threads[0];
    }
}

/// 16 bytes a load from either array, four sums in each thread that do not wait for each other, and
/// shuffles instead of the tree. sum_partials adds what the blocks found.
template <int threads>
__global__ void __launch_bounds__(threads)
    squared_error_vectorised(Global<const float> a, Global<const float> b, Global<double> partial,
                             std::size_t count) {
    const std::size_t vectors = count / 4, step = std::size_t{gridDim.x} * threads;
    const std::size_t first = std::size_t{blockIdx.x} * threads + threadIdx.x;
    double sums[4] = {};
    for (std::size_t i = first; i < vectors; i += step) {
        const float4 va = as<const float4>(a)[i], vb = as<const float4>(b)[i];
        sums[0] += squared_difference(va.x, vb.x);
        sums[1] += squared_difference(va.y, vb.y);
        sums[2] += squared_difference(va.z, vb.z);
        sums[3] += squared_difference(va.w, vb.w);
    }
    for (std::size_t i = vectors * 4 + first; i < count; i += step) {
        sums[0] += squared_difference(a[i], b[i]);
    }
    const double mine = sum_of_block<threads>((sums[0] + sums[1]) + (sums[2] + sums[3]));
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = mine;
    }
}

// ---- the ladder ------------------------------------------------------------------------------

constexpr int block_threads = 256;

void run_partials(Buffers b, int blocks) {
    launch<sum_partials<block_threads>>({1, block_threads}, buffer<const double>(b, 3),
                                        buffer<double>(b, 2), blocks);
}
template <auto kernel>
void run_in_two(const Job& job, Buffers b, std::size_t work) {
    const auto blocks = static_cast<int>(std::clamp<std::size_t>(
        (work + block_threads - 1) / block_threads, 1, std::size_t{most_blocks}));
    launch<kernel>({static_cast<unsigned>(blocks), block_threads}, buffer<const float>(b, 0),
                   buffer<const float>(b, 1), buffer<double>(b, 3), job.values());
    run_partials(b, blocks);
}

constexpr RungRow rows[] = {
    {"naive",
     "Every square is added to one double by an atomic: a queue, and other last digits in "
     "every run.",
     "squared_error_naive",
     [](const Job& job, Buffers b) {
         launch<clear_sum>({1, 1}, buffer<double>(b, 2));
         launch<squared_error_naive>({blocks_for(job.values(), block_threads), block_threads},
                                     buffer<const float>(b, 0), buffer<const float>(b, 1),
                                     buffer<double>(b, 2), job.values());
     }},
    {"tree", "Two launches and no atomic: a tree in shared memory, in a fixed order.",
     "squared_error_tree",
     [](const Job& job, Buffers b) {
         run_in_two<squared_error_tree<block_threads>>(job, b, job.values());
     }},
    {"vectorised", "16 bytes a load, four sums in each thread, shuffles instead of the tree.",
     "squared_error_vectorised",
     [](const Job& job, Buffers b) {
         run_in_two<squared_error_vectorised<block_threads>>(job, b, job.values() / 4);
     }},
};

}  // namespace

std::span<const RungRow> squared_error_rows() {
    return rows;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
