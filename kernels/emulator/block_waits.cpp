// Where the threads of a block wait for each other: __syncthreads for the whole block, meetings for
// the lanes of a warp, and the diagnosis when they wait in a circle.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "kernels/emulator/block.hpp"

namespace nibble::kernels::emulator {
namespace {

std::string hex(std::uint32_t mask) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "0x%08x", mask);
    return buffer;
}

/// "lanes 0-15, 20"
std::string lanes_text(std::uint32_t lanes) {
    std::string list = std::has_single_bit(lanes) ? "lane" : "lanes";
    const char* separator = " ";
    for (unsigned lane = 0; lane < warp_size; ++lane) {
        if ((lanes >> lane & 1u) == 0) {
            continue;
        }
        list += separator + std::to_string(lane);
        separator = ", ";
        const unsigned first = lane;
        while (lane + 1 < warp_size && (lanes >> (lane + 1) & 1u)) {
            ++lane;
        }
        if (lane > first) {
            list += '-' + std::to_string(lane);
        }
    }
    return list;
}

// Equal text usually has one address, but each translation unit may have its own copy.
bool same(const char* a, const char* b) {
    return a == b || std::strcmp(a, b) == 0;
}

bool same_place(const Where& a, const Where& b) {
    return a.line() == b.line() && same(a.file_name(), b.file_name());
}

}  // namespace

int Block::barrier(const char* word, Vote vote, bool predicate, Where where) {
    Thread& me = *running_;
    if (finished_ > 0) {
        refuse_left_behind(word, where);
    }
    if (barrier_.waiting == 0) {
        barrier_.word = word;
        barrier_.where = where;
        barrier_.first = &me;
        barrier_.tally = 0;
        ++barriers_;
    } else if (!same_place(barrier_.where, where)) {
        // A GPU counts arrivals and cannot tell two barriers apart; the program meant two.
        fail(Fault::Kind::divergent_barrier,
             std::string("waits in ") + word + " at " + text(where) + " while thread " +
                 text(barrier_.first->index) + " waits in " + barrier_.word + " at " +
                 text(barrier_.where),
             where);
    }
    barrier_.tally += predicate ? 1 : 0;
    if (++barrier_.waiting == threads_.size()) {
        const int all = static_cast<int>(threads_.size());
        barrier_.result = vote == Vote::any   ? barrier_.tally > 0
                          : vote == Vote::all ? barrier_.tally == all
                                              : barrier_.tally;
        release_barrier();
    } else {
        suspend(Thread::State::at_barrier, where);
    }
    return barrier_.result;  // no thread reaches the next barrier before all have left this one
}

void Block::refuse_left_behind(const char* word, Where where) const {
    const auto left = std::find_if(threads_.begin(), threads_.end(), [](const Thread& t) {
        return t.state == Thread::State::finished;
    });
    fail(Fault::Kind::divergent_barrier,
         std::string("waits in ") + word + " for every thread of the block, but thread " +
             text(left->index) + " has left the kernel",
         where);
}

void Block::release_barrier() {
    barrier_.waiting = 0;
    ++phase_;
    idle_yields_ = 0;
    for (Thread& t : threads_) {
        if (t.state == Thread::State::at_barrier) {
            set_ready(t);
        }
    }
}

Meeting& Block::meet(const char* word, std::uint32_t mask, const void* value, std::size_t bytes,
                     bool orders_memory, Where where) {
    Thread& me = *running_;
    Warp& warp = warps_[me.warp];
    const std::uint32_t bit = 1u << me.lane;
    if ((mask & bit) == 0) {
        fail(Fault::Kind::mismatched_mask,
             std::string(word) + " with mask " + hex(mask) + " by lane " + std::to_string(me.lane) +
                 ", which the mask does not name",
             where);
    }
    Meeting& meeting = *find_meeting(warp, word, mask, where);
    meeting.orders_memory = orders_memory;
    std::memcpy(meeting.slots[me.lane].data(), value, bytes);
    meeting.arrived |= bit;
    complete_if_all_came(warp, me.warp, meeting);
    if (!meeting.complete) {
        suspend(Thread::State::in_warp_function, where);
    }
    return meeting;
}

/// The meeting that this lane should join: one that waits for it, or a new one.
Meeting* Block::find_meeting(Warp& warp, const char* word, std::uint32_t mask, Where where) {
    const std::uint32_t bit = 1u << running_->lane;
    Meeting *unused = nullptr, *waiting = nullptr;
    for (const auto& meeting : warp.meetings) {
        if (!meeting->used) {
            unused = meeting.get();
        } else if (!meeting->complete && (meeting->mask & bit) != 0) {
            if (meeting->mask == mask && same(meeting->word, word)) {
                waiting = meeting.get();
            } else if ((meeting->arrived & mask) != 0) {
                // they wait for this lane there, and it waits for them here
                fail(Fault::Kind::mismatched_mask,
                     std::string(word) + " with mask " + hex(mask) + ", while " +
                         lanes_text(meeting->arrived) + " of the warp wait in " + meeting->word +
                         " with mask " + hex(meeting->mask) + " at " + text(meeting->where),
                     where);
            }
        }
    }
    if (waiting != nullptr) {
        return waiting;
    }
    if (unused == nullptr) {
        warp.meetings.push_back(std::make_unique<Meeting>());
        unused = warp.meetings.back().get();
    }
    unused->word = word;
    unused->where = where;
    unused->mask = mask;
    unused->arrived = unused->leaving = 0;
    unused->complete = false;
    unused->used = true;
    ++collectives_;
    return unused;
}

void Block::complete_if_all_came(Warp& warp, unsigned warp_index, Meeting& meeting) {
    if ((meeting.mask & warp.live & ~meeting.arrived) != 0) {
        return;
    }
    meeting.complete = true;
    meeting.leaving = meeting.arrived;
    warp.phase += meeting.orders_memory ? 1 : 0;
    idle_yields_ = 0;
    for (unsigned lane = 0; lane < warp_size; ++lane) {
        if (meeting.took_part(lane)) {
            set_ready(threads_[warp_index * warp_size + lane]);
        }
    }
}

void Block::leave(Meeting& meeting) {
    meeting.leaving &= ~(1u << running_->lane);
    meeting.used = meeting.leaving != 0;
}

/// Nobody can run and somebody has not finished. Lists who waits where; the fault names the first.
void Block::report_stall() const {
    const Thread* first = nullptr;
    std::string list;
    const auto add = [&](unsigned warp, std::uint32_t lanes, const std::string& what) {
        const Thread& t = threads_[warp * warp_size + std::countr_zero(lanes)];
        first = first == nullptr ? &t : first;
        list += list.empty() ? "" : "; ";
        list += lanes_text(lanes) + " of warp " + std::to_string(warp) + " wait in " + what +
                " at " + text(t.waits_at);
    };
    for (unsigned w = 0; w < warps_.size(); ++w) {
        std::uint32_t at_barrier = warps_[w].live;
        for (const auto& meeting : warps_[w].meetings) {
            if (meeting->used && !meeting->complete) {
                at_barrier &= ~meeting->arrived;
            }
        }
        if (at_barrier != 0) {
            add(w, at_barrier, barrier_.word);
        }
        for (const auto& meeting : warps_[w].meetings) {
            if (meeting->used && !meeting->complete) {
                add(w, meeting->arrived, meeting->word + (" with mask " + hex(meeting->mask)));
            }
        }
    }
    fail_as(first, Fault::Kind::deadlock, list, first->waits_at);
}

}  // namespace nibble::kernels::emulator
