// The functions CUDA gives to a thread, except those on its 16-bit types (half.hpp) and the tensor
// core's (mma.hpp): barriers, warp functions, atomics, and arithmetic by its hardware name.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "kernels/emulator/half.hpp"
#include "kernels/emulator/pointer.hpp"

namespace nibble::kernels::emulated {

using emulator::Access;
using emulator::Meeting;
using emulator::Pointer;
using emulator::running_block;
using emulator::Vote;
using emulator::Where;

// ---- barriers of the block -------------------------------------------------------------------

inline void __syncthreads(Where here = Where::current()) {
    running_block->barrier("__syncthreads", Vote::none, false, here);
}
inline int __syncthreads_or(int predicate, Where here = Where::current()) {
    return running_block->barrier("__syncthreads_or", Vote::any, predicate != 0, here);
}
inline int __syncthreads_and(int predicate, Where here = Where::current()) {
    return running_block->barrier("__syncthreads_and", Vote::all, predicate != 0, here);
}
inline int __syncthreads_count(int predicate, Where here = Where::current()) {
    return running_block->barrier("__syncthreads_count", Vote::count, predicate != 0, here);
}

// ---- warp functions --------------------------------------------------------------------------

constexpr int warpSize = emulator::warp_size;

/// Brings `value` to the lanes of `mask`; `read` looks at what they brought.
template <class T, class Read>
auto together(const char* word, std::uint32_t mask, const T& value, const Where& here, Read read) {
    static_assert(sizeof(T) <= Meeting::slot_bytes);
    Meeting& meeting = running_block->meet(word, mask, &value, sizeof value, false, here);
    const auto result = read(meeting);
    running_block->leave(meeting);
    return result;
}

/// The value that lane `source` brought; when it brought none, the fault that a GPU hides.
template <class T>
T shuffle(const char* word, std::uint32_t mask, T value, unsigned source, const Where& here) {
    return together(word, mask, value, here, [&](const Meeting& meeting) {
        if (!meeting.took_part(source)) {
            running_block->fail(Fault::Kind::absent_lane,
                                std::string(word) + " reads lane " + std::to_string(source) +
                                    ", which did not take part",
                                here);
        }
        return meeting.value_of<T>(source);
    });
}

// A warp can be shuffled in segments of `width` lanes, a power of two. A source outside the
// caller's segment means the caller itself.

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, Where here = Where::current()) {
    const unsigned lane = running_block->thread().lane, last = static_cast<unsigned>(width) - 1;
    return shuffle("__shfl_sync", mask, value,
                   (lane & ~last) | (static_cast<unsigned>(source) & last), here);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 Where here = Where::current()) {
    const unsigned lane = running_block->thread().lane, last = static_cast<unsigned>(width) - 1;
    return shuffle("__shfl_up_sync", mask, value, (lane & last) < delta ? lane : lane - delta,
                   here);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   Where here = Where::current()) {
    const unsigned lane = running_block->thread().lane, last = static_cast<unsigned>(width) - 1;
    return shuffle("__shfl_down_sync", mask, value,
                   (lane & last) + delta > last ? lane : lane + delta, here);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  Where here = Where::current()) {
    const unsigned lane = running_block->thread().lane, last = static_cast<unsigned>(width) - 1;
    const unsigned source = lane ^ static_cast<unsigned>(lane_mask);
    // a segment may read the ones before it, not those after it (PTX ISA, shfl.sync.bfly)
    return shuffle("__shfl_xor_sync", mask, value, source > (lane | last) ? lane : source, here);
}

inline unsigned ballot(const char* word, unsigned mask, bool predicate, const Where& here) {
    return together(word, mask, predicate, here, [](const Meeting& meeting) {
        unsigned votes = 0;
        for (unsigned lane = 0; lane < 32; ++lane) {
            votes |= meeting.took_part(lane) && meeting.value_of<bool>(lane) ? 1u << lane : 0u;
        }
        return votes;
    });
}
inline unsigned __ballot_sync(unsigned mask, int predicate, Where here = Where::current()) {
    return ballot("__ballot_sync", mask, predicate != 0, here);
}
inline int __any_sync(unsigned mask, int predicate, Where here = Where::current()) {
    return ballot("__any_sync", mask, predicate != 0, here) != 0;
}
inline int __all_sync(unsigned mask, int predicate, Where here = Where::current()) {
    return ballot("__all_sync", mask, predicate == 0, here) == 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, Where here = Where::current()) {
    const char nothing = 0;
    running_block->leave(running_block->meet("__syncwarp", mask, &nothing, 1, true, here));
}

template <class T, class Combine>
T reduce(const char* word, unsigned mask, T value, const Where& here, Combine combine) {
    return together(word, mask, value, here, [&](const Meeting& meeting) {
        T sum = value;
        const unsigned me = running_block->thread().lane;
        for (unsigned lane = 0; lane < 32; ++lane) {
            if (lane != me && meeting.took_part(lane)) {
                sum = combine(sum, meeting.value_of<T>(lane));
            }
        }
        return sum;
    });
}
// clang-format off
template <class T> T __reduce_add_sync(unsigned mask, T value, Where here = Where::current()) {
    return reduce("__reduce_add_sync", mask, value, here, [](T a, T b) { return static_cast<T>(static_cast<unsigned>(a) + static_cast<unsigned>(b)); });
}
template <class T> T __reduce_max_sync(unsigned mask, T value, Where here = Where::current()) {
    return reduce("__reduce_max_sync", mask, value, here, [](T a, T b) { return a > b ? a : b; });
}
template <class T> T __reduce_min_sync(unsigned mask, T value, Where here = Where::current()) {
    return reduce("__reduce_min_sync", mask, value, here, [](T a, T b) { return a < b ? a : b; });
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, Where here = Where::current()) {
    return reduce("__reduce_or_sync", mask, value, here, [](unsigned a, unsigned b) { return a | b; });
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, Where here = Where::current()) {
    return reduce("__reduce_and_sync", mask, value, here, [](unsigned a, unsigned b) { return a & b; });
}
// clang-format on

/// The lanes that have not finished. On a GPU: those that happen to run together right now.
inline unsigned __activemask() {
    return running_block->live_lanes();
}

// ---- atomics ---------------------------------------------------------------------------------

/// Reads, lets `change` make the new value, and writes it unless another thread came between.
/// Blocks run on several OS threads, so global memory needs real atomics; and they take turns, so
/// that a sum of floats is the same in every run.
template <class T, class Change>
T atomically(const Pointer<T>& p, const Where& here, Change change) {
    if (p.extent() == nullptr || p.extent()->space == emulator::Space::global) {
        running_block->wait_for_turn();
    }
    emulator::observe(Access::atomic, p.extent(), p.address(), sizeof(T), alignof(T), nullptr,
                      here);
    // What std::atomic_ref does, which libc++ 14 lacks.
    T* const cell = p.address();
    T old;
    __atomic_load(cell, &old, __ATOMIC_SEQ_CST);
    for (;;) {
        T changed = change(old);
        if (__atomic_compare_exchange(cell, &old, &changed, true, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST)) {
            return old;
        }
    }
}

template <class T>
using Plain = std::type_identity_t<T>;  // a parameter that does not take part in deduction

// clang-format off
template <class T> T atomicAdd(const Pointer<T>& p, Plain<T> v, Where here = Where::current()) {
    return atomically(p, here, [&](T old) { return static_cast<T>(old + v); });
}
template <class T> T atomicSub(const Pointer<T>& p, Plain<T> v, Where here = Where::current()) {
    return atomically(p, here, [&](T old) { return static_cast<T>(old - v); });
}
template <class T> T atomicMax(const Pointer<T>& p, Plain<T> v, Where here = Where::current()) {
    return atomically(p, here, [&](T old) { return std::max(old, v); });
}
template <class T> T atomicMin(const Pointer<T>& p, Plain<T> v, Where here = Where::current()) {
    return atomically(p, here, [&](T old) { return std::min(old, v); });
}
template <class T> T atomicOr(const Pointer<T>& p, Plain<T> v, Where here = Where::current()) {
    return atomically(p, here, [&](T old) { return old | v; });
}
template <class T> T atomicAnd(const Pointer<T>& p, Plain<T> v, Where here = Where::current()) {
    return atomically(p, here, [&](T old) { return old & v; });
}
template <class T> T atomicExch(const Pointer<T>& p, Plain<T> v, Where here = Where::current()) {
    return atomically(p, here, [&](T) { return v; });
}
// clang-format on
template <class T>
T atomicCAS(const Pointer<T>& p, Plain<T> expected, Plain<T> v, Where here = Where::current()) {
    const T old = atomically(p, here, [&](T current) { return current == expected ? v : current; });
    if (old != expected) {
        running_block->yield(here);  // in a loop that waits for a lock, its holder must get to run
    }
    return old;
}

// The same on bare pointers, for buffers that are not watched.
// clang-format off
template <class T> T atomicAdd(T* p, Plain<T> v) { return atomicAdd(Pointer<T>(p), v); }
template <class T> T atomicSub(T* p, Plain<T> v) { return atomicSub(Pointer<T>(p), v); }
template <class T> T atomicMax(T* p, Plain<T> v) { return atomicMax(Pointer<T>(p), v); }
template <class T> T atomicMin(T* p, Plain<T> v) { return atomicMin(Pointer<T>(p), v); }
template <class T> T atomicOr(T* p, Plain<T> v) { return atomicOr(Pointer<T>(p), v); }
template <class T> T atomicAnd(T* p, Plain<T> v) { return atomicAnd(Pointer<T>(p), v); }
template <class T> T atomicExch(T* p, Plain<T> v) { return atomicExch(Pointer<T>(p), v); }
template <class T> T atomicCAS(T* p, Plain<T> e, Plain<T> v) { return atomicCAS(Pointer<T>(p), e, v); }
// clang-format on

inline void __threadfence() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void __threadfence_block() {
    __threadfence();
}
inline void __nanosleep(unsigned, Where here = Where::current()) {
    running_block->yield(here);
}

// ---- loads and stores with a cache hint ------------------------------------------------------

template <class T>
std::remove_const_t<T> __ldg(const Pointer<T>& p, Where here = Where::current()) {
    return emulator::load<std::remove_const_t<T>>(p.address(), p.extent(), here);
}
template <class T>
T __ldg(const T* p) {
    return *p;
}
template <class T>
std::remove_const_t<T> __ldcs(const Pointer<T>& p, Where here = Where::current()) {
    return __ldg(p, here);
}
template <class T>
void __stcs(const Pointer<T>& p, Plain<T> value, Where here = Where::current()) {
    emulator::store(p.address(), p.extent(), value, here);
}

// ---- arithmetic ------------------------------------------------------------------------------

// Converting a NaN or a number out of range is undefined in C++, and has a value on the GPU: 0 for
// NaN, the nearest end otherwise (PTX ISA, cvt).
template <class To>
To to_integer(float x) {
    constexpr double low = std::numeric_limits<To>::min(), high = std::numeric_limits<To>::max();
    return std::isnan(x) ? To{0} : static_cast<To>(std::clamp<double>(x, low, high));
}

// clang-format off
inline int __float2int_rn(float x) { return to_integer<int>(std::nearbyint(x)); }
inline int __float2int_rz(float x) { return to_integer<int>(std::trunc(x)); }
inline int __float2int_rd(float x) { return to_integer<int>(std::floor(x)); }
inline int __float2int_ru(float x) { return to_integer<int>(std::ceil(x)); }
inline unsigned __float2uint_rn(float x) { return to_integer<unsigned>(std::nearbyint(x)); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }

inline float __fdividef(float a, float b) { return a / b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __expf(float x) { return std::exp(x); }
inline float __saturatef(float x) { return x > 0.0f ? std::fmin(x, 1.0f) : 0.0f; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }

inline int min(int a, int b) { return std::min(a, b); }
inline int max(int a, int b) { return std::max(a, b); }
inline unsigned min(unsigned a, unsigned b) { return std::min(a, b); }
inline unsigned max(unsigned a, unsigned b) { return std::max(a, b); }
inline long long min(long long a, long long b) { return std::min(a, b); }
inline long long max(long long a, long long b) { return std::max(a, b); }
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
// clang-format on

/// c plus the sum of the products of four signed bytes.
inline int __dp4a(int a, int b, int c) {
    unsigned sum = static_cast<unsigned>(c);
    for (int i = 0; i < 32; i += 8) {
        sum += static_cast<unsigned>(static_cast<std::int8_t>(a >> i) *
                                     static_cast<std::int8_t>(b >> i));
    }
    return static_cast<int>(sum);
}
inline unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
    for (int i = 0; i < 32; i += 8) {
        c += (a >> i & 0xffu) * (b >> i & 0xffu);
    }
    return c;
}

/// Picks four of the eight bytes of y:x; each nibble of `selector` names one, its top bit asks for
/// copies of that byte's sign instead.
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
    const std::uint64_t bytes = std::uint64_t{y} << 32 | x;
    unsigned result = 0;
    for (int i = 0; i < 4; ++i) {
        const unsigned pick = selector >> (4 * i) & 0xfu;
        const auto byte = static_cast<unsigned>(bytes >> (8 * (pick & 7u)) & 0xffu);
        result |= ((pick & 8u) == 0 ? byte : (byte & 0x80u) != 0 ? 0xffu : 0u) << (8 * i);
    }
    return result;
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
    return static_cast<unsigned>((std::uint64_t{high} << 32 | low) >> (shift & 31u));
}

}  // namespace nibble::kernels::emulated
