// The ladders of family `attention`. A job's rows are sequences, its columns the tokens of each;
// of the paged ladder the group size is the block size.
#include <cmath>
#include <numeric>

#include "kernels/attention/ladder_shape.hpp"
#include "kernels/attention/ops.hpp"
#include "kernels/families.hpp"
#include "kernels/jobs.hpp"

namespace nibble::kernels {
namespace {

/// 0 and sizes beyond a sequence: one block for all of it.
std::size_t block_tokens(const Job& job) {
    return job.group_size == 0 ? job.columns : job.group_size;
}
std::size_t blocks_each(const Job& job) {
    return (job.columns + block_tokens(job) - 1) / block_tokens(job);
}
/// Tokens that the cache has room for.
std::size_t room(const Job& job, bool paged) {
    return job.rows * (paged ? blocks_each(job) * block_tokens(job) : job.columns);
}

AttentionShape shape_of(const Job& job) {
    return {job.rows, ladder_heads, ladder_kv_heads, ladder_head_dim};
}

template <bool paged>
std::vector<BufferInfo> attention_buffers(const Job& job) {
    const std::size_t query = shape_of(job).query_values() * 4;
    const std::size_t cache = room(job, paged) * ladder_kv_heads * ladder_head_dim * 2;
    const std::size_t partials = job.rows * ladder_heads *
                                 ladder_splits(static_cast<unsigned>(job.columns)) *
                                 (ladder_head_dim + 4) * 4;
    std::vector<BufferInfo> buffers = {
        {"queries", query, 4, true}, {"keys", cache, 2, true},
        {"values", cache, 2, true},  {"lengths", job.rows * 4, 4, true},
        {"outputs", query, 4},       {"partials", partials, 4, false, true}};
    if (paged) {
        buffers.push_back({"table", job.rows * blocks_each(job) * 4, 4, true});
    }
    return buffers;
}

/// An order of `count` blocks as a cache has it after some hours: theirs in a random order (Fisher
/// and Yates 1938), the same every time.
void store_shuffled(std::size_t count, std::int32_t* table) {
    std::iota(table, table + count, 0);
    std::uint32_t state = 1;
    for (std::size_t i = count; i > 1; --i) {
        state = state * 1664525U + 1013904223U;
        std::swap(table[i - 1], table[static_cast<std::size_t>(state >> 8U) % i]);
    }
}

/// Numbers of about unit size out of whatever the weights are, taken here and there.
struct Drawn {
    std::vector<float> values;

    explicit Drawn(std::span<const float> weights) : values(weights.begin(), weights.end()) {
        for (float& v : values) {
            v = std::isfinite(v) ? std::fmin(std::fmax(50.0F * v, -4.0F), 4.0F) : 0.0F;
        }
    }
    std::size_t at(std::size_t i, std::uint64_t use) const {
        return ((i + use) * 0x9E3779B97F4A7C15ULL >> 20U) % values.size();
    }
};

template <bool paged>
void prepare_attention(const Job& job, std::span<const float> weights, Buffers b) {
    const Drawn drawn(weights.first(job.values()));
    std::vector<std::uint16_t> halves(drawn.values.size());
    store_input(InputType::f16, drawn.values, halves.data());
    const std::size_t cache = room(job, paged) * ladder_kv_heads * ladder_head_dim;
    auto* const keys = host_buffer<std::uint16_t>(b, 1);
    auto* const values = host_buffer<std::uint16_t>(b, 2);
    for (std::size_t i = 0; i < cache; ++i) {
        keys[i] = halves[drawn.at(i, 1)];
        values[i] = halves[drawn.at(i, 2)];
    }
    for (std::size_t i = 0; i < shape_of(job).query_values(); ++i) {
        host_buffer<float>(b, 0)[i] = drawn.values[drawn.at(i, 3)];
    }
    std::fill_n(host_buffer<std::int32_t>(b, 3), job.rows, static_cast<std::int32_t>(job.columns));
    if (paged) {
        store_shuffled(job.rows * blocks_each(job), host_buffer<std::int32_t>(b, 6));
    }
}

template <bool paged>
void attend_on_processor(const Job& job, Buffers b) {
    const AttentionShape shape = shape_of(job);
    const std::size_t cache = room(job, paged) * ladder_kv_heads * ladder_head_dim;
    const AttentionQuery query{{host_buffer<const float>(b, 0), shape.query_values()},
                               {host_buffer<const std::int32_t>(b, 3), job.rows}};
    const std::span<const std::uint16_t> keys{host_buffer<const std::uint16_t>(b, 1), cache};
    const std::span<const std::uint16_t> values{host_buffer<const std::uint16_t>(b, 2), cache};
    const std::span<float> outputs{host_buffer<float>(b, 4), shape.query_values()};
    if constexpr (paged) {
        const std::size_t blocks = job.rows * blocks_each(job);
        attend(shape, query,
               PagedCache{keys,
                          values,
                          {host_buffer<const std::int32_t>(b, 6), blocks},
                          blocks,
                          block_tokens(job),
                          blocks_each(job)},
               outputs);
    } else {
        attend(shape, query, ContiguousCache{keys, values, job.columns}, outputs);
    }
}

/// What the tokens there are take, not the room for more: keys and values, queries and outputs,
/// lengths, and the block table.
template <bool paged>
double attention_bytes(const Job& job) {
    const double tokens = static_cast<double>(job.values());
    return tokens * ladder_kv_heads * ladder_head_dim * 4 +
           static_cast<double>(job.rows) *
               (ladder_heads * ladder_head_dim * 8.0 + 4.0 +
                (paged ? 4.0 * static_cast<double>(blocks_each(job)) : 0.0));
}

template <bool paged>
Ladder attention_ladder() {
    Ladder l;
    l.family = "attention";
    l.buffers = attention_buffers<paged>;
    l.prepare = prepare_attention<paged>;
    l.cpu = attend_on_processor<paged>;
    l.bytes = attention_bytes<paged>;
    // two multiply-adds for each value of a row and query head
    l.flops = [](const Job& job) {
        return 4.0 * static_cast<double>(job.values()) * ladder_heads * ladder_head_dim;
    };
    l.check = check_floats;
    l.tolerance = 0x1p-13;
    l.tolerance_reason =
        "Of the largest value. A logit is 64 products of at most 4 x 4, an eighth of their sum: "
        "off by less than 2^-14, and so is its weight; each of up to 4096 additions is off by "
        "2^-24 of the sum, mostly in different directions.";
    return l;
}

}  // namespace

void add_attention_ladders(std::vector<Ladder>& list) {
    Ladder contiguous = attention_ladder<false>();
    contiguous.id = "attention-contiguous";
    contiguous.title = "Decode attention, contiguous cache";
    contiguous.does =
        "One new token a sequence attends to all tokens of its sequence: 8 query heads of 64 share "
        "2 KV heads in FP16. Rows are sequences, columns tokens.";
    contiguous.example = {2, 160, 0};
    contiguous.rungs = join_rungs("kernels/attention/decode.cuh", emulated::attention_rows(),
                                  NIBBLE_CUDA_ROWS(attention_rows()));
    list.push_back(std::move(contiguous));
    Ladder paged = attention_ladder<true>();
    paged.id = "attention-paged";
    paged.title = "Decode attention, paged cache";
    paged.does =
        "The same over a cache in blocks that lie anywhere, found through a block table; the group "
        "size is the tokens of a block.";
    paged.example = {2, 160, 16};
    paged.rungs = join_rungs("kernels/attention/decode.cuh", emulated::paged_attention_rows(),
                             NIBBLE_CUDA_ROWS(paged_attention_rows()));
    list.push_back(std::move(paged));
}

}  // namespace nibble::kernels
