// Decode attention, one new token a sequence, from naive to fast, over a cache in one piece and
// over a cache in blocks (ops.hpp has the operation and its papers).
//
//     queries   (sequences, heads, head_dim)          float
//     keys      (blocks, kv_heads, tokens, head_dim)  half; contiguous: a block is a sequence
//     values    as keys
//     lengths   (sequences)                           int, tokens in the cache
//     outputs   (sequences, heads, head_dim)          float
//     partials  (sequences, heads, splits, head_dim + 4)  float: sums, largest logit, weight, and
//                                                     two that keep rows on 16 bytes
//     table     (sequences, columns)                  int, of the paged ladder
//
// Each rung is written once for both layouts: `Cache` says where a token's row starts. Everything
// is about reading the cache, once; the arithmetic is small. The softmax is taken in one pass, with
// the largest logit so far, and what was summed is scaled when a larger one comes (Milakov and
// Gimelshein 2018).
#include "kernels/attention/ladder_shape.hpp"
#include "kernels/quantize/device_codes.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

struct Heads {
    unsigned heads, kv_heads;
    float scale;  // of logits
};

/// Room for so many tokens of each sequence, in one piece.
struct Contiguous {
    unsigned tokens;

    __device__ std::size_t row(unsigned sequence, unsigned kv_head, unsigned kv_heads,
                               unsigned token) const {
        return (std::size_t{sequence} * kv_heads + kv_head) * tokens + token;
    }
};

/// Blocks of so many tokens: one more word to read, and a division.
struct Paged {
    Global<const int> table;
    unsigned tokens, columns;

    __device__ std::size_t row(unsigned sequence, unsigned kv_head, unsigned kv_heads,
                               unsigned token) const {
        const int block = table[std::size_t{sequence} * columns + token / tokens];
        return (static_cast<std::size_t>(block) * kv_heads + kv_head) * tokens + token % tokens;
    }
};

__device__ inline float minus_infinity() {
    return -__uint_as_float(infinity_bits);
}

/// exp(from - to) where both may be minus infinity, which then weighs nothing either way.
__device__ inline float rescale(float from, float to) {
    return from == to ? 1.0f : expf(from - to);
}

/// The softmax so far: the largest logit, and the sum of exp(logit - largest).
struct Softmax {
    float largest, weight;
};

/// Takes a logit in. Returns what the sums so far are to be scaled by, and the logit's weight.
__device__ inline float2 take(Softmax& s, float logit) {
    const float largest = max(s.largest, logit);
    const float keep = expf(s.largest - largest), weight = expf(logit - largest);
    s.largest = largest;
    s.weight = s.weight * keep + weight;
    return make_float2(keep, weight);
}

/// One thread a query head walks over all tokens: lanes read rows of different heads, two bytes
/// each, and a batch of a few sequences is a few warps.
template <class Cache, int head_dim>
__global__ void attend_naive(Global<const float> queries, Global<const __half> keys,
                             Global<const __half> values, Global<const int> lengths,
                             Global<float> outputs, Cache cache, Heads shape, unsigned sequences) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= sequences * shape.heads) {
        return;
    }
    const unsigned sequence = i / shape.heads, head = i % shape.heads;
    const unsigned kv_head = head / (shape.heads / shape.kv_heads);
    const std::size_t place = std::size_t{i} * head_dim;
    float query[head_dim], sum[head_dim] = {};
    for (int d = 0; d < head_dim; ++d) {
        query[d] = queries[place + d];
    }
    Softmax softmax{minus_infinity(), 0.0f};
    const unsigned length = static_cast<unsigned>(lengths[sequence]);
    for (unsigned t = 0; t < length; ++t) {
        const std::size_t row = cache.row(sequence, kv_head, shape.kv_heads, t) * head_dim;
        float logit = 0.0f;
        for (int d = 0; d < head_dim; ++d) {
            logit += query[d] * __half2float(keys[row + d]);
        }
        const float2 scale = take(softmax, logit * shape.scale);
        for (int d = 0; d < head_dim; ++d) {
            sum[d] = sum[d] * scale.x + scale.y * __half2float(values[row + d]);
        }
    }
    for (int d = 0; d < head_dim; ++d) {
        outputs[place + d] = length == 0 ? 0.0f : sum[d] / softmax.weight;
    }
}

__device__ inline float sum_of_lanes(float v, int lanes) {
    for (int offset = lanes / 2; offset > 0; offset /= 2) {
        v += __shfl_xor_sync(full_warp, v, offset);
    }
    return v;
}

/// One warp a query head: its lanes share a row, so a request is one run of bytes; the dot product
/// is joined by five shuffles.
template <class Cache, int head_dim>
__global__ void attend_coalesced(Global<const float> queries, Global<const __half> keys,
                                 Global<const __half> values, Global<const int> lengths,
                                 Global<float> outputs, Cache cache, Heads shape,
                                 unsigned sequences) {
    static_assert(head_dim == 64, "a lane holds two values of a row");
    const unsigned lane = threadIdx.x % 32, i = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (i >= sequences * shape.heads) {
        return;
    }
    const unsigned sequence = i / shape.heads, head = i % shape.heads;
    const unsigned kv_head = head / (shape.heads / shape.kv_heads);
    const float2 query = as<const float2>(queries)[i * 32 + lane];
    float2 sum = make_float2(0.0f, 0.0f);
    Softmax softmax{minus_infinity(), 0.0f};
    const unsigned length = static_cast<unsigned>(lengths[sequence]);
    for (unsigned t = 0; t < length; ++t) {
        const std::size_t row = cache.row(sequence, kv_head, shape.kv_heads, t) * 32;
        const __half2 key = as<const __half2>(keys)[row + lane];
        const float2 k = __half22float2(key);
        const float logit = sum_of_lanes(query.x * k.x + query.y * k.y, 32);
        const float2 scale = take(softmax, logit * shape.scale);
        const __half2 value = as<const __half2>(values)[row + lane];
        const float2 v = __half22float2(value);
        sum.x = sum.x * scale.x + scale.y * v.x;
        sum.y = sum.y * scale.x + scale.y * v.y;
    }
    const float share = length == 0 ? 0.0f : 1.0f / softmax.weight;
    as<float2>(outputs)[i * 32 + lane] = make_float2(sum.x * share, sum.y * share);
}

/// One warp a KV head: what it reads serves all query heads of the group, a group-th of the bytes.
template <class Cache, int head_dim, int group>
__global__ void attend_grouped(Global<const float> queries, Global<const __half> keys,
                               Global<const __half> values, Global<const int> lengths,
                               Global<float> outputs, Cache cache, Heads shape,
                               unsigned sequences) {
    static_assert(head_dim == 64, "a lane holds two values of a row");
    const unsigned lane = threadIdx.x % 32, i = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (i >= sequences * shape.kv_heads) {
        return;
    }
    const unsigned sequence = i / shape.kv_heads, kv_head = i % shape.kv_heads;
    float2 query[group], sum[group];
    Softmax softmax[group];
    NIBBLE_UNROLL
    for (int h = 0; h < group; ++h) {
        query[h] = as<const float2>(queries)[(i * group + h) * 32 + lane];
        sum[h] = make_float2(0.0f, 0.0f);
        softmax[h] = {minus_infinity(), 0.0f};
    }
    const unsigned length = static_cast<unsigned>(lengths[sequence]);
    for (unsigned t = 0; t < length; ++t) {
        const std::size_t row = cache.row(sequence, kv_head, shape.kv_heads, t) * 32;
        const __half2 key = as<const __half2>(keys)[row + lane];
        const __half2 value = as<const __half2>(values)[row + lane];
        const float2 k = __half22float2(key), v = __half22float2(value);
        NIBBLE_UNROLL
        for (int h = 0; h < group; ++h) {
            const float logit = sum_of_lanes(query[h].x * k.x + query[h].y * k.y, 32);
            const float2 scale = take(softmax[h], logit * shape.scale);
            sum[h].x = sum[h].x * scale.x + scale.y * v.x;
            sum[h].y = sum[h].y * scale.x + scale.y * v.y;
        }
    }
    NIBBLE_UNROLL
    for (int h = 0; h < group; ++h) {
        const float share = length == 0 ? 0.0f : 1.0f / softmax[h].weight;
        as<float2>(outputs)[(i * group + h) * 32 + lane] =
            make_float2(sum[h].x * share, sum[h].y * share);
    }
}

/// What a warp that loads 16 bytes a lane holds: `row_lanes` lanes share a row of 8 values each, so
/// it takes 32 / row_lanes tokens at a time, and each of those runs of tokens has its own softmax.
template <int head_dim, int group>
struct Wide {
    static constexpr int row_lanes = head_dim / 8, at_once = 32 / row_lanes;
    float query[group][8], sum[group][8];
    Softmax softmax[group];

    __device__ void start(Global<const float> queries, std::size_t first_head) {
        const std::size_t place = first_head * head_dim + threadIdx.x % row_lanes * 8;
        NIBBLE_UNROLL
        for (int h = 0; h < group; ++h) {
            NIBBLE_UNROLL
            for (int d = 0; d < 8; ++d) {
                query[h][d] = queries[place + h * head_dim + d];
                sum[h][d] = 0.0f;
            }
            softmax[h] = {minus_infinity(), 0.0f};
        }
    }

    /// Tokens [first, last) of one KV head.
    template <class Cache>
    __device__ void walk(Global<const __half> keys, Global<const __half> values, const Cache& cache,
                         const Heads& shape, unsigned sequence, unsigned kv_head, unsigned first,
                         unsigned last) {
        const unsigned lane = threadIdx.x % 32, part = lane % row_lanes;
        for (unsigned start = first; start < last; start += at_once) {
            const unsigned t = start + lane / row_lanes;
            const bool is_token = t < last;
            uint4 key = {}, value = {};
            if (is_token) {
                const std::size_t row =
                    cache.row(sequence, kv_head, shape.kv_heads, t) * row_lanes + part;
                key = as<const uint4>(keys)[row];
                value = as<const uint4>(values)[row];
            }
            float k[8], v[8];
            unpack<__half>(key, k);
            unpack<__half>(value, v);
            NIBBLE_UNROLL
            for (int h = 0; h < group; ++h) {
                float logit = 0.0f;
                NIBBLE_UNROLL
                for (int d = 0; d < 8; ++d) {
                    logit += query[h][d] * k[d];
                }
                logit = sum_of_lanes(logit, row_lanes) * shape.scale;
                if (is_token) {
                    const float2 scale = take(softmax[h], logit);
                    NIBBLE_UNROLL
                    for (int d = 0; d < 8; ++d) {
                        sum[h][d] = sum[h][d] * scale.x + scale.y * v[d];
                    }
                }
            }
        }
    }

    /// Joins the runs of the warp by their largest logits; every lane has the result then.
    __device__ void join() {
        NIBBLE_UNROLL
        for (int h = 0; h < group; ++h) {
            NIBBLE_UNROLL
            for (int offset = row_lanes; offset < 32; offset *= 2) {
                const float mine = softmax[h].largest;
                const float largest = max(mine, __shfl_xor_sync(full_warp, mine, offset));
                const float share = rescale(mine, largest);
                const float weight = softmax[h].weight * share;
                softmax[h] = {largest, weight + __shfl_xor_sync(full_warp, weight, offset)};
                NIBBLE_UNROLL
                for (int d = 0; d < 8; ++d) {
                    const float scaled = sum[h][d] * share;
                    sum[h][d] = scaled + __shfl_xor_sync(full_warp, scaled, offset);
                }
            }
        }
    }
};

/// Writes 8 values as two words of 16 bytes.
__device__ inline void store_eight(Global<float> to, std::size_t place, const float (&v)[8],
                                   float factor) {
    as<float4>(to)[place / 4] = {v[0] * factor, v[1] * factor, v[2] * factor, v[3] * factor};
    as<float4>(to)[place / 4 + 1] = {v[4] * factor, v[5] * factor, v[6] * factor, v[7] * factor};
}

/// 16 bytes a lane: one request of a warp reads the rows of four tokens, and three shuffles join
/// their dot products instead of five for each.
template <class Cache, int head_dim, int group>
__global__ void attend_vectorised(Global<const float> queries, Global<const __half> keys,
                                  Global<const __half> values, Global<const int> lengths,
                                  Global<float> outputs, Cache cache, Heads shape,
                                  unsigned sequences) {
    const unsigned lane = threadIdx.x % 32, i = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (i >= sequences * shape.kv_heads) {
        return;
    }
    Wide<head_dim, group> warp;
    warp.start(queries, std::size_t{i} * group);
    const unsigned sequence = i / shape.kv_heads;
    const unsigned length = static_cast<unsigned>(lengths[sequence]);
    warp.walk(keys, values, cache, shape, sequence, i % shape.kv_heads, 0, length);
    warp.join();
    if (lane < warp.row_lanes) {
        NIBBLE_UNROLL
        for (int h = 0; h < group; ++h) {
            const float share = length == 0 ? 0.0f : 1.0f / warp.softmax[h].weight;
            store_eight(outputs, (std::size_t{i} * group + h) * head_dim + lane * 8, warp.sum[h],
                        share);
        }
    }
}

/// A warp takes a stretch of one sequence only, so that one long sequence fills the GPU too. It
/// leaves sums, largest logit and weight; `join_splits` scales them to the largest of all and adds.
template <class Cache, int head_dim, int group>
__global__ void attend_split(Global<const float> queries, Global<const __half> keys,
                             Global<const __half> values, Global<const int> lengths,
                             Global<float> partials, Cache cache, Heads shape, unsigned sequences,
                             unsigned splits) {
    const unsigned lane = threadIdx.x % 32, i = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    const unsigned kv = i / splits, split = i % splits;
    if (kv >= sequences * shape.kv_heads) {
        return;
    }
    Wide<head_dim, group> warp;
    warp.start(queries, std::size_t{kv} * group);
    const unsigned sequence = kv / shape.kv_heads, first = split * ladder_split_tokens;
    const unsigned length = static_cast<unsigned>(lengths[sequence]);
    warp.walk(keys, values, cache, shape, sequence, kv % shape.kv_heads, first,
              min(first + ladder_split_tokens, length));
    warp.join();
    if (lane < warp.row_lanes) {
        NIBBLE_UNROLL
        for (int h = 0; h < group; ++h) {
            const std::size_t head = std::size_t{kv} * group + h;
            const std::size_t at = (head * splits + split) * (head_dim + 4);
            store_eight(partials, at + lane * 8, warp.sum[h], 1.0f);
            if (lane == 0) {
                as<float2>(partials)[(at + head_dim) / 2] =
                    make_float2(warp.softmax[h].largest, warp.softmax[h].weight);
            }
        }
    }
}

/// One thread an output value: log-sum-exp over the stretches of its head.
__global__ void join_splits(Global<const float> partials, Global<float> outputs, unsigned head_dim,
                            unsigned splits) {
    const std::size_t start = std::size_t{blockIdx.x} * splits * (head_dim + 4);
    float largest = minus_infinity(), weight = 0.0f, sum = 0.0f;
    for (unsigned s = 0; s < splits; ++s) {
        largest = max(largest, float{partials[start + s * (head_dim + 4) + head_dim]});
    }
    for (unsigned s = 0; s < splits; ++s) {
        const std::size_t at = start + s * (head_dim + 4);
        const float share = rescale(partials[at + head_dim], largest);
        weight += share * partials[at + head_dim + 1];
        sum += share * partials[at + threadIdx.x];
    }
    outputs[std::size_t{blockIdx.x} * head_dim + threadIdx.x] = weight > 0.0f ? sum / weight : 0.0f;
}

}  // namespace
}  // namespace nibble::kernels::NIBBLE_MACHINE
