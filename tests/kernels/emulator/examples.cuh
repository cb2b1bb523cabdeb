// Kernels of the kind that Nibble is made of, small enough to read at once. Compiled by nvcc
// (examples_cuda.cu) and for the emulator (examples.cpp).
#include "kernels/cuda.hpp"

#include "tests/kernels/emulator/examples.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

constexpr unsigned everyone = 0xffffffffu;

constexpr unsigned blocks_for(int n, int per_block) {
    return static_cast<unsigned>((n + per_block - 1) / per_block);
}

__global__ void add(Global<const float> x, Global<const float> y, Global<float> z, int n) {
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) {
        z[i] = x[i] + y[i];
    }
}

__device__ inline float warp_sum(float v) {
    for (int offset = 16; offset > 0; offset /= 2) {
        v += __shfl_xor_sync(everyone, v, offset);
    }
    return v;
}

/// One block a row; warps by shuffles, then the warps' sums through shared memory.
template <int threads>
__global__ void __launch_bounds__(threads)
    row_sum(Global<const float> x, Global<float> sums, int columns) {
    __shared__ Shared<float[threads / 32]> of_warp;
    const int t = static_cast<int>(threadIdx.x);
    const Global<const float> row = x + static_cast<std::size_t>(blockIdx.x) * columns;
    float sum = 0.0f;
    for (int c = t; c < columns; c += threads) {
        sum += row[c];
    }
    sum = warp_sum(sum);
    if (t % 32 == 0) {
        of_warp[t / 32] = sum;
    }
    __syncthreads();
    if (t < 32) {
        float total = 0.0f;
        if (t < threads / 32) {
            total = of_warp[t];
        }
        total = warp_sum(total);
        if (t == 0) {
            sums[blockIdx.x] = total;
        }
    }
}

/// Through a tile whose rows are one float longer than the banks are many.
__global__ void transpose(Global<const float> x, Global<float> y, int rows, int columns) {
    __shared__ Shared<float[32][33]> tile;
    int column = static_cast<int>(blockIdx.x * 32 + threadIdx.x);
    int row = static_cast<int>(blockIdx.y * 32 + threadIdx.y);
    if (row < rows && column < columns) {
        tile[threadIdx.y][threadIdx.x] = x[row * columns + column];
    }
    __syncthreads();
    column = static_cast<int>(blockIdx.y * 32 + threadIdx.x);  // of y
    row = static_cast<int>(blockIdx.x * 32 + threadIdx.y);
    if (row < columns && column < rows) {
        y[row * rows + column] = tile[threadIdx.x][threadIdx.y];
    }
}

__global__ void histogram(Global<const unsigned char> codes, Global<unsigned> counts, int n) {
    __shared__ Shared<unsigned[256]> of_block;
    of_block[threadIdx.x] = 0;
    __syncthreads();
    const int step = static_cast<int>(gridDim.x * blockDim.x);
    for (int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += step) {
        atomicAdd(&of_block[codes[i]], 1u);
    }
    __syncthreads();
    atomicAdd(&counts[threadIdx.x], of_block[threadIdx.x]);
}

/// While one tile is summed, the next is on its way. Threads sum what their neighbour fetched.
template <int threads>
__global__ void sum_of_squares(Global<const float> x, Global<float> sums, int columns) {
    __shared__ Shared<float4[2][threads]> tiles;
    __shared__ Shared<float[1]> total;
    const int t = static_cast<int>(threadIdx.x);
    const int vectors = columns / 4;
    const auto row = as<const float4>(x + static_cast<std::size_t>(blockIdx.x) * columns);
    const auto fetch = [&](int tile) {
        const int i = tile * threads + t;
        if (i < vectors) {
            copy_async(&tiles[tile % 2][t], row + i);
        }
        copy_async_commit();
    };
    if (t == 0) {
        total[0] = 0.0f;
    }
    fetch(0);
    float sum = 0.0f;
    for (int tile = 0; tile * threads < vectors; ++tile) {
        fetch(tile + 1);
        copy_async_wait<1>();
        __syncthreads();
        const int other = threads - 1 - t;
        if (tile * threads + other < vectors) {
            const float4 v = tiles[tile % 2][other];
            sum += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
        }
        __syncthreads();
    }
    sum = warp_sum(sum);
    if (t % 32 == 0) {
        atomicAdd(&total[0], sum);
    }
    __syncthreads();
    if (t == 0) {
        sums[blockIdx.x] = total[0];
    }
}

/// Neighbouring elements as one register, zeros beyond the matrix.
template <class T>
__device__ inline unsigned packed(Global<const T> matrix, int rows, int columns, int row,
                                  int column) {
    constexpr int elements = 4 / sizeof(T);
    unsigned bits = 0;
    for (int i = 0; i < elements; ++i) {
        if (row < rows && column + i < columns) {
            const T element = matrix[row * columns + column + i];
            const auto code = static_cast<unsigned>(element) & (sizeof(T) == 1 ? 0xffu : 0xffffu);
            bits |= code << (i * 8 * static_cast<int>(sizeof(T)));
        }
    }
    return bits;
}

struct F16 {
    using Element = unsigned short;
    using Sum = float;
    static constexpr int depth = 16;
    __device__ static void multiply(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
        mma_m16n8k16_f16(d, a, b);
    }
};
struct Bf16 {
    using Element = unsigned short;
    using Sum = float;
    static constexpr int depth = 16;
    __device__ static void multiply(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
        mma_m16n8k16_bf16(d, a, b);
    }
};
struct S8 {
    using Element = signed char;
    using Sum = int;
    static constexpr int depth = 32;
    __device__ static void multiply(int (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
        mma_m16n8k32_s8(d, a, b);
    }
};

/// One warp for each 16 x 8 piece of c, straight from global memory.
template <class Kind>
__global__ void gemm(Global<const typename Kind::Element> a, Global<const typename Kind::Element> b,
                     Global<typename Kind::Sum> c, int m, int n, int k) {
    using T = typename Kind::Element;
    constexpr int in_register = 4 / sizeof(T);
    const int row = static_cast<int>(blockIdx.y) * 16 + static_cast<int>(threadIdx.x) / 4;
    const int column = static_cast<int>(blockIdx.x) * 8 + static_cast<int>(threadIdx.x) / 4;
    typename Kind::Sum d[4] = {};
    for (int k0 = 0; k0 < k; k0 += Kind::depth) {
        const int near = k0 + static_cast<int>(threadIdx.x) % 4 * in_register;
        const int far = near + Kind::depth / 2;
        const unsigned of_a[4] = {packed<T>(a, m, k, row, near), packed<T>(a, m, k, row + 8, near),
                                  packed<T>(a, m, k, row, far), packed<T>(a, m, k, row + 8, far)};
        const unsigned of_b[2] = {packed<T>(b, n, k, column, near),
                                  packed<T>(b, n, k, column, far)};
        Kind::multiply(d, of_a, of_b);
    }
    for (int i = 0; i < 4; ++i) {
        const int r = row + i / 2 * 8;
        const int col =
            static_cast<int>(blockIdx.x) * 8 + static_cast<int>(threadIdx.x) % 4 * 2 + i % 2;
        if (r < m && col < n) {
            c[r * n + col] = d[i];
        }
    }
}

__global__ void coordinates(Global<int> where) {
    const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    const unsigned digits = blockIdx.x * 100000 + blockIdx.y * 10000 + blockIdx.z * 1000 +
                            threadIdx.x * 100 + threadIdx.y * 10 + threadIdx.z;
    where[block * (blockDim.x * blockDim.y * blockDim.z) + thread] = static_cast<int>(digits);
}

__global__ void convert(Global<const float> x, Global<unsigned char> e4m3,
                        Global<unsigned char> e5m2, Global<unsigned short> half_codes,
                        Global<unsigned short> bfloat_codes, int n) {
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) {
        const float v = x[i];
        e4m3[i] = __nv_cvt_float_to_fp8(v, __NV_SATFINITE, __NV_E4M3);
        e5m2[i] = __nv_cvt_float_to_fp8(v, __NV_SATFINITE, __NV_E5M2);
        half_codes[i] = __half_as_ushort(__float2half_rn(v));
        bfloat_codes[i] = __bfloat16_as_ushort(__float2bfloat16_rn(v));
    }
}

template <class Kind>
void run_gemm(const typename Kind::Element* a, const typename Kind::Element* b,
              typename Kind::Sum* c, int m, int n, int k) {
    launch<gemm<Kind>>({dim3(blocks_for(n, 8), blocks_for(m, 16)), dim3(32)}, a, b, c, m, n, k);
}

}  // namespace

// clang-format off
const Examples examples{
    .add = [](const float* x, const float* y, float* z, int n) {
        launch<add>({dim3(blocks_for(n, 256)), dim3(256)}, x, y, z, n);
    },
    .row_sum = [](const float* x, float* sums, int rows, int columns) {
        launch<row_sum<128>>({dim3(static_cast<unsigned>(rows)), dim3(128)}, x, sums, columns);
    },
    .transpose = [](const float* x, float* y, int rows, int columns) {
        launch<transpose>({dim3(blocks_for(columns, 32), blocks_for(rows, 32)), dim3(32, 32)},
                          x, y, rows, columns);
    },
    .histogram = [](const std::uint8_t* codes, unsigned* counts, int n) {
        launch<histogram>({dim3(5), dim3(256)}, codes, counts, n);
    },
    .sum_of_squares = [](const float* x, float* sums, int rows, int columns) {
        launch<sum_of_squares<64>>({dim3(static_cast<unsigned>(rows)), dim3(64)}, x, sums, columns);
    },
    .gemm_f16 = run_gemm<F16>,
    .gemm_bf16 = run_gemm<Bf16>,
    .gemm_s8 = run_gemm<S8>,
    .coordinates = [](int* where) {
        launch<coordinates>({dim3(3, 2, 2), dim3(8, 4, 2)}, where);
    },
    .convert = [](const float* x, std::uint8_t* e4m3, std::uint8_t* e5m2, std::uint16_t* half_codes,
                  std::uint16_t* bfloat_codes, int n) {
        launch<convert>({dim3(blocks_for(n, 256)), dim3(256)}, x, e4m3, e5m2, half_codes,
                        bfloat_codes, n);
    },
};
// clang-format on

}  // namespace nibble::kernels::NIBBLE_MACHINE
