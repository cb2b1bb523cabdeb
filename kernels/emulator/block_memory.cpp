// What a block checks about memory: bounds and alignment of every observed access, the history of
// shared memory, and asynchronous copies, whose bytes arrive only when they are waited for.
#include <cstring>

#include "kernels/emulator/block.hpp"

namespace nibble::kernels::emulator {
namespace {

std::string spot(Access access, const Extent& extent, const void* address, std::size_t bytes) {
    const auto offset = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(address) -
                                                  reinterpret_cast<std::uintptr_t>(extent.base));
    const std::string where = extent.space == Space::shared ? "a __shared__ array"
                              : extent.name.empty()         ? "a buffer"
                                                            : "buffer '" + extent.name + "'";
    return std::string(name(access)) + " of " + std::to_string(bytes) + " bytes at byte " +
           std::to_string(offset) + " of " + where + ", which has " + std::to_string(extent.bytes) +
           " bytes";
}

}  // namespace

Visitor Block::visitor() const {
    return {static_cast<std::uint16_t>(running_->linear), {phase_, warps_[running_->warp].phase}};
}

const Extent& Block::place_shared(std::size_t bytes, std::size_t alignment, Where where) {
    const Extent* extent = shared_.place(bytes, alignment);
    if (extent == nullptr) {
        fail(Fault::Kind::bad_launch,
             "the __shared__ variables need more than the " + std::to_string(shared_limit) +
                 " bytes that a block can have",
             where);
    }
    return *extent;
}

void Block::check(Access access, const Extent& extent, const void* address, std::size_t bytes,
                  std::size_t alignment, const void* value, Where where) {
    if (!extent.holds(address, bytes)) {
        fail(Fault::Kind::out_of_bounds, spot(access, extent, address, bytes), where);
    }
    if (reinterpret_cast<std::uintptr_t>(address) % alignment != 0) {
        fail(Fault::Kind::misaligned,
             spot(access, extent, address, bytes) + ", is not aligned to " +
                 std::to_string(alignment),
             where);
    }
    if (recorder_ != nullptr) {
        recorder_->record(where, access, extent, address, static_cast<std::uint32_t>(bytes),
                          running_->warp, running_->lane);
    }
    if (extent.space != Space::shared || !plan_->check_shared) {
        return;
    }
    using Verdict = SharedMemory::Verdict;
    Verdict verdict = Verdict::fine;
    switch (access) {
        case Access::load:
            verdict = shared_.load(address, bytes, visitor());
            break;
        case Access::store:
            verdict = shared_.store(address, value, bytes, visitor());
            break;
        case Access::atomic:
            verdict = shared_.atomic(address, bytes, visitor());
            break;
        case Access::async_copy:
            verdict = shared_.expect(address, bytes, visitor());
            break;
    }
    if (verdict == Verdict::fine) {
        return;
    }
    const std::string what = spot(access, extent, address, bytes);
    switch (verdict) {
        case Verdict::fine:
            break;
        case Verdict::uninitialised:
            fail(Fault::Kind::uninitialised_shared, what + ", which no thread has written", where);
        case Verdict::unfinished:
            fail(Fault::Kind::unfinished_copy,
                 what + ", to which an asynchronous copy is under way", where);
        case Verdict::race: {
            const unsigned other = shared_.culprit();
            fail(Fault::Kind::race,
                 what + ", which " +
                     (other < threads_.size() ? "thread " + text(threads_[other].index)
                                              : std::string("another thread")) +
                     " has accessed since the last barrier",
                 where);
        }
    }
}

void Block::start_copy(const Extent& to_extent, void* to, const Extent* from_extent,
                       const void* from, std::uint32_t bytes, Where where) {
    if (from_extent != nullptr) {
        check(Access::load, *from_extent, from, bytes, bytes, nullptr, where);
    }
    check(Access::async_copy, to_extent, to, bytes, bytes, nullptr, where);
    running_->open_copies.push_back({to, from, bytes});
}

void Block::commit_copies() {
    running_->copy_groups.push_back(std::move(running_->open_copies));
    running_->open_copies.clear();
}

void Block::wait_copies(unsigned pending) {
    auto& groups = running_->copy_groups;
    while (groups.size() > pending) {
        for (const AsyncCopy& copy : groups.front()) {
            std::memcpy(copy.to, copy.from, copy.bytes);
            shared_.arrive(copy.to, copy.bytes, visitor());
        }
        groups.erase(groups.begin());
    }
}

}  // namespace nibble::kernels::emulator
