#include "sim/kvcache/contiguous.hpp"

#include <bit>

#include "sim/core/error.hpp"

namespace nibble {

FirstFit::FirstFit(std::int64_t capacity) {
    if (capacity > 0) {
        gaps_.emplace(0, capacity);
    }
}

std::optional<Chunk> FirstFit::take(std::int64_t slots) {
    for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
        const auto [start, length] = *gap;
        if (length < slots) {
            continue;
        }
        gaps_.erase(gap);
        if (length > slots) {
            gaps_.emplace(start + slots, length - slots);
        }
        return Chunk{start, slots};
    }
    return std::nullopt;
}

void FirstFit::give(const Chunk& chunk) {
    auto [gap, is_new] = gaps_.emplace(chunk.start, chunk.slots);
    NIBBLE_ASSERT(is_new, "a chunk is given back once");
    const auto join = [this](auto low, auto high) {
        if (low->first + low->second == high->first) {
            low->second += high->second;
            gaps_.erase(high);
            return low;
        }
        return high;
    };
    if (gap != gaps_.begin()) {
        gap = join(std::prev(gap), gap);
    }
    if (const auto after = std::next(gap); after != gaps_.end()) {
        join(gap, after);
    }
}

Buddy::Buddy(std::int64_t capacity) {
    NIBBLE_ASSERT(capacity < std::int64_t{1} << orders, "the capacity has so many binary digits");
    std::int64_t start = 0;
    for (int order = orders - 1; order >= 0; --order) {
        const std::int64_t piece = std::int64_t{1} << order;
        if ((capacity & piece) != 0) {
            free_[static_cast<std::size_t>(order)].insert(start);
            start += piece;
        }
    }
}

std::optional<Chunk> Buddy::take(std::int64_t slots) {
    const auto wanted = std::bit_ceil(static_cast<std::uint64_t>(slots));
    const auto order = static_cast<std::size_t>(std::countr_zero(wanted));
    std::size_t from = order;
    while (from < free_.size() && free_[from].empty()) {
        ++from;
    }
    if (from >= free_.size()) {
        return std::nullopt;
    }
    const std::int64_t start = *free_[from].begin();
    free_[from].erase(free_[from].begin());
    while (from > order) {
        --from;  // the lower half goes on, the upper half stays
        free_[from].insert(start + (std::int64_t{1} << from));
    }
    return Chunk{start, static_cast<std::int64_t>(wanted)};
}

void Buddy::give(const Chunk& chunk) {
    auto order =
        static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(chunk.slots)));
    std::int64_t start = chunk.start;
    // A piece of 2^k slots begins at a multiple of 2^(k+1), because only larger pieces lie before
    // it. Its twin would lie in the smaller pieces behind it, so a chunk never grows past its
    // piece.
    for (;; ++order) {
        const std::int64_t twin = start ^ (std::int64_t{1} << order);
        if (free_[order].erase(twin) == 0) {
            break;
        }
        start = std::min(start, twin);
    }
    NIBBLE_ASSERT(free_[order].insert(start).second, "a chunk is given back once");
}

std::map<std::int64_t, std::int64_t> Buddy::gaps() const {
    std::map<std::int64_t, std::int64_t> all;
    for (std::size_t order = 0; order < free_.size(); ++order) {
        for (const std::int64_t start : free_[order]) {
            all.emplace(start, std::int64_t{1} << order);
        }
    }
    return all;
}

ContiguousCache::ContiguousCache(std::unique_ptr<SlotPool> pool, std::int64_t capacity)
    : pool_(std::move(pool)), capacity_(capacity), free_slots_(capacity) {}

const ContiguousCache::Sequence& ContiguousCache::sequence(SequenceId id) const {
    const auto found = sequences_.find(id);
    NIBBLE_ASSERT(found != sequences_.end(), "the sequence is in the cache");
    return found->second;
}

std::optional<CacheEvents> ContiguousCache::admit(SequenceId id, std::int64_t slots,
                                                  std::int64_t tokens) {
    NIBBLE_ASSERT(!holds(id), "a sequence is admitted once");
    NIBBLE_ASSERT(tokens <= slots, "a sequence fits its slots");
    const std::optional<Chunk> chunk = pool_->take(slots);
    if (!chunk) {
        return std::nullopt;
    }
    free_slots_ -= chunk->slots;
    sequences_.emplace(id, Sequence{*chunk, tokens});
    return CacheEvents{{CacheEvent::Kind::taken, id, chunk->start, -1, chunk->slots}};
}

CacheEvents ContiguousCache::append(SequenceId id) {
    const auto found = sequences_.find(id);
    NIBBLE_ASSERT(found != sequences_.end(), "the sequence is in the cache");
    Sequence& s = found->second;
    NIBBLE_ASSERT(s.tokens < s.chunk.slots, "a sequence stays inside its slots");
    ++s.tokens;
    return {{CacheEvent::Kind::stored, id, s.chunk.start, -1, s.chunk.slots}};
}

CacheEvents ContiguousCache::release(SequenceId id) {
    const Chunk chunk = sequence(id).chunk;
    pool_->give(chunk);
    free_slots_ += chunk.slots;
    sequences_.erase(id);
    return {{CacheEvent::Kind::freed, id, chunk.start, -1, chunk.slots}};
}

}  // namespace nibble
