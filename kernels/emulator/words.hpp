// CUDA's words for the host compiler: the half of kernels/cuda.hpp that is not nvcc's. Only kernel
// sources see it, because it defines macros with everyday names.
#pragma once

#include <tuple>
#include <utility>

#include "kernels/emulator/intrinsics.hpp"
#include "kernels/emulator/launch.hpp"
#include "kernels/emulator/mma.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __constant__ static const
#define __shared__ static thread_local
#define NIBBLE_UNROLL
#define NIBBLE_UNROLL_BY(n)

#define threadIdx (::nibble::kernels::emulator::running_block->thread().index)
#define blockIdx (::nibble::kernels::emulator::running_block->index())
#define blockDim (::nibble::kernels::emulator::running_block->plan().block)
#define gridDim (::nibble::kernels::emulator::running_block->plan().grid)

namespace nibble::kernels::emulated {

template <class T>
using Global = Pointer<T>;
template <class T>
using SharedPointer = Pointer<T>;
using emulator::Shared;

/// The same address as a pointer to wider or narrower elements.
template <class U, class T>
Pointer<U> as(const Pointer<T>& p) {
    return {reinterpret_cast<U*>(p.address()), p.extent()};
}

/// The dynamic shared memory of the launch.
template <class T>
Pointer<T> dynamic_shared() {
    const emulator::Extent& extent = running_block->dynamic_shared();
    return {reinterpret_cast<T*>(extent.base), &extent};
}

/// Starts copying one element (4, 8 or 16 bytes) into shared memory.
template <class T>
void copy_async(const Pointer<T>& to, Plain<Pointer<const T>> from, Where here = Where::current()) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);
    running_block->start_copy(*to.extent(), to.address(), from.extent(), from.address(), sizeof(T),
                              here);
}
/// Closes the group of copies started since the last commit.
inline void copy_async_commit() {
    running_block->commit_copies();
}
/// Waits until at most `pending` of this thread's groups are under way.
template <int pending>
void copy_async_wait() {
    running_block->wait_copies(pending);
}

/// (a & b) | c in one instruction.
inline unsigned lop3_and_or(unsigned a, unsigned b, unsigned c) {
    return (a & b) | c;
}

/// The shape of a launch.
struct Launch {
    dim3 grid, block;
    std::size_t shared_bytes = 0;
};

template <auto kernel>
constexpr std::string_view name_of() {
    return emulator::kernel_name(__PRETTY_FUNCTION__);
}

template <class... Parameters, class... Arguments>
void run_kernel(std::string_view name, void (*kernel)(Parameters...), const Launch& shape,
                Arguments&&... arguments) {
    const std::tuple<Parameters...> values{static_cast<Parameters>(arguments)...};
    emulator::run_grid(name, {shape.grid.x, shape.grid.y, shape.grid.z},
                       {shape.block.x, shape.block.y, shape.block.z}, shape.shared_bytes,
                       [&] { std::apply(kernel, values); });
}

/// Runs the kernel and waits for it.
template <auto kernel, class... Arguments>
void launch(const Launch& shape, Arguments&&... arguments) {
    run_kernel(name_of<kernel>(), kernel, shape, std::forward<Arguments>(arguments)...);
}

}  // namespace nibble::kernels::emulated
