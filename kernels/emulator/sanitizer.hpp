// What AddressSanitizer and ThreadSanitizer want to know about stacks and guard zones, as functions
// that vanish in ordinary builds.
#pragma once

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NIBBLE_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define NIBBLE_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define NIBBLE_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define NIBBLE_TSAN 1
#endif

#ifdef NIBBLE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef NIBBLE_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace nibble::kernels::emulator::sanitizer {

#ifdef NIBBLE_ASAN
constexpr bool address = true;
inline void poison(void* begin, std::size_t bytes) {
    __asan_poison_memory_region(begin, bytes);
}
inline void unpoison(void* begin, std::size_t bytes) {
    __asan_unpoison_memory_region(begin, bytes);
}
inline void leave(void** own_frames, const void* next_stack, std::size_t bytes) {
    __sanitizer_start_switch_fiber(own_frames, next_stack, bytes);
}
inline void arrive(void* own_frames, const void** last_stack, std::size_t* bytes) {
    __sanitizer_finish_switch_fiber(own_frames, last_stack, bytes);
}
#else
constexpr bool address = false;
inline void poison(void*, std::size_t) {}
inline void unpoison(void*, std::size_t) {}
/// Before a change of stack; `own_frames` is null when this stack is left for good.
inline void leave(void**, const void*, std::size_t) {}
/// After a change of stack; tells where the stack came from.
inline void arrive(void*, const void**, std::size_t*) {}
#endif

#ifdef NIBBLE_TSAN
inline void* this_fiber() {
    return __tsan_get_current_fiber();
}
inline void* new_fiber() {
    return __tsan_create_fiber(0);
}
inline void end_fiber(void* fiber) {
    __tsan_destroy_fiber(fiber);
}
inline void switch_to(void* fiber) {
    __tsan_switch_to_fiber(fiber, 0);
}
#else
inline void* this_fiber() {
    return nullptr;
}
inline void* new_fiber() {
    return nullptr;
}
inline void end_fiber(void*) {}
inline void switch_to(void*) {}
#endif

}  // namespace nibble::kernels::emulator::sanitizer
