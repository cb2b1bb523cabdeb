#include "sim/kvcache/replay.hpp"

#include <deque>
#include <numeric>

#include "sim/core/error.hpp"
#include "sim/kvcache/paged_cache.hpp"

namespace nibble {
namespace {

/// The line, the batch and the record; the cache is one of the two below.
template <class Memory>
class Queue {
public:
    Queue(Replay& result, const RequestTrace& trace, Memory memory)
        : result_(result), trace_(trace), memory_(std::move(memory)) {
        generated_.assign(trace.requests.size(), 0);
        result_.finished.assign(trace.requests.size(), 0);
        waiting_.resize(trace.requests.size());
        std::iota(waiting_.begin(), waiting_.end(), 0);
    }

    bool is_done() const { return waiting_.empty() && running_.empty(); }

    void step() {
        ++now_;
        preemptions_ = 0;
        admit();
        NIBBLE_ASSERT(!running_.empty(), "a request that fits an empty cache is admitted to it");
        grow();
        record();
        leave();
    }

private:
    std::int64_t stored(int request) const {
        return this->request(request).prompt + generated_[static_cast<std::size_t>(request)];
    }
    const Request& request(int index) const {
        return trace_.requests[static_cast<std::size_t>(index)];
    }
    Stint& stint(std::size_t running) { return result_.stints[running_[running]]; }

    void admit() {
        while (!waiting_.empty()) {
            const int head = waiting_.front();
            Stint stint{head, now_, now_ - 1, stored(head)};
            if (!memory_.admit(head, request(head), stint)) {
                return;
            }
            waiting_.pop_front();
            running_.push_back(result_.stints.size());
            result_.stints.push_back(std::move(stint));
        }
    }

    void grow() {
        for (std::size_t k = 0; k < running_.size(); ++k) {
            const int asking = stint(k).request;
            while (!memory_.append(asking)) {
                preempt_last();
                if (k == running_.size()) {
                    return;  // it was the last itself
                }
            }
            ++generated_[static_cast<std::size_t>(asking)];
        }
    }

    void preempt_last() {
        Stint& last = stint(running_.size() - 1);
        memory_.leave(last);
        last.preempted = true;
        last.last_step = now_ - 1;
        waiting_.push_front(last.request);
        const std::int64_t kept = stored(last.request);
        result_.recomputed_tokens += kept;
        result_.swapped_blocks += 2 * blocks_for(kept, result_.size.block_size);
        running_.pop_back();
        ++preemptions_;
    }

    void record() {
        StepRecord r;
        r.batch = static_cast<std::int64_t>(running_.size());
        r.waiting = static_cast<std::int64_t>(waiting_.size());
        r.preemptions = preemptions_;
        for (std::size_t k = 0; k < running_.size(); ++k) {
            const int index = stint(k).request;
            memory_.record(index, request(index), r);
            r.finished += is_complete(index) ? 1 : 0;
        }
        result_.steps.push_back(r);
    }

    bool is_complete(int index) const {
        return generated_[static_cast<std::size_t>(index)] == request(index).output;
    }

    void leave() {
        std::erase_if(running_, [this](std::size_t at) {
            Stint& stint = result_.stints[at];
            stint.last_step = now_;
            if (!is_complete(stint.request)) {
                return false;
            }
            memory_.leave(stint);
            result_.finished[static_cast<std::size_t>(stint.request)] = now_;
            return true;
        });
    }

    Replay& result_;
    const RequestTrace& trace_;
    Memory memory_;
    std::deque<int> waiting_;
    std::vector<std::size_t> running_;     // stints, in the order of admission
    std::vector<std::int64_t> generated_;  // (request)
    std::int64_t now_ = 0, preemptions_ = 0;
};

class Contiguous {
public:
    Contiguous(Placement placement, const CacheSize& size)
        : placement_(placement),
          max_len_(size.max_len),
          cache_(slot_pool(placement, size.capacity_slots), size.capacity_slots) {}

    bool admit(int id, const Request& request, Stint& stint) {
        const auto slots = slots_asked(placement_, request, max_len_);
        const auto events = cache_.admit(id, slots, stint.tokens_before);
        if (events) {
            stint.chunk = cache_.sequence(id).chunk;
        }
        return events.has_value();
    }
    bool append(int id) {
        cache_.append(id);
        return true;
    }
    void leave(Stint& stint) { cache_.release(stint.request); }
    void record(int id, const Request& request, StepRecord& r) const {
        const ContiguousCache::Sequence& s = cache_.sequence(id);
        r.used += s.tokens;
        r.allocated += s.chunk.slots;
        r.reservation += request.tokens() - s.tokens;
        r.internal += s.chunk.slots - request.tokens();
    }

private:
    Placement placement_;
    std::int64_t max_len_;
    ContiguousCache cache_;
};

class Paged {
public:
    explicit Paged(const CacheSize& size)
        : cache_({static_cast<int>(size.blocks()), size.block_size, size.watermark_blocks}) {}

    bool admit(int id, const Request& /*request*/, const Stint& stint) {
        return cache_.admit(id, stint.tokens_before).has_value();
    }
    bool append(int id) { return cache_.append(id).has_value(); }
    void leave(Stint& stint) {
        stint.block_table = cache_.block_table(stint.request);
        cache_.release(stint.request);
    }
    void record(int id, const Request& /*request*/, StepRecord& r) const {
        const PagedCache::Sequence& s = cache_.sequence(id);
        const std::int64_t slots =
            static_cast<std::int64_t>(s.block_table.size()) * cache_.settings().block_size;
        r.used += s.tokens;
        r.allocated += slots;
        r.internal += slots - s.tokens;
    }

private:
    PagedCache cache_;
};

template <class Memory>
void run(Replay& result, const RequestTrace& trace, Memory memory,
         const std::function<void()>& check) {
    constexpr std::int64_t steps_between_checks = 256;
    Queue<Memory> queue(result, trace, std::move(memory));
    while (!queue.is_done()) {
        if (result.step_count() % steps_between_checks == 0) {
            check();
        }
        queue.step();
    }
}

double mean(const Replay& replay, std::int64_t StepRecord::*field) {
    double sum = 0;
    for (const StepRecord& r : replay.steps) {
        sum += static_cast<double>(r.*field);
    }
    return sum / static_cast<double>(replay.step_count());
}

}  // namespace

double Replay::mean_batch() const {
    return mean(*this, &StepRecord::batch);
}
double Replay::mean_used_slots() const {
    return mean(*this, &StepRecord::used);
}
double Replay::mean_allocated_slots() const {
    return mean(*this, &StepRecord::allocated);
}
double Replay::mean_reservation() const {
    return mean(*this, &StepRecord::reservation);
}
double Replay::mean_internal() const {
    return mean(*this, &StepRecord::internal);
}
double Replay::used_over_allocated() const {
    return mean_used_slots() / mean_allocated_slots();
}
double Replay::used_over_capacity() const {
    return mean_used_slots() / static_cast<double>(size.capacity_slots);
}
std::int64_t Replay::preemptions() const {
    std::int64_t sum = 0;
    for (const StepRecord& r : steps) {
        sum += r.preemptions;
    }
    return sum;
}
std::int64_t Replay::finish_steps_sum() const {
    return std::accumulate(finished.begin(), finished.end(), std::int64_t{0});
}

Replay replay(Placement placement, const RequestTrace& trace, const CacheSize& size,
              const std::function<void()>& check) {
    check_requests(placement, trace, size);
    Replay result;
    result.placement = placement;
    result.size = size;
    if (placement == Placement::paged) {
        run(result, trace, Paged(size), check);
    } else {
        run(result, trace, Contiguous(placement, size), check);
    }
    return result;
}

}  // namespace nibble
