// Global memory as the emulator knows it: every buffer has an extent, starts at a multiple of 256
// bytes (as cudaMalloc's do, so that counts of sectors are those of a GPU) and lies between guard
// zones that show a write past its ends even where a kernel uses a bare pointer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace nibble::kernels::emulator {

enum class Space : std::uint8_t { global, shared };

/// A piece of memory with known ends.
struct Extent {
    std::byte* base = nullptr;
    std::size_t bytes = 0;
    Space space = Space::global;
    std::string name;  // for messages; may be empty

    bool holds(const void* address, std::size_t size) const {
        // one unsigned comparison for both ends: an address below base wraps to a huge offset
        const std::size_t offset = static_cast<std::size_t>(
            reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(base));
        return offset <= bytes && size <= bytes - offset;
    }
};

/// Buffers start at a multiple of this.
constexpr std::size_t buffer_alignment = 256;

/// Uninitialised memory of `bytes`, filled with 0xff (NaN as a float, -1 as an integer).
/// Throws std::bad_alloc.
void* allocate(std::size_t bytes, const std::string& name = {});
/// Of a buffer from allocate, or null.
void release(void* buffer) noexcept;

/// The buffer that holds this address, or null for memory that is not the emulator's.
const Extent* extent_of(const void* address);

/// One sentence about the first buffer whose guard zone was overwritten since the last call; empty
/// when none was. Under AddressSanitizer the zones are poisoned instead, and it reports at once.
std::string damaged_guard();

}  // namespace nibble::kernels::emulator
