#include "sim/kvcache/block_pool.hpp"

#include "sim/core/error.hpp"

namespace nibble {
namespace {

std::size_t index(int block) {
    return static_cast<std::size_t>(block);
}

}  // namespace

BlockPool::BlockPool(int blocks)
    : next_(index(blocks) + 1, blocks),
      previous_(index(blocks) + 1, blocks),
      ref_count_(index(blocks), 0) {
    for (int block = 0; block < blocks; ++block) {
        link_last(block);
    }
}

void BlockPool::link_last(int block) {
    const int ends = blocks(), last = previous_[index(ends)];
    next_[index(last)] = block;
    previous_[index(block)] = last;
    next_[index(block)] = ends;
    previous_[index(ends)] = block;
    ++free_;
}

void BlockPool::unlink(int block) {
    const int before = previous_[index(block)], after = next_[index(block)];
    next_[index(before)] = after;
    previous_[index(after)] = before;
    --free_;
}

int BlockPool::take() {
    NIBBLE_ASSERT(free_ > 0, "a block is taken only when one is free");
    const int block = next_[index(blocks())];
    share(block);
    return block;
}

void BlockPool::share(int block) {
    NIBBLE_ASSERT(block >= 0 && block < blocks(), "a block of this pool");
    if (ref_count_[index(block)]++ == 0) {
        unlink(block);
    }
}

bool BlockPool::release(int block) {
    NIBBLE_ASSERT(block >= 0 && block < blocks(), "a block of this pool");
    NIBBLE_ASSERT(ref_count_[index(block)] > 0, "a block is released once for each user");
    if (--ref_count_[index(block)] > 0) {
        return false;
    }
    link_last(block);
    return true;
}

}  // namespace nibble
