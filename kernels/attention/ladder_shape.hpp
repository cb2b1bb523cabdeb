// The heads of the attention ladders, fixed because a Job has no place for them: those of Llama 3.2
// 1B (32 query heads, 8 KV heads of 64) on one of four GPUs that share them.
#pragma once

namespace nibble::kernels {

inline constexpr unsigned ladder_heads = 8, ladder_kv_heads = 2;
inline constexpr int ladder_group = ladder_heads / ladder_kv_heads;
inline constexpr int ladder_head_dim = 64;
/// Tokens of a stretch, in the rung that splits a sequence.
inline constexpr unsigned ladder_split_tokens = 128;

constexpr unsigned ladder_splits(unsigned tokens) {
    return (tokens + ladder_split_tokens - 1) / ladder_split_tokens;
}

}  // namespace nibble::kernels
