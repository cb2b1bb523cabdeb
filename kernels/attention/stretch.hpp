// What one thread of attention on the processor works on at a time, and what it leaves.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nibble::kernels {

/// Tokens whose keys and values are floats in the first-level cache at one time.
constexpr std::size_t tile_tokens = 16;
constexpr std::size_t most_head_dim = 256;

/// Some tokens of one KV head of one sequence, for the query heads that share it.
struct Stretch {
    const std::uint16_t *keys, *values;
    const std::size_t* rows;  // (count): where the rows of its tokens start
    std::size_t count;
    const float* queries;  // (group, head_dim)
    std::size_t group, head_dim;
    float scale;
};

/// What a stretch leaves of one query head, head_dim + 2 floats in a row: the sum of
/// exp(logit - largest) v, then `largest`, then the sum of exp(logit - largest).
constexpr std::size_t partial_floats(std::size_t head_dim) {
    return head_dim + 2;
}

}  // namespace nibble::kernels
