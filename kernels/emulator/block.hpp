// One block of CUDA threads, run by one OS thread.
//
// Every CUDA thread sits on a fiber and runs until it must wait: at a barrier of the block, or in a
// warp function (shuffle, vote, mma) whose lanes have to come together. Then the scheduler goes on
// with the next thread that can run, in an order that the options choose, because a correct kernel
// gives the same result in every order. When nobody can run and somebody has not finished, the
// kernel hangs, and the block can say who waits where for whom.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/emulator/fault.hpp"
#include "kernels/emulator/fiber.hpp"
#include "kernels/emulator/recorder.hpp"
#include "kernels/emulator/shared.hpp"

namespace nibble::kernels::emulator {

constexpr unsigned max_block_threads = 1024;

/// In which order the threads of a block get to run. All are legal; a kernel that minds is wrong.
enum class Order : std::uint8_t { forward, reverse, shuffled };

/// What __syncthreads and its kin do with the predicates of the threads.
enum class Vote : std::uint8_t { none, any, all, count };

/// Copies into shared memory that a thread has started with copy_async and not yet waited for.
struct AsyncCopy {
    void* to = nullptr;
    const void* from = nullptr;
    std::uint32_t bytes = 0;
};

struct Thread {
    enum class State : std::uint8_t { fresh, ready, at_barrier, in_warp_function, finished };

    Index3 index;
    unsigned linear = 0, warp = 0, lane = 0;
    State state = State::fresh;
    Fiber* seat = nullptr;
    Where waits_at;  // the place of the barrier or warp function it waits in

    std::vector<AsyncCopy> open_copies;               // not yet committed
    std::vector<std::vector<AsyncCopy>> copy_groups;  // committed, oldest first
};

/// The lanes of a warp coming together in a warp function. Each brings a value; when the last one
/// that the mask names has come, all may read all values. Several can be under way in one warp,
/// because disjoint groups of lanes may meet at different places.
struct Meeting {
    static constexpr std::size_t slot_bytes = 64;

    const char* word = "";  // the function, e.g. "__shfl_xor_sync"
    Where where;
    std::uint32_t mask = 0, arrived = 0, leaving = 0;
    bool complete = false, used = false, orders_memory = false;
    alignas(64) std::array<std::array<std::byte, slot_bytes>, warp_size> slots;

    bool took_part(unsigned lane) const { return (arrived >> lane & 1u) != 0; }
    template <class T>
    T value_of(unsigned lane) const;
};

struct Warp {
    std::uint32_t ready = 0;                         // lanes that can run
    std::uint32_t live = 0;                          // lanes that have not finished
    std::uint32_t phase = 1;                         // counts __syncwarp, for the race detector
    std::vector<std::unique_ptr<Meeting>> meetings;  // reused
};

/// What all blocks of a launch have in common.
struct GridPlan {
    std::string kernel;
    Index3 grid, block;
    std::size_t dynamic_bytes = 0;
    std::function<void()> body;  // calls the kernel with its arguments
    Order order = Order::forward;
    std::uint64_t seed = 0;
    bool check_shared = true;
    /// Waits until every earlier block has finished; called before a block's first atomic on global
    /// memory, which makes their order, and so the result, the same in every run.
    std::function<void(std::uint64_t block)> take_turn;
};

class Block {
public:
    Block();
    ~Block();
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    /// Runs the block with this linear index to its end. Throws Fault.
    void run(const GridPlan& plan, std::uint64_t linear, Recorder* recorder);

    std::uint64_t barriers() const { return barriers_; }
    std::uint64_t collectives() const { return collectives_; }

    // What follows is called by the running CUDA thread, through the words of kernels/cuda.hpp.

    const Thread& thread() const { return *running_; }
    const Index3& index() const { return index_; }
    const GridPlan& plan() const { return *plan_; }
    /// Of the running thread's warp: the lanes that have not finished.
    std::uint32_t live_lanes() const { return warps_[running_->warp].live; }

    int barrier(const char* word, Vote vote, bool predicate, Where where);
    /// Meets the other lanes of `mask`. The meeting stays until leave(). `orders_memory` is true
    /// for __syncwarp alone: shuffles and votes promise nothing about memory.
    Meeting& meet(const char* word, std::uint32_t mask, const void* value, std::size_t bytes,
                  bool orders_memory, Where where);
    void leave(Meeting& meeting);
    /// Lets others run first; for loops that wait for a value.
    void yield(Where where);
    void wait_for_turn();

    const Extent& place_shared(std::size_t bytes, std::size_t alignment, Where where);
    const Extent& dynamic_shared() const { return shared_.dynamic(); }
    std::uint64_t serial() const { return serial_; }

    /// Every load, store and atomic of an observed pointer passes here before it happens.
    void check(Access access, const Extent& extent, const void* address, std::size_t bytes,
               std::size_t alignment, const void* value, Where where);
    bool watches_global() const { return recorder_ != nullptr; }

    void start_copy(const Extent& to_extent, void* to, const Extent* from_extent, const void* from,
                    std::uint32_t bytes, Where where);
    void commit_copies();
    /// Completes all committed groups but the newest `pending`.
    void wait_copies(unsigned pending);

    [[noreturn]] void fail(Fault::Kind kind, const std::string& message, Where where) const;

private:
    struct Abandoned {};  // unwinds the stacks of a block that has failed

    void prepare(const GridPlan& plan, std::uint64_t linear, Recorder* recorder);
    void schedule();
    void step(Thread& thread);
    void run_seated();
    void finish(Thread& thread);
    void suspend(Thread::State state, Where where);
    void set_ready(Thread& thread);
    void abandon();
    Fiber* take_seat();

    void refuse_left_behind(const char* word, Where where) const;
    void release_barrier();
    Meeting* find_meeting(Warp& warp, const char* word, std::uint32_t mask, Where where);
    void complete_if_all_came(Warp& warp, unsigned warp_index, Meeting& meeting);
    Visitor visitor() const;
    void report_stall() const;
    [[noreturn]] void fail_as(const Thread* thread, Fault::Kind kind, const std::string& message,
                              Where where) const;

    const GridPlan* plan_ = nullptr;
    Recorder* recorder_ = nullptr;
    Index3 index_;
    std::uint64_t linear_ = 0;
    std::uint64_t serial_ = 0;  // unique for every block this object ever ran

    std::vector<Thread> threads_;
    std::vector<Warp> warps_;
    std::vector<unsigned> warp_order_;
    std::array<unsigned, warp_size> lane_order_{};
    Thread* running_ = nullptr;
    Thread* seated_ = nullptr;  // who sits down on the seat that is resumed next
    unsigned finished_ = 0;
    bool abandoned_ = false, has_turn_ = false;
    std::uint64_t idle_yields_ = 0;
    std::exception_ptr failure_;

    struct Barrier {
        const char* word = "";
        Where where;
        unsigned waiting = 0;
        const Thread* first = nullptr;
        int tally = 0, result = 0;
    } barrier_;
    std::uint32_t phase_ = 1;
    std::uint64_t barriers_ = 0, collectives_ = 0;

    SharedMemory shared_;
    std::vector<std::unique_ptr<Fiber>> seats_;
    std::vector<Fiber*> free_seats_;
};

/// The block that runs on this OS thread; null outside a launch.
extern constinit thread_local Block* running_block;

template <class T>
T Meeting::value_of(unsigned lane) const {
    static_assert(sizeof(T) <= slot_bytes && std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, slots[lane].data(), sizeof value);
    return value;
}

}  // namespace nibble::kernels::emulator
