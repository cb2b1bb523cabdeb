// Double quantization: the scales themselves in 8 bits (packed.hpp, quantize_scales; QLoRA, arXiv
// 2305.14314, section 3). Each block of 256 scales has one float; from all of them the mean is
// taken off first, because scales are all positive and the map of codes is signed.
//
//     scales        (count)                 float
//     map           (256)                   float, the levels of the codes, rising
//     codes         (count)                 bytes
//     block_scales  ((count + 255) / 256)   float
//     mean          (1)                     float
#include "kernels/reduce/device_sums.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

constexpr unsigned block_of_scales = 256;
static_assert(block_of_scales == scale_block);

/// The mean of all finite scales, by one block, in double and in a fixed order.
template <int threads>
__global__ void __launch_bounds__(threads)
    mean_of_scales(Global<const float> scales, Global<float> mean, std::size_t count) {
    double sum = 0, finite = 0;
    for (std::size_t i = threadIdx.x; i < count; i += threads) {
        const float v = scales[i];
        if (magnitude(v) < infinity_bits) {
            sum += static_cast<double>(v);
            finite += 1;
        }
    }
    sum = sum_of_block<threads, 0>(sum);
    finite = sum_of_block<threads, 1>(finite);
    if (threadIdx.x == 0) {
        mean[0] = finite > 0 ? static_cast<float>(sum / finite) : 0.0f;
    }
}

/// Of the level below a value and the one above it, the nearer; the lower in a tie. `above` counts
/// the levels below the value.
__device__ inline unsigned char nearer(float v, float lower, float upper, unsigned above) {
    const bool take_lower = v - lower <= upper - v;
    return static_cast<unsigned char>(above - (take_lower ? 1 : 0));
}

/// What a block's largest distance from the mean becomes, and a scale within it.
__device__ inline float within(float scale, float mean, float block_scale) {
    return block_scale > 0.0f ? __fdiv_rn(scale - mean, block_scale) : 0.0f;
}
__device__ inline float scale_of_block(unsigned largest) {
    return largest < infinity_bits ? __uint_as_float(largest) : not_a_number();
}

/// One thread a block of scales, and for each code a walk over the map until a level is not below:
/// up to 256 loads a code.
__global__ void quantize_scales_naive(Global<const float> scales, Global<const float> map,
                                      Global<unsigned char> codes, Global<float> block_scales,
                                      Global<const float> mean, std::size_t count) {
    const std::size_t b = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    const std::size_t start = b * block_of_scales;
    if (start >= count) {
        return;
    }
    const std::size_t end = start + block_of_scales < count ? start + block_of_scales : count;
    const float middle = mean[0];
    unsigned largest = 0;
    for (std::size_t i = start; i < end; ++i) {
        largest = max(largest, magnitude(scales[i] - middle));
    }
    const float block_scale = scale_of_block(largest);
    block_scales[b] = block_scale;
    for (std::size_t i = start; i < end; ++i) {
        const float v = within(scales[i], middle, block_scale);
        unsigned above = 0;
        while (above < 256 && map[above] < v) {
            ++above;
        }
        codes[i] = above == 0     ? static_cast<unsigned char>(0)
                   : above == 256 ? static_cast<unsigned char>(255)
                                  : nearer(v, map[above - 1], map[above], above);
    }
}

/// One block of threads a block of scales, a thread a scale; the map lies in shared memory, and a
/// binary search finds the place in eight steps.
__global__ void __launch_bounds__(256)
    quantize_scales_searched(Global<const float> scales, Global<const float> map,
                             Global<unsigned char> codes, Global<float> block_scales,
                             Global<const float> mean, std::size_t count) {
    __shared__ Shared<float[256]> levels;
    const unsigned t = threadIdx.x;
    const std::size_t i = std::size_t{blockIdx.x} * block_of_scales + t;
    levels[t] = map[t];
    const float middle = mean[0];
    float scale = middle;  // beyond the end: no distance from the mean
    if (i < count) {
        scale = scales[i];
    }
    const float block_scale = scale_of_block(max_of_block<256>(magnitude(scale - middle)));
    if (t == 0) {
        block_scales[blockIdx.x] = block_scale;
    }
    if (i >= count) {
        return;  // no barrier follows
    }
    const float v = within(scale, middle, block_scale);
    unsigned above = 0;  // levels below v, among the first 255
    for (unsigned step = 128; step > 0; step /= 2) {
        const float level = levels[above + step - 1];
        above += level < v ? step : 0;
    }
    codes[i] = above == 0 ? static_cast<unsigned char>(0)
                          : nearer(v, levels[above - 1], levels[above], above);
}

/// mean + block_scale * level, never below 0: multiplied and added in two steps, so that every
/// machine rounds alike.
__device__ inline float restored(float level, float block_scale, float mean) {
    const float scale = __fadd_rn(mean, __fmul_rn(block_scale, level));
    return scale < 0.0f ? 0.0f : scale;
}

/// One thread a scale. The levels come from global memory, wherever in the map each lane's code
/// points.
__global__ void dequantize_scales_naive(Global<const unsigned char> codes, Global<const float> map,
                                        Global<const float> block_scales, Global<const float> mean,
                                        Global<float> scales, std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i < count) {
        scales[i] = restored(map[codes[i]], block_scales[i / block_of_scales], mean[0]);
    }
}

/// The map lies in shared memory, which answers 32 different words at once where their banks
/// differ; four codes a load, four scales a store.
__global__ void __launch_bounds__(256)
    dequantize_scales_shared(Global<const unsigned char> codes, Global<const float> map,
                             Global<const float> block_scales, Global<const float> mean,
                             Global<float> scales, std::size_t count) {
    __shared__ Shared<float[256]> levels;
    levels[threadIdx.x] = map[threadIdx.x];
    __syncthreads();
    const std::size_t i = (std::size_t{blockIdx.x} * 256 + threadIdx.x) * 4;
    const float middle = mean[0];
    if (i + 4 <= count) {
        const unsigned word = as<const unsigned>(codes + i)[0];
        const float by = block_scales[i / block_of_scales];
        as<float4>(scales + i)[0] = make_float4(restored(levels[word & 0xffu], by, middle),
                                                restored(levels[word >> 8 & 0xffu], by, middle),
                                                restored(levels[word >> 16 & 0xffu], by, middle),
                                                restored(levels[word >> 24], by, middle));
    } else {
        for (std::size_t k = i; k < count; ++k) {
            scales[k] = restored(levels[codes[k]], block_scales[k / block_of_scales], middle);
        }
    }
}

// ---- the ladders -----------------------------------------------------------------------------

void run_mean(const Job& job, Buffers b) {
    launch<mean_of_scales<1024>>({1, 1024}, buffer<const float>(b, 0), buffer<float>(b, 4),
                                 job.values());
}
template <auto kernel>
void quantize_with(const Job& job, Buffers b, std::size_t scales_per_block) {
    const std::size_t count = job.values();
    run_mean(job, b);
    launch<kernel>({blocks_for(count, scales_per_block), 256}, buffer<const float>(b, 0),
                   buffer<const float>(b, 1), buffer<unsigned char>(b, 2), buffer<float>(b, 3),
                   buffer<const float>(b, 4), count);
}
template <auto kernel>
void dequantize_with(const Job& job, Buffers b, std::size_t scales_per_block) {
    launch<kernel>({blocks_for(job.values(), scales_per_block), 256},
                   buffer<const unsigned char>(b, 0), buffer<const float>(b, 1),
                   buffer<const float>(b, 2), buffer<const float>(b, 3), buffer<float>(b, 4),
                   job.values());
}

constexpr RungRow quantize_rows[] = {
    {"naive", "One thread for 256 scales, and for each code a walk over the map.",
     "quantize_scales_naive",
     [](const Job& job, Buffers b) {
         quantize_with<quantize_scales_naive>(job, b, 256 * block_of_scales);
     }},
    {"searched",
     "One thread a scale, the map in shared memory, and a binary search of eight steps.",
     "quantize_scales_searched",
     [](const Job& job, Buffers b) {
         quantize_with<quantize_scales_searched>(job, b, block_of_scales);
     }},
};
constexpr RungRow dequantize_rows[] = {
    {"naive", "One thread a scale; levels come from global memory.", "dequantize_scales_naive",
     [](const Job& job, Buffers b) { dequantize_with<dequantize_scales_naive>(job, b, 256); }},
    {"shared", "The map lies in shared memory; four codes a load, four scales a store.",
     "dequantize_scales_shared",
     [](const Job& job, Buffers b) { dequantize_with<dequantize_scales_shared>(job, b, 1024); }},
};

}  // namespace

std::span<const RungRow> quantize_scales_rows() {
    return quantize_rows;
}
std::span<const RungRow> dequantize_scales_rows() {
    return dequantize_rows;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
