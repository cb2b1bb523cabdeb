// A paged cache reduced to a count: how many blocks are free. A scheduler asks no more of it, and a
// count costs nothing where which block belongs to whom does not matter (Kwon et al. 2023, section
// 4.2, without the block tables).
#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/core/error.hpp"

namespace nibble {

class BlockBudget {
public:
    /// `block_size` in tokens, at least 1.
    BlockBudget(std::int64_t blocks, std::int64_t block_size)
        : total_(blocks), free_(blocks), block_size_(block_size) {
        NIBBLE_ASSERT(blocks >= 0 && block_size > 0, "a pool of blocks of some tokens");
    }

    std::int64_t total() const { return total_; }
    std::int64_t free() const { return free_; }
    std::int64_t used() const { return total_ - free_; }
    std::int64_t block_size() const { return block_size_; }

    /// ceil(tokens / block_size)
    std::int64_t blocks_for(std::int64_t tokens) const {
        return (tokens + block_size_ - 1) / block_size_;
    }

    /// All of them or none, leaving at least `watermark` free.
    bool take(std::int64_t count, std::int64_t watermark = 0) {
        if (count > free_ - watermark) {
            return count == 0;
        }
        free_ -= count;
        return true;
    }
    void give(std::int64_t count) {
        free_ += count;
        NIBBLE_ASSERT(free_ <= total_, "a block is given back once");
    }

private:
    std::int64_t total_, free_, block_size_;
};

}  // namespace nibble
