#include "sim/kvcache/prefix_blocks.hpp"

#include <algorithm>

#include "sim/core/arithmetic.hpp"

namespace nibble {

BlockKey block_key(BlockKey parent, const CachedTokens& tokens, std::int64_t first,
                   std::int64_t block_size) {
    constexpr Rng hash(0);
    BlockKey key = parent;
    for (std::int64_t i = first; i < first + block_size; ++i) {
        key = hash.bits(key ^ tokens[static_cast<std::size_t>(i)]);
    }
    return key;
}

PrefixBlocks::PrefixBlocks(std::int64_t blocks, std::int64_t block_size, bool reuse)
    : block_size_(block_size), reuse_(reuse) {
    NIBBLE_ASSERT(blocks > 0 && block_size > 0, "a cache has blocks, and blocks have tokens");
    blocks_.resize(static_cast<std::size_t>(blocks));
    for (std::int32_t b = 0; b < blocks; ++b) {
        enqueue(b);
    }
}

void PrefixBlocks::enqueue(std::int32_t block) {
    at(block).before = back_;
    at(block).after = none;
    (back_ == none ? front_ : at(back_).after) = block;
    back_ = block;
    ++free_;
}

void PrefixBlocks::dequeue(std::int32_t block) {
    const Block& b = at(block);
    (b.before == none ? front_ : at(b.before).after) = b.after;
    (b.after == none ? back_ : at(b.after).before) = b.before;
    --free_;
}

void PrefixBlocks::add_key(std::int32_t block, BlockKey key) {
    at(block).key = key;
    ++keyed_;
    const std::int32_t oldest = oldest_.try_emplace(key, block).first->second;
    const std::int32_t youngest = oldest == block ? block : at(oldest).older_twin;
    at(block).older_twin = youngest;
    at(block).younger_twin = oldest;
    at(youngest).younger_twin = block;
    at(oldest).older_twin = block;
}

void PrefixBlocks::drop_key(std::int32_t block) {
    Block& b = at(block);
    const auto place = oldest_.find(*b.key);
    if (b.younger_twin == block) {
        oldest_.erase(place);
    } else if (place->second == block) {
        place->second = b.younger_twin;
    }
    at(b.older_twin).younger_twin = b.younger_twin;
    at(b.younger_twin).older_twin = b.older_twin;
    b.key.reset();
    --keyed_;
}

PrefixBlocks::Match PrefixBlocks::match(const CachedTokens& tokens, std::int64_t prompt) const {
    Match m;
    BlockKey key = 0;
    while (reuse_ && (m.blocks + 1) * block_size_ < prompt) {
        key = block_key(key, tokens, m.blocks * block_size_, block_size_);
        const auto found = oldest_.find(key);
        if (found == oldest_.end()) {
            break;
        }
        ++m.blocks;
        m.idle += at(found->second).users == 0 ? 1 : 0;
    }
    return m;
}

PrefixEvent PrefixBlocks::open(PrefixTable& table, const CachedTokens& tokens,
                               std::int64_t prompt) {
    NIBBLE_ASSERT(table.blocks_.empty(), "a request is opened once");
    PrefixEvent event;
    while (reuse_ && (event.reused + 1) * block_size_ < prompt) {
        const BlockKey key =
            block_key(table.last_key_, tokens, event.reused * block_size_, block_size_);
        const auto found = oldest_.find(key);
        if (found == oldest_.end()) {
            break;
        }
        if (at(found->second).users++ == 0) {
            dequeue(found->second);
        }
        table.blocks_.push_back(found->second);
        table.last_key_ = key;
        ++event.reused;
    }
    table.keyed_ = event.reused;
    return event;
}

std::int64_t PrefixBlocks::missing(const PrefixTable& table, std::int64_t stored) const {
    const std::int64_t wanted = ceil_div(stored, block_size_);
    return std::max<std::int64_t>(0, wanted - static_cast<std::int64_t>(table.blocks_.size()));
}

std::optional<PrefixEvent> PrefixBlocks::grow(PrefixTable& table, const CachedTokens& tokens,
                                              std::int64_t stored) {
    PrefixEvent event;
    event.taken = missing(table, stored);
    if (event.taken > free_) {
        return std::nullopt;
    }
    for (std::int64_t i = 0; i < event.taken; ++i) {
        const std::int32_t block = front_;
        dequeue(block);
        if (at(block).key) {
            event.evicted.push_back(block);
            drop_key(block);
        }
        at(block).users = 1;
        table.blocks_.push_back(block);
    }
    while (reuse_ && (table.keyed_ + 1) * block_size_ <= stored) {
        table.last_key_ =
            block_key(table.last_key_, tokens, table.keyed_ * block_size_, block_size_);
        add_key(table.blocks_[static_cast<std::size_t>(table.keyed_)], table.last_key_);
        ++table.keyed_;
        ++event.keyed;
    }
    return event;
}

PrefixEvent PrefixBlocks::release(PrefixTable& table) {
    PrefixEvent event;
    for (auto block = table.blocks_.rbegin(); block != table.blocks_.rend(); ++block) {
        if (--at(*block).users == 0) {
            enqueue(*block);
            ++event.released;
        }
    }
    table = PrefixTable{};
    return event;
}

std::vector<std::int32_t> PrefixBlocks::queue() const {
    std::vector<std::int32_t> blocks;
    for (std::int32_t b = front_; b != none; b = at(b).after) {
        blocks.push_back(b);
    }
    return blocks;
}

}  // namespace nibble
