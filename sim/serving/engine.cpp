#include "sim/serving/engine.hpp"

#include <cmath>
#include <fmt/format.h>
#include <map>

#include "sim/core/error.hpp"

namespace nibble::serving {
namespace {

/// Choosing by prefix looks no further than this, or a long line would cost more than it saves.
constexpr std::size_t most_looked_at = 64;

void check(const Request& request, const Rules& rules) {
    const Refusal no = refusal(request, rules);
    if (!no.why.empty()) {
        throw Error(Error::Code::bad_param,
                    fmt::format("request {} can never be served: {}", request.id, no.why), no.hint);
    }
}

}  // namespace

Engine::Engine(const Rules& rules, Arrivals& arrivals, const StepTime& step_time)
    : rules_(rules),
      arrivals_(arrivals),
      step_time_(step_time),
      blocks_(rules.blocks, rules.block_size) {
    NIBBLE_ASSERT(rules.max_seqs > 0 && rules.token_budget > 0, "a step has room for something");
    if (rules.policy == Policy::prefix_aware) {
        if (rules.blocks > most_prefix_blocks) {
            throw Error(Error::Code::bad_param,
                        fmt::format("blocks = {}: a cache of prefixes keeps count of {} at most",
                                    rules.blocks, most_prefix_blocks),
                        "take fewer or larger blocks");
        }
        prefixes_.emplace(rules.blocks, rules.block_size);
    }
}

bool Engine::step() {
    take_arrivals();
    if (running_.empty() && !wait_for_work()) {
        return false;
    }
    last_.number = tick_;
    last_.start = now_;
    last_.shares.clear();
    last_.preempted.clear();
    last_.finished.clear();
    last_.load = {};
    scheduled_ = 0;
    budget_ = rules_.token_budget;
    const bool may_admit = !rules_.runs_batches() || running_.empty();
    schedule_running();
    if (may_admit && last_.preempted.empty()) {
        admit();
    }
    end_step();
    return true;
}

void Engine::take_arrivals() {
    for (const Incoming* next = arrivals_.peek(); next && next->at <= now_;
         next = arrivals_.peek()) {
        enter(*next);
        arrivals_.pop();
    }
}

void Engine::enter(const Incoming& incoming) {
    const Request& request = incoming.so_far.request;
    check(request, rules_);
    if (vacant_.empty()) {
        vacant_.push_back(static_cast<std::uint32_t>(pool_.size()));
        pool_.emplace_back();
        if (prefixes_) {
            prefixed_.push_back({CachedTokens({}), {}});
        }
    }
    const std::uint32_t place = vacant_.back();
    vacant_.pop_back();
    Sequence& s = pool_[place];
    s = Sequence{};
    s.record = incoming.so_far;
    // A prompt that another machine has read comes with its cache and its first token.
    s.generated = s.record.first_token_step >= 0 ? 1 : 0;
    s.computed = s.generated ? request.prompt : 0;
    s.length = request.prompt + s.generated;
    if (prefixes_) {
        prefixed_[place].tokens =
            CachedTokens::shared(request.prefix_id, request.prefix_len, request.id);
    }
    waiting_.push_back(place);
}

/// With nothing running: moves the clock to when there is something to start. False: never.
bool Engine::wait_for_work() {
    for (;;) {
        const Incoming* next = arrivals_.peek();
        if (waiting_.empty()) {
            if (!next) {
                return false;
            }
            jump_to(next->at);
        } else if (rules_.policy != Policy::dynamic_batch ||
                   waiting_.size() >= static_cast<std::size_t>(rules_.max_seqs)) {
            return true;
        } else {
            const double patience =
                pool_[waiting_.front()].record.request.arrival + rules_.max_wait;
            if (now_ >= patience) {
                return true;
            }
            jump_to(next ? std::min(next->at, patience) : patience);
        }
        take_arrivals();
    }
}

void Engine::jump_to(double time) {
    if (!step_time_.is_constant()) {
        now_ = std::max(now_, time);
        return;
    }
    const double step = step_time_.seconds({});
    tick_ = std::max(tick_, static_cast<std::int64_t>(std::ceil(time / step)));
    tick_ += static_cast<double>(tick_) * step < time;  // where the quotient was rounded down
    now_ = static_cast<double>(tick_) * step;
}

void Engine::schedule_running() {
    while (scheduled_ < running_.size() && budget_ > 0) {
        Sequence& s = pool_[running_[scheduled_]];
        const std::int32_t tokens = std::min(s.to_compute(), budget_);
        while (!grow(s, s.computed + tokens, 0)) {
            preempt_last();
            if (scheduled_ == running_.size()) {
                return;  // it was itself the last one
            }
        }
        schedule(s, tokens);
        ++scheduled_;
    }
}

void Engine::preempt_last() {
    const std::uint32_t place = running_.back();
    Sequence& s = pool_[place];
    release(s);
    if (rules_.preemption == Preemption::swap) {
        s.swapped = true;
        last_.load.swapped += s.computed;
    } else {
        s.computed = 0;
    }
    ++s.record.preemptions;
    last_.preempted.push_back(s.record.request.id);
    running_.pop_back();
    waiting_.push_front(place);
}

void Engine::admit() {
    const auto has_room = [this] {  // whoever comes takes a block at least
        return running_.empty() || (running_.size() < static_cast<std::size_t>(rules_.max_seqs) &&
                                    free_blocks() > rules_.watermark);
    };
    while (!waiting_.empty() && budget_ > 0 && has_room() && admit(next_in_line())) {}
}

/// The first, or the one of those in front that finds most of its prompt in the cache.
std::size_t Engine::next_in_line() const {
    std::size_t best = 0;
    if (!prefixes_) {
        return best;
    }
    // Requests of one prefix find the same: (prefix, tokens of it within reach) -> blocks.
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> known;
    std::int64_t most = 0;
    for (std::size_t i = 0; i < std::min(waiting_.size(), most_looked_at); ++i) {
        const Sequence& s = pool_[waiting_[i]];
        const Request& r = s.record.request;
        if (r.prefix_id < 0 || s.computed > 0) {
            continue;
        }
        const auto [place, is_new] =
            known.try_emplace({r.prefix_id, std::min(r.prefix_len, s.length - 1)});
        if (is_new) {
            place->second = match(s).blocks;
        }
        if (place->second > most) {
            most = place->second;
            best = i;
        }
    }
    return best;
}

bool Engine::admit(std::size_t in_line) {
    const std::uint32_t place = waiting_[in_line];
    Sequence& s = pool_[place];
    const bool alone = running_.empty();
    const bool exceeds_every_budget = s.to_compute() > rules_.token_budget && alone;
    if (!rules_.is_chunked() && s.to_compute() > budget_ && !exceeds_every_budget) {
        return false;
    }
    const std::int64_t watermark = alone ? 0 : rules_.watermark;
    const std::int32_t had = s.computed;  // elsewhere
    if (prefixes_ && had == 0 && !reuse_prefix(s, watermark)) {
        return false;
    }
    const std::int32_t tokens = std::min(s.to_compute(), budget_);
    if (!grow(s, s.computed + tokens, watermark)) {
        return false;
    }
    unfilled_ -= had;
    last_.load.swapped += s.swapped ? had : 0;
    s.swapped = false;
    if (s.record.admitted_step < 0) {
        s.record.admitted_step = last_.number;
        s.record.admitted = last_.start;
        s.record.reused = s.computed - had;
    }
    schedule(s, tokens);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(in_line));
    running_.push_back(place);
    ++scheduled_;
    return true;
}

PrefixBlocks::Match Engine::match(const Sequence& s) const {
    return prefixes_->match(prefixed_[place_of(s)].tokens, s.length);
}

/// Takes over what is in the cache, unless the rest would not fit beside it.
bool Engine::reuse_prefix(Sequence& s, std::int64_t watermark) {
    const PrefixBlocks::Match found = match(s);
    const auto reused = static_cast<std::int32_t>(found.blocks * rules_.block_size);
    const std::int64_t more = blocks_.blocks_for(std::min(s.length - reused, budget_));
    if (more > prefixes_->free() - found.idle - watermark) {
        return false;
    }
    Prefixed& p = prefixed_[place_of(s)];
    prefixes_->open(p.table, p.tokens, s.length);
    s.computed = s.room = reused;
    return true;
}

bool Engine::grow(Sequence& s, std::int64_t tokens, std::int64_t watermark) {
    const std::int64_t more = tokens <= s.room ? 0 : blocks_.blocks_for(tokens - s.room);
    if (prefixes_) {
        if (more > 0 && more > prefixes_->free() - watermark) {
            return false;
        }
        Prefixed& p = prefixed_[place_of(s)];
        prefixes_->grow(p.table, p.tokens, tokens);
    } else if (!blocks_.take(more, watermark)) {
        return false;
    }
    s.room += static_cast<std::int32_t>(more * rules_.block_size);
    unfilled_ += more * rules_.block_size;
    return true;
}

void Engine::schedule(Sequence& s, std::int32_t tokens) {
    s.scheduled = tokens;
    budget_ -= tokens;
    unfilled_ -= tokens;
    const std::int64_t context = std::int64_t{s.computed} + tokens;
    const bool yields = context == s.length;
    last_.shares.push_back(
        {s.record.request.id, tokens, s.computed, s.generated == 0 || s.to_compute() > 1, yields});
    last_.load.add(tokens, context, yields, step_time_.window());
}

/// Time passes; what was scheduled is computed.
void Engine::end_step() {
    last_.free_blocks = free_blocks();
    last_.stored_tokens = (rules_.blocks - last_.free_blocks) * rules_.block_size - unfilled_;
    last_.running = static_cast<std::int64_t>(running_.size());
    last_.waiting = static_cast<std::int64_t>(waiting_.size());
    last_.seconds = step_time_.seconds(last_.load);
    ++tick_;
    now_ = step_time_.is_constant() ? static_cast<double>(tick_) * last_.seconds
                                    : now_ + last_.seconds;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < scheduled_; ++i) {
        Sequence& s = pool_[running_[i]];
        s.computed += s.scheduled;
        if (s.computed == s.length && yield(s)) {
            leave(running_[i]);
        } else {
            running_[kept++] = running_[i];
        }
    }
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(kept),
                   running_.begin() + static_cast<std::ptrdiff_t>(scheduled_));
}

void Engine::leave(std::uint32_t place) {
    Sequence& s = pool_[place];
    release(s);
    if (s.record.finish >= 0) {
        arrivals_.answered(s.record);
    }
    last_.finished.push_back(s.record);
    vacant_.push_back(place);
}

/// One more token; whether it was the last here.
bool Engine::yield(Sequence& s) {
    ++s.length;
    if (++s.generated == 1) {
        s.record.first_token_step = last_.number;
        s.record.first_token = now_;
    } else {
        s.record.longest_pause = std::max(s.record.longest_pause, now_ - s.record.last_token);
    }
    s.record.last_token = now_;
    if (s.generated < s.record.request.output) {
        return rules_.prompts_only;
    }
    s.record.finish_step = last_.number;
    s.record.finish = now_;
    return true;
}

void Engine::release(Sequence& s) {
    unfilled_ -= s.room - s.computed;
    if (prefixes_) {
        prefixes_->release(prefixed_[place_of(s)].table);
    } else {
        blocks_.give(s.room / rules_.block_size);
    }
    s.room = 0;
}

}  // namespace nibble::serving
