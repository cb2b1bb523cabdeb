#include "kernels/emulator/shared.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace nibble::kernels::emulator {
namespace {

// Marks where a single thread's number would not say enough; threads are below 1024.
constexpr std::uint16_t atomics_of_warp = 0x2000;  // + warp: written by atomics of one warp only
constexpr std::uint16_t several_of_warp = 0x4000;  // + warp: several lanes of one warp have read
constexpr std::uint16_t several_warps = 0x8000;    // threads of several warps have read
constexpr std::uint16_t atomic_writers = 0x8001;   // written by atomics of several warps
constexpr std::uint16_t copy_under_way = 0x8002;   // an asynchronous copy will write here

constexpr unsigned char stale_fill = 0xcd;  // what a block finds: never the zeros one hopes for

constexpr unsigned warp_of(std::uint16_t thread) {
    return thread / warp_size;
}

}  // namespace

SharedMemory::SharedMemory() : storage_(shared_limit + buffer_alignment) {
    void* start = storage_.data();
    std::size_t room = storage_.size();
    bytes_ = static_cast<std::byte*>(std::align(buffer_alignment, shared_limit, start, room));
}

void SharedMemory::begin_block(std::size_t dynamic_bytes, std::uint32_t first_phase) {
    std::memset(bytes_, stale_fill, used_);
    extents_.clear();
    used_ = 0;
    if (first_phase <= first_phase_) {  // the count began anew: old stamps mean nothing
        cells_.assign(cells_.size(), {});
    }
    first_phase_ = first_phase;
    place(dynamic_bytes, 16);
}

const Extent* SharedMemory::place(std::size_t bytes, std::size_t alignment) {
    const std::size_t offset = (used_ + alignment - 1) / alignment * alignment;
    if (offset + bytes > shared_limit) {
        return nullptr;
    }
    std::memset(bytes_ + offset, stale_fill, bytes);
    used_ = offset + bytes;
    cells_.resize(std::max(cells_.size(), used_));
    return &extents_.emplace_back(Extent{bytes_ + offset, bytes, Space::shared, {}});
}

/// Was the last write another thread's, with nothing to order it before this access?
bool SharedMemory::written_by_another(const Cell& cell, Visitor who, bool atomically) const {
    if (cell.write_phase != who.now.phase) {
        return false;  // a barrier of the block lies between, or nobody wrote
    }
    if (cell.writer == atomic_writers) {
        return !atomically;
    }
    if (cell.writer == who.thread || (atomically && cell.writer >= atomics_of_warp)) {
        return false;
    }
    const unsigned warp = cell.writer >= atomics_of_warp
                              ? static_cast<unsigned>(cell.writer - atomics_of_warp)
                              : warp_of(cell.writer);
    return warp != warp_of(who.thread) || cell.write_warp_phase == who.now.warp_phase;
}

/// The same for the last read.
bool SharedMemory::read_by_another(const Cell& cell, Visitor who) const {
    if (cell.read_phase != who.now.phase || cell.reader == who.thread) {
        return false;
    }
    if (cell.reader == several_warps) {
        return true;
    }
    const unsigned warp = cell.reader >= several_of_warp
                              ? static_cast<unsigned>(cell.reader - several_of_warp)
                              : warp_of(cell.reader);
    return warp != warp_of(who.thread) || cell.read_warp_phase == who.now.warp_phase;
}

/// Remembers as much about the readers of a phase as read_by_another needs.
void SharedMemory::note_read(Cell& cell, Visitor who) const {
    const unsigned warp = warp_of(who.thread);
    std::uint16_t reader = who.thread;
    if (cell.read_phase == who.now.phase && cell.reader != who.thread) {
        const unsigned last = cell.reader >= several_of_warp
                                  ? static_cast<unsigned>(cell.reader - several_of_warp)
                                  : warp_of(cell.reader);
        if (cell.reader == several_warps || last != warp) {
            reader = several_warps;
        } else if (cell.read_warp_phase == who.now.warp_phase) {
            reader = static_cast<std::uint16_t>(several_of_warp + warp);
        }
    }
    cell.reader = reader;
    cell.read_phase = who.now.phase;
    cell.read_warp_phase = who.now.warp_phase;
}

SharedMemory::Verdict SharedMemory::load(const void* address, std::size_t bytes, Visitor who) {
    Cell* const cell = cells(address);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (cell[i].write_phase < first_phase_) {
            return Verdict::uninitialised;
        }
        if (cell[i].writer == copy_under_way) {
            return Verdict::unfinished;
        }
        if (written_by_another(cell[i], who, false)) {
            culprit_ = cell[i].writer;
            return Verdict::race;
        }
        note_read(cell[i], who);
    }
    return Verdict::fine;
}

SharedMemory::Verdict SharedMemory::store(const void* address, const void* value, std::size_t bytes,
                                          Visitor who) {
    Cell* const cell = cells(address);
    const bool same_value = std::memcmp(address, value, bytes) == 0;
    for (std::size_t i = 0; i < bytes; ++i) {
        if (cell[i].write_phase >= first_phase_ && cell[i].writer == copy_under_way) {
            return Verdict::unfinished;
        }
        if (!same_value && written_by_another(cell[i], who, false)) {
            culprit_ = cell[i].writer;
            return Verdict::race;
        }
        if (!same_value && read_by_another(cell[i], who)) {
            culprit_ = cell[i].reader;
            return Verdict::race;
        }
        cell[i].writer = who.thread;
        cell[i].write_phase = who.now.phase;
        cell[i].write_warp_phase = who.now.warp_phase;
    }
    return Verdict::fine;
}

SharedMemory::Verdict SharedMemory::atomic(const void* address, std::size_t bytes, Visitor who) {
    Cell* const cell = cells(address);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (cell[i].write_phase < first_phase_) {
            return Verdict::uninitialised;
        }
        if (cell[i].writer == copy_under_way) {
            return Verdict::unfinished;
        }
        if (written_by_another(cell[i], who, true)) {
            culprit_ = cell[i].writer;
            return Verdict::race;
        }
        if (read_by_another(cell[i], who)) {
            culprit_ = cell[i].reader;
            return Verdict::race;
        }
        const auto mine = static_cast<std::uint16_t>(atomics_of_warp + warp_of(who.thread));
        const bool others = cell[i].write_phase == who.now.phase &&
                            cell[i].writer >= atomics_of_warp && cell[i].writer != mine;
        cell[i].writer = others ? atomic_writers : mine;
        cell[i].write_phase = who.now.phase;
        cell[i].write_warp_phase = who.now.warp_phase;
    }
    return Verdict::fine;
}

SharedMemory::Verdict SharedMemory::expect(const void* address, std::size_t bytes, Visitor who) {
    Cell* const cell = cells(address);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (read_by_another(cell[i], who)) {
            culprit_ = cell[i].reader;
            return Verdict::race;  // somebody may still be reading what the copy overwrites
        }
        cell[i].writer = copy_under_way;
        cell[i].write_phase = who.now.phase;
    }
    return Verdict::fine;
}

void SharedMemory::arrive(const void* address, std::size_t bytes, Visitor who) {
    Cell* const cell = cells(address);
    for (std::size_t i = 0; i < bytes; ++i) {
        cell[i].writer = who.thread;
        cell[i].write_phase = who.now.phase;
        cell[i].write_warp_phase = who.now.warp_phase;
    }
}

}  // namespace nibble::kernels::emulator
