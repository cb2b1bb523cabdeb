#include "sim/kvcache/reuse_replay.hpp"

#include <algorithm>
#include <deque>
#include <fmt/format.h>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

/// Requests that may enter of which the longest prefix is looked for.
constexpr std::size_t looks_ahead = 64;

std::span<const CachedToken> reusable(const ReuseRequest& request) {
    return std::span(request.tokens).first(static_cast<std::size_t>(request.prompt - 1));
}

/// Who waits, who runs, who is next.
class Line {
public:
    Line(const ReuseWorkload& workload, ReuseCache& cache, EntryOrder order)
        : workload_(workload), cache_(cache), order_(order), gone_(workload.requests.size()) {
        for (int i = 0; i < static_cast<int>(gone_.size()); ++i) {
            waiting_.push_back(i);
        }
    }

    bool is_empty() const { return waiting_.empty(); }

    ReuseStep step(std::size_t batch) {
        ReuseStep s;
        while (running_.size() >= batch) {
            leave_first(s);
        }
        for (;;) {
            const auto next = choose();
            if (next != waiting_.end()) {
                if (const auto entered = cache_.enter(*next, request(*next))) {
                    s.request = *next;
                    s.entered = *entered;
                    running_.push_back(*next);
                    waiting_.erase(next);
                    break;
                }
            }
            leave_first(s);
        }
        s.stored = cache_.stored();
        s.in_use = cache_.in_use();
        return s;
    }

private:
    const ReuseRequest& request(int id) const {
        return workload_.requests[static_cast<std::size_t>(id)];
    }

    void leave_first(ReuseStep& s) {
        NIBBLE_ASSERT(!running_.empty(), "a request that fits an empty cache enters it");
        cache_.leave(running_.front());
        gone_[static_cast<std::size_t>(running_.front())] = true;
        s.left.push_back(running_.front());
        running_.pop_front();
    }

    bool may_enter(int id) const {
        const int after = request(id).after;
        return after < 0 || gone_[static_cast<std::size_t>(after)];
    }

    std::deque<int>::iterator choose() {
        std::size_t looked_at = 0;
        auto best = waiting_.end();
        std::int64_t most = -1;
        for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
            if (!may_enter(*at)) {
                continue;
            }
            if (looked_at++ == looks_ahead) {
                break;
            }
            if (order_ == EntryOrder::arrival) {
                return at;
            }
            const std::int64_t found = cache_.found(request(*at));
            if (found > most) {
                best = at;
                most = found;
            }
        }
        return best;
    }

    const ReuseWorkload& workload_;
    ReuseCache& cache_;
    EntryOrder order_;
    std::deque<int> waiting_;  // in the order of arrival
    std::deque<int> running_;  // in the order of admission
    std::vector<bool> gone_;   // (request)
};

void check_requests(const ReuseWorkload& workload, const ReuseCache& cache) {
    for (const ReuseRequest& r : workload.requests) {
        if (cache.can_ever_enter(r)) {
            continue;
        }
        const std::string what = fmt::format("{} tokens never fit the cache", r.size());
        if (r.line > 0) {
            throw Error(Error::Code::bad_file,
                        fmt::format("{}, line {}, column output: prompt and output, {}",
                                    workload.name, r.line, what),
                        "give more --capacity, or take the request out");
        }
        throw Error(Error::Code::bad_param, fmt::format("{}: {}", r.name, what),
                    "give more --capacity");
    }
}

}  // namespace

std::int64_t TreeCache::found(const ReuseRequest& request) const {
    return tree_.match(reusable(request));
}

bool TreeCache::can_ever_enter(const ReuseRequest& request) const {
    return request.size() <= tree_.capacity();
}

std::optional<ReuseCache::Entered> TreeCache::enter(int id, const ReuseRequest& request) {
    Entered e;
    e.reused = found(request);
    auto event = tree_.insert(request.tokens);
    if (!event) {
        return std::nullopt;
    }
    last_ = std::move(*event);
    ends_[id] = last_.node;
    e.evictions = static_cast<std::int64_t>(last_.evicted.size());
    for (const RadixEvent::Evicted& gone : last_.evicted) {
        e.evicted_tokens += gone.tokens;
    }
    return e;
}

void TreeCache::leave(int id) {
    tree_.release(ends_.at(id));
    ends_.erase(id);
}

BlockCache::BlockCache(std::int64_t capacity, std::int64_t block_size, bool reuse)
    : blocks_(std::max<std::int64_t>(1, capacity / block_size), block_size, reuse) {}

std::int64_t BlockCache::found(const ReuseRequest& request) const {
    return blocks_.match(CachedTokens(request.tokens), request.prompt).blocks *
           blocks_.block_size();
}

bool BlockCache::can_ever_enter(const ReuseRequest& request) const {
    return blocks_.missing({}, request.size()) <= blocks_.size();
}

std::optional<ReuseCache::Entered> BlockCache::enter(int id, const ReuseRequest& request) {
    const CachedTokens tokens(request.tokens);
    const PrefixBlocks::Match match = blocks_.match(tokens, request.prompt);
    const std::int64_t wanted = blocks_.missing({}, request.size()) - match.blocks;
    if (wanted > blocks_.free() - match.idle) {
        return std::nullopt;
    }
    PrefixTable& table = tables_[id];
    Entered e;
    e.reused = blocks_.open(table, tokens, request.prompt).reused * blocks_.block_size();
    const auto event = blocks_.grow(table, tokens, request.size());
    e.evictions = static_cast<std::int64_t>(event->evicted.size());
    e.evicted_tokens = e.evictions * blocks_.block_size();
    return e;
}

void BlockCache::leave(int id) {
    blocks_.release(tables_.at(id));
    tables_.erase(id);
}

ReuseReplay replay_reuse(const ReuseWorkload& workload, ReuseCache& cache, EntryOrder order,
                         int batch, const std::function<void()>& check) {
    check_requests(workload, cache);
    ReuseReplay result;
    Line line(workload, cache, order);
    while (!line.is_empty()) {
        check();
        ReuseStep s = line.step(static_cast<std::size_t>(batch));
        result.prompt_tokens += workload.requests[static_cast<std::size_t>(s.request)].prompt;
        result.reused_tokens += s.entered.reused;
        result.evictions += s.entered.evictions;
        result.evicted_tokens += s.entered.evicted_tokens;
        result.steps.push_back(std::move(s));
    }
    return result;
}

void repeat_steps(const ReuseWorkload& workload, const ReuseReplay& replay, std::size_t count,
                  ReuseCache& cache) {
    for (std::size_t k = 0; k < count; ++k) {
        const ReuseStep& s = replay.steps[k];
        for (const int id : s.left) {
            cache.leave(id);
        }
        cache.enter(s.request, workload.requests[static_cast<std::size_t>(s.request)]);
    }
}

}  // namespace nibble
