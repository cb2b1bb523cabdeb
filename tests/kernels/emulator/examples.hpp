// The example kernels as plain functions on device memory, once for each machine that runs them, so
// that one test can check both against the same oracle.
#pragma once

#include <cstdint>

namespace nibble::kernels {

struct Examples {
    // x, y, z: (n); z = x + y
    void (*add)(const float* x, const float* y, float* z, int n);
    // x: (rows, columns); sums: (rows)
    void (*row_sum)(const float* x, float* sums, int rows, int columns);
    // x: (rows, columns); y: (columns, rows)
    void (*transpose)(const float* x, float* y, int rows, int columns);
    // codes: (n); counts: (256), zero before
    void (*histogram)(const std::uint8_t* codes, unsigned* counts, int n);
    // x: (rows, columns), columns a multiple of 4; sums: (rows), of squares
    void (*sum_of_squares)(const float* x, float* sums, int rows, int columns);
    // a: (m, k), b: (n, k), c: (m, n); c = a * transposed b
    void (*gemm_f16)(const std::uint16_t* a, const std::uint16_t* b, float* c, int m, int n, int k);
    void (*gemm_bf16)(const std::uint16_t* a, const std::uint16_t* b, float* c, int m, int n,
                      int k);
    void (*gemm_s8)(const std::int8_t* a, const std::int8_t* b, int* c, int m, int n, int k);
    // One block of 8 x 4 x 2 threads each in a grid of 3 x 2 x 2: where: (12 * 64), each thread
    // writes its own coordinates as digits
    void (*coordinates)(int* where);
    // x: (n) floats; the codes of both FP8 formats, saturating, and binary16 and bfloat16
    void (*convert)(const float* x, std::uint8_t* e4m3, std::uint8_t* e5m2, std::uint16_t* half,
                    std::uint16_t* bfloat, int n);
};

namespace emulated {
extern const Examples examples;
}
namespace cuda {
extern const Examples examples;  // only in builds with CUDA
}

}  // namespace nibble::kernels
