#include "sim/kvcache/paged_cache.hpp"

#include <map>
#include <set>

#include "sim/core/error.hpp"

namespace nibble {

PagedCache::PagedCache(const Settings& settings)
    : settings_(settings), device_(settings.blocks), host_(settings.host_blocks) {
    NIBBLE_ASSERT(settings.block_size > 0, "a block has slots");
}

const PagedCache::Sequence& PagedCache::sequence(SequenceId id) const {
    const auto found = sequences_.find(id);
    NIBBLE_ASSERT(found != sequences_.end(), "the sequence is in the cache");
    return found->second;
}

PagedCache::Sequence& PagedCache::at(SequenceId id) {
    const auto found = sequences_.find(id);
    NIBBLE_ASSERT(found != sequences_.end(), "the sequence is in the cache");
    return found->second;
}

bool PagedCache::can_admit(std::int64_t tokens) const {
    return blocks_for(tokens, settings_.block_size) + settings_.watermark_blocks <= free_blocks();
}

std::optional<CacheEvents> PagedCache::admit(SequenceId id, std::int64_t tokens) {
    return admit(id, tokens, {});
}

std::optional<CacheEvents> PagedCache::admit(SequenceId id, std::int64_t tokens,
                                             std::span<const int> prefix) {
    NIBBLE_ASSERT(!holds(id), "a sequence is admitted once");
    const std::int64_t needed = blocks_for(tokens, settings_.block_size);
    const auto reused = static_cast<std::int64_t>(prefix.size());
    NIBBLE_ASSERT(reused <= needed, "a prefix is no longer than its sequence");
    std::int64_t leaving = needed - reused;  // the line of free blocks
    for (const int block : prefix) {
        leaving += ref_count(block) == 0 ? 1 : 0;
    }
    if (leaving + settings_.watermark_blocks > free_blocks()) {
        return std::nullopt;
    }
    Sequence sequence{{}, tokens, false};
    sequence.block_table.reserve(static_cast<std::size_t>(needed) + 1);
    CacheEvents events;
    for (const int block : prefix) {
        device_.share(block);
        sequence.block_table.push_back(block);
        events.push_back({CacheEvent::Kind::shared, id, block, -1, settings_.block_size});
    }
    for (std::int64_t k = reused; k < needed; ++k) {
        sequence.block_table.push_back(device_.take());
        events.push_back(
            {CacheEvent::Kind::taken, id, sequence.block_table.back(), -1, settings_.block_size});
    }
    sequences_.emplace(id, std::move(sequence));
    return events;
}

int PagedCache::blocks_to_append(SequenceId id) const {
    const Sequence& s = sequence(id);
    const bool full = s.tokens % settings_.block_size == 0;
    return full || ref_count(s.block_table.back()) > 1 ? 1 : 0;
}

std::optional<CacheEvents> PagedCache::append(SequenceId id) {
    Sequence& s = at(id);
    NIBBLE_ASSERT(!s.on_host, "a swapped sequence does not grow");
    const bool full = s.tokens % settings_.block_size == 0;
    const bool shared = !full && ref_count(s.block_table.back()) > 1;
    if ((full || shared) && free_blocks() == 0) {
        return std::nullopt;
    }
    CacheEvents events;
    if (full) {
        s.block_table.push_back(device_.take());
        events.push_back(
            {CacheEvent::Kind::taken, id, s.block_table.back(), -1, settings_.block_size});
    } else if (shared) {
        const int old = s.block_table.back();
        s.block_table.back() = device_.take();
        device_.release(old);  // others keep it
        ++copies_;
        events.push_back(
            {CacheEvent::Kind::copied, id, s.block_table.back(), old, settings_.block_size});
        events.push_back({CacheEvent::Kind::dropped, id, old, -1, settings_.block_size});
    }
    ++s.tokens;
    events.push_back(
        {CacheEvent::Kind::stored, id, s.block_table.back(), -1, settings_.block_size});
    return events;
}

CacheEvents PagedCache::fork(SequenceId parent, SequenceId child) {
    NIBBLE_ASSERT(!holds(child), "a sequence is admitted once");
    const Sequence copy = sequence(parent);
    NIBBLE_ASSERT(!copy.on_host, "a swapped sequence does not fork");
    CacheEvents events;
    for (const int block : copy.block_table) {
        device_.share(block);
        events.push_back({CacheEvent::Kind::shared, child, block, -1, settings_.block_size});
    }
    sequences_.emplace(child, copy);
    return events;
}

void PagedCache::give_back(SequenceId id, Sequence& s, BlockPool& pool, CacheEvents& events) const {
    for (auto block = s.block_table.rbegin(); block != s.block_table.rend(); ++block) {
        const CacheEvent::Kind kind =
            pool.release(*block) ? CacheEvent::Kind::freed : CacheEvent::Kind::dropped;
        events.push_back({kind, id, *block, -1, settings_.block_size});
    }
    s.block_table.clear();
}

CacheEvents PagedCache::release(SequenceId id) {
    Sequence& s = at(id);
    CacheEvents events;
    events.reserve(s.block_table.size());
    give_back(id, s, s.on_host ? host_ : device_, events);
    sequences_.erase(id);
    return events;
}

std::optional<CacheEvents> PagedCache::move(std::span<const SequenceId> group, bool to_host) {
    BlockPool& from = to_host ? device_ : host_;
    BlockPool& to = to_host ? host_ : device_;
    std::set<int> blocks;
    for (const SequenceId id : group) {
        const Sequence& s = sequence(id);
        NIBBLE_ASSERT(s.on_host != to_host, "a sequence moves to where it is not");
        blocks.insert(s.block_table.begin(), s.block_table.end());
    }
    const int spare = to_host ? 0 : settings_.watermark_blocks;
    if (static_cast<int>(blocks.size()) + spare > to.free_blocks()) {
        return std::nullopt;
    }
    CacheEvents events;
    std::map<int, int> moved;
    const CacheEvent::Kind kind =
        to_host ? CacheEvent::Kind::swapped_out : CacheEvent::Kind::swapped_in;
    for (const SequenceId id : group) {
        Sequence& s = at(id);
        std::vector<int> table;
        for (const int block : s.block_table) {
            const auto known = moved.find(block);
            if (known == moved.end()) {
                table.push_back(to.take());
                moved.emplace(block, table.back());
                events.push_back({kind, id, table.back(), block, settings_.block_size});
            } else {
                to.share(known->second);
                table.push_back(known->second);
            }
        }
        CacheEvents given;  // of the pool that is left; the move says it already
        give_back(id, s, from, given);
        s.block_table = std::move(table);
        s.on_host = to_host;
    }
    return events;
}

std::optional<CacheEvents> PagedCache::swap_out(std::span<const SequenceId> group) {
    return move(group, true);
}

std::optional<CacheEvents> PagedCache::swap_in(std::span<const SequenceId> group) {
    return move(group, false);
}

}  // namespace nibble
