// Attention of one new token a sequence over its KV cache, on the processor: the inner loop of
// decoding. The cache lies in one piece a sequence, or in blocks anywhere, found through a block
// table (Kwon et al. 2023, section 4).
//
//     o = sum_t softmax_t(q . k_t / sqrt(head_dim)) v_t
//
// Keys and values are binary16, their bits as std::uint16_t; queries, the softmax and the outputs
// are float. Query heads of a group share one KV head (Ainslie et al. 2023): heads h * group ..
// (h + 1) * group - 1 read KV head h, once for all of them. A sequence is cut into stretches of
// `split_tokens`, which threads take one by one; each leaves its sum, its largest logit and its
// weight, and they are joined afterwards (log-sum-exp, as FlashDecoding does: Dao et al. 2023).
//
// The layouts differ in addresses only: tokens are met in the same order, so a paged cache gives
// the same bits as a contiguous one, whatever the block size and wherever the blocks lie, and on
// any number of threads. Instruction sets differ by rounding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble::kernels {

struct AttentionShape {
    std::size_t sequences = 0;
    std::size_t heads = 0, kv_heads = 0;  // of queries; of keys and values
    std::size_t head_dim = 0;             // a multiple of 16, at most 256

    std::size_t group() const { return heads / kv_heads; }
    std::size_t query_values() const { return sequences * heads * head_dim; }
};

struct AttentionQuery {
    std::span<const float> queries;         // (sequences, heads, head_dim)
    std::span<const std::int32_t> lengths;  // (sequences): tokens in the cache; 0 gives zeros
};

/// Room for max_tokens of every sequence, whether used or not.
struct ContiguousCache {
    std::span<const std::uint16_t> keys, values;  // (sequences, kv_heads, max_tokens, head_dim)
    std::size_t max_tokens = 0;
};

/// Token t of sequence s lies at place t % block_tokens of block table[s][t / block_tokens].
struct PagedCache {
    std::span<const std::uint16_t> keys, values;  // (blocks, kv_heads, block_tokens, head_dim)
    std::span<const std::int32_t> table;          // (sequences, table_columns); unused ones: any
    std::size_t blocks = 0, block_tokens = 0, table_columns = 0;
};

/// Tokens of a stretch. Fixed, so that results do not depend on the number of threads.
inline constexpr std::size_t split_tokens = 256;

/// outputs: (sequences, heads, head_dim). Throw std::invalid_argument that names the sequence and
/// the value when sizes do not fit, heads are no multiple of kv_heads, a length is negative or
/// larger than the cache, or a block that a length reaches is not one of `blocks`.
void attend(const AttentionShape& shape, const AttentionQuery& query, const ContiguousCache& cache,
            std::span<float> outputs);
void attend(const AttentionShape& shape, const AttentionQuery& query, const PagedCache& cache,
            std::span<float> outputs);

}  // namespace nibble::kernels
