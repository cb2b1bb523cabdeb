// The ladders of decode.cuh: the same rungs over both layouts of the cache.
#include "kernels/attention/decode.cuh"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

constexpr int block_threads = 128;

inline Heads ladder_shape() {
    return {ladder_heads, ladder_kv_heads, 0.125f};  // 1 / sqrt(64)
}
static_assert(ladder_head_dim == 64);

template <class Cache>
Cache cache_of(const Job& job, Buffers b) {
    const auto tokens = static_cast<unsigned>(job.columns);
    if constexpr (std::is_same_v<Cache, Contiguous>) {
        return {tokens};
    } else {
        const auto block = job.group_size == 0 ? tokens : static_cast<unsigned>(job.group_size);
        return {buffer<const int>(b, 6), block, blocks_for(job.columns, block)};
    }
}

/// For each of `workers` a sequence, `lanes` threads.
template <auto kernel, class Cache>
void start(const Job& job, Buffers b, std::size_t workers, std::size_t lanes) {
    launch<kernel>({blocks_for(job.rows * workers * lanes, block_threads), block_threads},
                   buffer<const float>(b, 0), buffer<const __half>(b, 1),
                   buffer<const __half>(b, 2), buffer<const int>(b, 3), buffer<float>(b, 4),
                   cache_of<Cache>(job, b), ladder_shape(), job.rows);
}

template <class Cache>
void naive(const Job& job, Buffers b) {
    start<attend_naive<Cache, ladder_head_dim>, Cache>(job, b, ladder_heads, 1);
}
template <class Cache>
void coalesced(const Job& job, Buffers b) {
    start<attend_coalesced<Cache, ladder_head_dim>, Cache>(job, b, ladder_heads, 32);
}
template <class Cache>
void grouped(const Job& job, Buffers b) {
    start<attend_grouped<Cache, ladder_head_dim, ladder_group>, Cache>(job, b, ladder_kv_heads, 32);
}
template <class Cache>
void vectorised(const Job& job, Buffers b) {
    start<attend_vectorised<Cache, ladder_head_dim, ladder_group>, Cache>(job, b, ladder_kv_heads,
                                                                          32);
}
template <class Cache>
void split(const Job& job, Buffers b) {
    const unsigned splits = ladder_splits(static_cast<unsigned>(job.columns));
    const std::size_t warps = job.rows * ladder_kv_heads * splits;
    launch<attend_split<Cache, ladder_head_dim, ladder_group>>(
        {blocks_for(warps * 32, block_threads), block_threads}, buffer<const float>(b, 0),
        buffer<const __half>(b, 1), buffer<const __half>(b, 2), buffer<const int>(b, 3),
        buffer<float>(b, 5), cache_of<Cache>(job, b), ladder_shape(), job.rows, splits);
    launch<join_splits>({static_cast<unsigned>(job.rows * ladder_heads), ladder_head_dim},
                        buffer<const float>(b, 5), buffer<float>(b, 4), ladder_head_dim, splits);
}

constexpr RungRow contiguous_rows[] = {
    {"naive", "One thread a query head: lanes read rows far apart, two bytes at a time.",
     "attend_naive", naive<Contiguous>},
    {"coalesced", "One warp a query head: its lanes share a row, one run of bytes a request.",
     "attend_coalesced", coalesced<Contiguous>},
    {"grouped", "One warp a KV head: four query heads share what it reads, a quarter of the bytes.",
     "attend_grouped", grouped<Contiguous>},
    {"vectorised", "16 bytes a lane: four tokens a request, and fewer shuffles for each.",
     "attend_vectorised", vectorised<Contiguous>},
    {"split",
     "Warps share out a sequence and join their softmaxes: one long sequence fills the GPU.",
     "attend_split", split<Contiguous>},
};

constexpr RungRow paged_rows[] = {
    {"naive", "One thread a query head, which asks the block table for every token.",
     "attend_naive", naive<Paged>},
    {"coalesced", "One warp a query head: the block table costs one sector a token.",
     "attend_coalesced", coalesced<Paged>},
    {"grouped", "One warp a KV head: the table too is read once for four query heads.",
     "attend_grouped", grouped<Paged>},
    {"vectorised",
     "16 bytes a lane: one request reads four tokens from wherever they lie; a row is never cut.",
     "attend_vectorised", vectorised<Paged>},
    {"split", "Warps share out a sequence: blocks are found through the table, in any order.",
     "attend_split", split<Paged>},
};

}  // namespace

std::span<const RungRow> attention_rows() {
    return contiguous_rows;
}
std::span<const RungRow> paged_attention_rows() {
    return paged_rows;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
