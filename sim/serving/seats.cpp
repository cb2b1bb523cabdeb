#include "sim/serving/seats.hpp"

#include <algorithm>

namespace nibble::serving {

std::string_view name(Doing doing) {
    static constexpr std::string_view names[] = {"prompt", "again", "answer", "nothing"};
    return names[static_cast<int>(doing)];
}

void Seats::add(const Step& step) {
    for (const std::int64_t request : step.preempted) {
        leave(request);
    }
    const bool has_prompts = std::any_of(step.shares.begin(), step.shares.end(),
                                         [](const Share& share) { return share.is_prompt; });
    for (const Share& share : step.shares) {
        sit(step, share, has_prompts);
    }
    for (const Record& r : step.finished) {
        leave(r.request.id);
        answering_.erase(r.request.id);
    }
}

void Seats::sit(const Step& step, const Share& share, bool has_prompts) {
    Sitting& s = sitting_[share.request];
    if (s.is_new) {
        if (free_.empty()) {
            free_.insert(count_++);
        }
        s.seat = free_.extract(free_.begin()).value();
    }
    const Doing doing = !share.is_prompt                     ? Doing::answer
                        : answering_.contains(share.request) ? Doing::again
                                                             : Doing::prompt;
    Slice* last = s.is_new ? nullptr : &slices_[s.slice];
    if (last && last->last_step + 1 < step.number && last->end < step.start) {
        slices_.push_back({s.seat, share.request, Doing::nothing, last->end, step.start,
                           last->last_step + 1, step.number - 1, 0, false});
        last = nullptr;
    }
    const bool slowed = doing == Doing::answer && has_prompts;
    if (last && doing == Doing::answer && last->doing == Doing::answer && last->slowed == slowed) {
        last->end = step.end();
        last->last_step = step.number;
        last->tokens += share.tokens;
    } else {
        s.slice = slices_.size();
        slices_.push_back({s.seat, share.request, doing, step.start, step.end(), step.number,
                           step.number, share.tokens, slowed});
    }
    s.is_new = false;
    if (share.yields) {
        answering_.insert(share.request);
    }
}

void Seats::leave(std::int64_t request) {
    const auto found = sitting_.find(request);
    if (found != sitting_.end()) {
        free_.insert(found->second.seat);
        sitting_.erase(found);
    }
}

}  // namespace nibble::serving
