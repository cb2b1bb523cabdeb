// Physical blocks: who is free, and how many use the others.
//
// Free blocks wait in a line; the one that waits longest is taken first, so that a block whose
// content may be wanted again (a cached prefix) keeps it as long as possible. The line is a doubly
// linked list through arrays: every operation takes constant time.
#pragma once

#include <vector>

namespace nibble {

class BlockPool {
public:
    /// Blocks 0 .. blocks - 1, all free, in this order.
    explicit BlockPool(int blocks);

    int blocks() const { return static_cast<int>(ref_count_.size()); }
    int free_blocks() const { return free_; }
    int used_blocks() const { return blocks() - free_; }
    /// Tables that point to the block; 0: it is free.
    int ref_count(int block) const { return ref_count_[static_cast<std::size_t>(block)]; }

    /// The free block that waits longest, with one user. There must be one.
    int take();
    /// One more user; a free block leaves the line with what it holds.
    void share(int block);
    /// One user fewer. True when it was the last: the block then waits at the end of the line.
    bool release(int block);

private:
    void link_last(int block);
    void unlink(int block);

    // Both lists have one element more than there are blocks: the last is the line's two ends.
    std::vector<int> next_, previous_;
    std::vector<int> ref_count_;  // (block)
    int free_ = 0;
};

}  // namespace nibble
