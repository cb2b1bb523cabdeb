// The one header that kernel sources include. A kernel is plain CUDA C++, written once:
//
//     namespace nibble::kernels::NIBBLE_MACHINE {
//     __global__ void halve(Global<const float> x, Global<float> y, int n) {
//         const int i = blockIdx.x * blockDim.x + threadIdx.x;
//         if (i < n) { y[i] = 0.5f * x[i]; }
//     }
//     inline void run_halve(const float* x, float* y, int n) {
//         launch<halve>({dim3((n + 255) / 256), dim3(256)}, x, y, n);
//     }
//     }
//
// nvcc compiles it for the GPU, in namespace `cuda`; the host compiler compiles the same text
// against the emulator, in namespace `emulated`, so that one program can hold both. A .cu file that
// includes the .cuh is all that the GPU's side needs.
//
// Beyond CUDA there are few words to learn. Under nvcc each of them is nothing but what it says:
//
//     Global<T>                       T* __restrict__, a buffer: those of a launch do not overlap
//     SharedPointer<T>                T*, into shared memory
//     __shared__ Shared<T[n]> name;   an array (also T[rows][columns]; a scalar is an array of one)
//     dynamic_shared<T>()             the launch's dynamic shared memory
//     as<float4>(pointer)             reinterpret_cast to a wider or narrower element
//     copy_async, _commit, _wait<n>   cp.async of one element (compute capability 8.0; before: now)
//     mma_m16n8k16_f16, _bf16         the tensor core, d += a * b (8.0; f16 also 7.5)
//     mma_m16n8k32_s8                 the same for 8-bit integers (8.0)
//     lop3_and_or(a, b, c)            (a & b) | c in one instruction
//     launch<kernel>(shape, args...)  kernel<<<...>>>(args...), with the error checked
//     NIBBLE_UNROLL, _BY(n)           #pragma unroll, #pragma unroll n
//
// Read an element into a named type (`float v = x[i]`, not `auto`), and write p[0] rather than *p.
#pragma once

#if !defined(__CUDACC__)

#define NIBBLE_MACHINE emulated
#include "kernels/emulator/words.hpp"

#else

#define NIBBLE_MACHINE cuda
#define NIBBLE_UNROLL _Pragma("unroll")
#define NIBBLE_PRAGMA(text) _Pragma(#text)
#define NIBBLE_UNROLL_BY(n) NIBBLE_PRAGMA(unroll n)

#include <cstdint>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>
#include <utility>

#include "kernels/device_cuda.hpp"

namespace nibble::kernels::cuda {

template <class T>
using Global = T* __restrict__;
template <class T>
using SharedPointer = T*;
template <class Array>
using Shared = Array;

template <class U, class T>
__device__ __forceinline__ U* as(T* pointer) {
    return reinterpret_cast<U*>(pointer);
}

template <class T>
__device__ __forceinline__ T* dynamic_shared() {
    extern __shared__ __align__(16) unsigned char nibble_dynamic_shared[];
    return reinterpret_cast<T*>(nibble_dynamic_shared);
}

template <class T>
__device__ __forceinline__ void copy_async(T* to, const T* from) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);
#if __CUDA_ARCH__ >= 800
    const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(address), "l"(from),
                 "n"(sizeof(T))
                 : "memory");
#else
    *to = *from;
#endif
}
__device__ __forceinline__ void copy_async_commit() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int pending>
__device__ __forceinline__ void copy_async_wait() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
#endif
}

__device__ __forceinline__ unsigned lop3_and_or(unsigned a, unsigned b, unsigned c) {
    unsigned result;
    asm("lop3.b32 %0, %1, %2, %3, 0xEA;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

__device__ __forceinline__ void mma_m16n8k16_f16(float (&d)[4], const std::uint32_t (&a)[4],
                                                 const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else  // Turing multiplies 8 columns of A at a time
    NIBBLE_UNROLL
    for (int half = 0; half < 2; ++half) {
        asm volatile(
            "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
            "{%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a[2 * half]), "r"(a[2 * half + 1]), "r"(b[half]));
    }
#endif
}

__device__ __forceinline__ void mma_m16n8k16_bf16(float (&d)[4], const std::uint32_t (&a)[4],
                                                  const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    __trap();  // Turing's tensor cores know no bfloat16
#endif
}

__device__ __forceinline__ void mma_m16n8k32_s8(int (&d)[4], const std::uint32_t (&a)[4],
                                                const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    __trap();  // Turing's shape is another one
#endif
}

/// The shape of a launch.
struct Launch {
    dim3 grid, block;
    std::size_t shared_bytes = 0;
};

template <class... Parameters, class... Arguments>
void run_kernel(void (*kernel)(Parameters...), const Launch& shape, Arguments&&... arguments) {
    constexpr std::size_t without_asking = 48 * 1024;  // more must be allowed kernel by kernel
    if (shape.shared_bytes > without_asking) {
        check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        static_cast<int>(shape.shared_bytes)),
                   "allowing a kernel more shared memory");
    }
    kernel<<<shape.grid, shape.block, shape.shared_bytes>>>(static_cast<Parameters>(arguments)...);
    check_cuda(cudaGetLastError(), "launching a kernel");
}

/// Starts the kernel on the default stream; Device::wait waits for it.
template <auto kernel, class... Arguments>
void launch(const Launch& shape, Arguments&&... arguments) {
    run_kernel(kernel, shape, std::forward<Arguments>(arguments)...);
}

}  // namespace nibble::kernels::cuda

#endif
