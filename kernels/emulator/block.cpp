// How a block is scheduled, and what happens when it stops. Waiting for each other is in
// block_waits.cpp, memory in block_memory.cpp.
#include "kernels/emulator/block.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <numeric>
#include <stdexcept>

namespace nibble::kernels::emulator {
namespace {

std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
}

/// splitmix64: a small generator is enough to shuffle with.
std::uint64_t draw(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

template <class Range>
void arrange(Range& range, Order order, std::uint64_t& state) {
    std::iota(range.begin(), range.end(), 0u);
    if (order == Order::reverse) {
        std::reverse(range.begin(), range.end());
    } else if (order == Order::shuffled) {
        for (std::size_t i = range.size(); i > 1; --i) {
            std::swap(range[i - 1], range[draw(state) % i]);
        }
    }
}

// A thread that yields this often while nothing else happens in its block waits for a value that
// nobody will write.
constexpr std::uint64_t patience = 2'000'000;

}  // namespace

constinit thread_local Block* running_block = nullptr;

Block::Block() = default;
Block::~Block() = default;

void Block::prepare(const GridPlan& plan, std::uint64_t linear, Recorder* recorder) {
    plan_ = &plan;
    recorder_ = recorder;
    linear_ = linear;
    serial_ = next_serial();
    index_ = {static_cast<unsigned>(linear % plan.grid.x),
              static_cast<unsigned>(linear / plan.grid.x % plan.grid.y),
              static_cast<unsigned>(linear / plan.grid.x / plan.grid.y)};

    const Index3 shape = plan.block;
    threads_.resize(std::size_t{shape.x} * shape.y * shape.z);
    warps_.resize((threads_.size() + warp_size - 1) / warp_size);
    for (Warp& warp : warps_) {
        warp.ready = warp.live = 0;
        warp.phase = 1;
        for (const auto& meeting : warp.meetings) {
            meeting->used = false;
        }
    }
    for (unsigned i = 0; i < threads_.size(); ++i) {
        Thread& t = threads_[i];
        t.index = {i % shape.x, i / shape.x % shape.y, i / shape.x / shape.y};
        t.linear = i;
        t.warp = i / warp_size;
        t.lane = i % warp_size;
        t.state = Thread::State::fresh;
        t.seat = nullptr;
        t.open_copies.clear();
        t.copy_groups.clear();
        warps_[t.warp].ready |= 1u << t.lane;
        warps_[t.warp].live |= 1u << t.lane;
    }
    std::uint64_t state = plan.seed * 0x2545f4914f6cdd1dull + linear;
    warp_order_.resize(warps_.size());
    arrange(warp_order_, plan.order, state);
    arrange(lane_order_, plan.order, state);

    finished_ = 0;
    abandoned_ = has_turn_ = false;
    idle_yields_ = 0;
    failure_ = nullptr;
    barrier_ = {};
    phase_ = phase_ > UINT32_MAX / 2 ? 1 : phase_ + 1;  // a block has fewer barriers than that
    shared_.begin_block(plan.dynamic_bytes, phase_);
}

void Block::run(const GridPlan& plan, std::uint64_t linear, Recorder* recorder) {
    Block* const outer = running_block;
    running_block = this;
    prepare(plan, linear, recorder);
    schedule();
    if (failure_) {
        abandon();
    }
    running_ = nullptr;
    running_block = outer;
    if (failure_) {
        std::rethrow_exception(failure_);
    }
    if (recorder_ != nullptr) {
        recorder_->end_block(linear);
    }
}

/// Goes round the warps, giving each lane that can run its turn, until all have finished.
void Block::schedule() {
    while (finished_ < threads_.size()) {
        bool progress = false;
        for (const unsigned w : warp_order_) {
            if (warps_[w].ready == 0) {
                continue;
            }
            for (const unsigned lane : lane_order_) {
                if (warps_[w].ready >> lane & 1u) {
                    step(threads_[w * warp_size + lane]);
                    progress = true;
                    if (failure_) {
                        return;
                    }
                }
            }
        }
        if (!progress) {
            try {
                report_stall();
            } catch (...) { failure_ = std::current_exception(); }
            return;
        }
    }
}

/// Runs one thread until it waits or finishes.
void Block::step(Thread& thread) {
    if (thread.state == Thread::State::fresh) {
        thread.seat = take_seat();
        thread.state = Thread::State::ready;
        seated_ = &thread;
    }
    running_ = &thread;
    thread.seat->resume();
    if (thread.state == Thread::State::finished) {
        free_seats_.push_back(thread.seat);
        thread.seat = nullptr;
    }
}

Fiber* Block::take_seat() {
    if (free_seats_.empty()) {
        seats_.push_back(std::make_unique<Fiber>([this] { run_seated(); }));
        free_seats_.push_back(seats_.back().get());
    }
    Fiber* seat = free_seats_.back();
    free_seats_.pop_back();
    return seat;
}

/// The body of every fiber: one CUDA thread from its first to its last line.
void Block::run_seated() {
    Thread& me = *seated_;
    try {
        plan_->body();
        finish(me);
    } catch (const Abandoned&) {
        // another thread has failed, and said why
    } catch (...) { failure_ = std::current_exception(); }
    me.state = Thread::State::finished;
}

void Block::finish(Thread& thread) {
    Warp& warp = warps_[thread.warp];
    warp.ready &= ~(1u << thread.lane);
    warp.live &= ~(1u << thread.lane);
    ++finished_;
    idle_yields_ = 0;
    if (barrier_.waiting > 0) {
        fail(Fault::Kind::divergent_barrier,
             "left the kernel while thread " + text(barrier_.first->index) + " waits in " +
                 barrier_.word + " for every thread of the block",
             barrier_.where);
    }
    for (const auto& meeting : warp.meetings) {
        if (meeting->used && !meeting->complete) {
            complete_if_all_came(warp, thread.warp, *meeting);  // nobody waits for who has left
        }
    }
}

void Block::suspend(Thread::State state, Where where) {
    Thread& me = *running_;
    me.state = state;
    me.waits_at = where;
    if (state != Thread::State::ready) {
        warps_[me.warp].ready &= ~(1u << me.lane);
    }
    me.seat->suspend();
    if (abandoned_) {
        throw Abandoned{};
    }
}

void Block::set_ready(Thread& thread) {
    thread.state = Thread::State::ready;
    warps_[thread.warp].ready |= 1u << thread.lane;
}

void Block::yield(Where where) {
    if (++idle_yields_ > patience) {
        fail(Fault::Kind::deadlock, "spins on a value that no thread of the block changes", where);
    }
    suspend(Thread::State::ready, where);
}

/// Lets every thread that is under way unwind its stack, so that its seat can be used again.
void Block::abandon() {
    abandoned_ = true;
    for (Thread& t : threads_) {
        if (t.seat != nullptr) {
            running_ = &t;
            t.seat->resume();
            free_seats_.push_back(t.seat);
            t.seat = nullptr;
        }
    }
}

void Block::wait_for_turn() {
    if (!has_turn_) {
        plan_->take_turn(linear_);
        has_turn_ = true;
    }
}

void Block::fail(Fault::Kind kind, const std::string& message, Where where) const {
    fail_as(running_, kind, message, where);
}

void Block::fail_as(const Thread* thread, Fault::Kind kind, const std::string& message,
                    Where where) const {
    throw Fault(kind,
                {plan_->kernel, index_, thread->index, where.file_name(),
                 static_cast<unsigned>(where.line())},
                message);
}

}  // namespace nibble::kernels::emulator
