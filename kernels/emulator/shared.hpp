// The shared memory of a block: one arena, as on the GPU, in which __shared__ variables get their
// place when the block first touches them. Beside each byte stands who wrote and read it last, and
// that answers three questions at every access: was this byte ever written in this block, is an
// asynchronous copy still on its way to it, and has a barrier come between this thread and the last
// one that touched it?
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "kernels/emulator/memory.hpp"
#include "kernels/emulator/xray.hpp"

namespace nibble::kernels::emulator {

/// The most a block can have on a GPU since compute capability 9.0 (227 KB; CUDA C++ Programming
/// Guide, "Technical specifications per compute capability").
constexpr std::size_t shared_limit = 227 * 1024;

/// When something happened, as far as order within a block goes: `phase` counts the block's
/// barriers and `warp_phase` the __syncwarp of the thread's own warp. Equal stamps mean: nothing in
/// between.
struct Moment {
    std::uint32_t phase = 0, warp_phase = 0;
};

/// Who asks: thread's linear index in the block, and when.
struct Visitor {
    std::uint16_t thread = 0;
    Moment now;
};

class SharedMemory {
public:
    SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    /// Forgets everything; `dynamic_bytes` are placed first. `first_phase` is larger than any phase
    /// of earlier blocks.
    void begin_block(std::size_t dynamic_bytes, std::uint32_t first_phase);
    /// Gives a variable its place. Null when the arena is full.
    const Extent* place(std::size_t bytes, std::size_t alignment);
    const Extent& dynamic() const { return extents_.front(); }

    /// What is wrong with an access, found by the bytes' history, and updates that history.
    enum class Verdict : std::uint8_t { fine, uninitialised, unfinished, race };
    Verdict load(const void* address, std::size_t bytes, Visitor who);
    /// `value` are the bytes about to be written: two threads that write the same are left alone.
    Verdict store(const void* address, const void* value, std::size_t bytes, Visitor who);
    Verdict atomic(const void* address, std::size_t bytes, Visitor who);
    /// An asynchronous copy to these bytes begins; `arrive` ends it.
    Verdict expect(const void* address, std::size_t bytes, Visitor who);
    void arrive(const void* address, std::size_t bytes, Visitor who);

    /// The thread that the last verdict but `fine` was about.
    unsigned culprit() const { return culprit_; }

private:
    /// The history of one byte. A phase before first_phase_ means: not in this block.
    struct Cell {
        std::uint32_t write_phase = 0, read_phase = 0;
        std::uint32_t write_warp_phase = 0, read_warp_phase = 0;
        std::uint16_t writer = 0, reader = 0;  // threads, or one of the marks in shared.cpp
    };

    Cell* cells(const void* address) {
        return &cells_[static_cast<std::size_t>(static_cast<const std::byte*>(address) - bytes_)];
    }
    bool written_by_another(const Cell& cell, Visitor who, bool atomically) const;
    bool read_by_another(const Cell& cell, Visitor who) const;
    void note_read(Cell& cell, Visitor who) const;

    std::vector<std::byte> storage_;
    std::byte* bytes_ = nullptr;  // aligned start of storage_
    std::vector<Cell> cells_;
    std::deque<Extent> extents_;  // first the dynamic part; a deque, so that addresses stay
    std::size_t used_ = 0;
    std::uint32_t first_phase_ = 1;
    unsigned culprit_ = 0;
};

}  // namespace nibble::kernels::emulator
