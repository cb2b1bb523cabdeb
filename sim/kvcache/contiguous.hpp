// Contiguous slots for each request, as serving systems before paging reserved them: one chunk,
// taken whole when the request is admitted and given back when it leaves.
//
// Two ways to find the chunk in `capacity` slots: first fit takes the lowest gap that is long
// enough; a buddy allocator (Knowlton 1965) rounds up to a power of two and splits larger chunks
// in halves, which is quick and wastes the difference.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>

#include "sim/kvcache/event.hpp"

namespace nibble {

struct Chunk {
    std::int64_t start = 0, slots = 0;

    std::int64_t end() const { return start + slots; }
    friend bool operator==(const Chunk&, const Chunk&) = default;
};

class SlotPool {
public:
    virtual ~SlotPool() = default;
    /// At least `slots` slots in a row, or nothing.
    virtual std::optional<Chunk> take(std::int64_t slots) = 0;
    /// A chunk that take() returned.
    virtual void give(const Chunk& chunk) = 0;
    /// Gaps by their first slot.
    virtual std::map<std::int64_t, std::int64_t> gaps() const = 0;
};

/// The lowest gap that is long enough; gaps that touch become one.
class FirstFit : public SlotPool {
public:
    explicit FirstFit(std::int64_t capacity);
    std::optional<Chunk> take(std::int64_t slots) override;
    void give(const Chunk& chunk) override;
    std::map<std::int64_t, std::int64_t> gaps() const override { return gaps_; }

private:
    std::map<std::int64_t, std::int64_t> gaps_;  // first slot -> slots
};

/// Powers of two. The pool is the binary pieces of the capacity, the largest first; the smallest
/// free chunk that is large enough, and of those the lowest, is halved until it fits.
class Buddy : public SlotPool {
public:
    explicit Buddy(std::int64_t capacity);
    std::optional<Chunk> take(std::int64_t slots) override;
    void give(const Chunk& chunk) override;
    std::map<std::int64_t, std::int64_t> gaps() const override;

private:
    static constexpr int orders = 48;
    std::array<std::set<std::int64_t>, orders> free_;  // (order) -> first slots of 2^order each
};

/// Sequences in chunks of one pool.
class ContiguousCache {
public:
    using SequenceId = std::int64_t;

    struct Sequence {
        Chunk chunk;
        std::int64_t tokens = 0;
    };

    ContiguousCache(std::unique_ptr<SlotPool> pool, std::int64_t capacity);

    /// Reserves `slots` for a sequence that has `tokens` of them filled; nothing when no gap is
    /// long enough.
    std::optional<CacheEvents> admit(SequenceId sequence, std::int64_t slots, std::int64_t tokens);
    /// One more token; there must be a reserved slot for it.
    CacheEvents append(SequenceId sequence);
    CacheEvents release(SequenceId sequence);

    const Sequence& sequence(SequenceId id) const;
    bool holds(SequenceId id) const { return sequences_.count(id) > 0; }
    const std::unordered_map<SequenceId, Sequence>& sequences() const { return sequences_; }
    std::map<std::int64_t, std::int64_t> gaps() const { return pool_->gaps(); }
    std::int64_t capacity() const { return capacity_; }
    std::int64_t free_slots() const { return free_slots_; }

private:
    std::unique_ptr<SlotPool> pool_;
    std::int64_t capacity_, free_slots_;
    std::unordered_map<SequenceId, Sequence> sequences_;
};

}  // namespace nibble
