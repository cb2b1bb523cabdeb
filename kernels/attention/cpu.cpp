// Decode attention with Highway, compiled once for each instruction set.
//
// A stretch of one sequence is taken in tiles of 16 tokens. Their keys and values are widened to
// float once and stay in the first-level cache while every query head of the group uses them; what
// comes from memory is asked for a tile ahead, because a processor's own guesses end with a block.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <oneapi/tbb/parallel_for.h>
#include <vector>

#include "kernels/attention/check.hpp"
#include "kernels/attention/ops.hpp"
#include "kernels/attention/stretch.hpp"

// Arrays of registers need a width known to the compiler; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/cpu.cpp"
// clang-format off: what repeats this file comes before what it repeats
#include <hwy/foreach_target.h>
// clang-format on
#include <hwy/cache_control.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using ShortTag = hn::Rebind<std::uint16_t, Tag>;
using HalfTag = hn::Rebind<hwy::float16_t, Tag>;
using Vec = hn::Vec<Tag>;
constexpr std::size_t lanes = hn::MaxLanes(Tag{});

using Tile = float[tile_tokens * most_head_dim];  // (tile_tokens, head_dim)
using Scores = float[tile_tokens];

/// `n` rows of halves as floats, the rest of the tile zero; asks for the rows of the next tile.
HWY_INLINE void widen(const std::uint16_t* cache, const Stretch& s, std::size_t first,
                      std::size_t n, float* tile) {
    constexpr std::size_t line = 32;  // halves
    const Tag d;
    for (std::size_t t = 0; t < tile_tokens; ++t) {
        float* const to = tile + t * s.head_dim;
        if (t >= n) {
            std::fill_n(to, s.head_dim, 0.0F);
            continue;
        }
        const std::size_t ahead = first + t + tile_tokens;
        if (ahead < s.count) {
            for (std::size_t i = 0; i < s.head_dim; i += line) {
                hwy::Prefetch(cache + s.rows[ahead] + i);
            }
        }
        const std::uint16_t* const row = cache + s.rows[first + t];
        for (std::size_t i = 0; i < s.head_dim; i += lanes) {
            const auto halves = hn::BitCast(HalfTag(), hn::LoadU(ShortTag(), row + i));
            hn::StoreU(hn::PromoteTo(d, halves), d, to + i);
        }
    }
}

/// Logits of a tile, four tokens at a time.
HWY_INLINE void multiply_keys(const float* query, const float* tile, std::size_t head_dim,
                              float scale, Scores& scores) {
    const Tag d;
    for (std::size_t t = 0; t < tile_tokens; t += 4) {
        const float* const k = tile + t * head_dim;
        std::array<Vec, 4> sum;
        sum.fill(hn::Zero(d));
        for (std::size_t i = 0; i < head_dim; i += lanes) {
            const Vec q = hn::LoadU(d, query + i);
            for (std::size_t j = 0; j < 4; ++j) {
                sum[j] = hn::MulAdd(q, hn::LoadU(d, k + j * head_dim + i), sum[j]);
            }
        }
        for (std::size_t j = 0; j < 4; ++j) {
            scores[t + j] = scale * hn::GetLane(hn::SumOfLanes(d, sum[j]));
        }
    }
}

/// Turns `n` logits into weights exp(logit - largest) and returns their sum; the rest become 0.
HWY_INLINE float exponentials(Scores& scores, std::size_t n, float largest) {
    const Tag d;
    const Vec shift = hn::Set(d, largest);
    Vec sum = hn::Zero(d);
    for (std::size_t t = 0; t < tile_tokens; t += lanes) {
        const auto is_token = hn::FirstN(d, n > t ? std::min(n - t, lanes) : 0);
        const Vec weight =
            hn::IfThenElseZero(is_token, hn::Exp(d, hn::Sub(hn::LoadU(d, scores + t), shift)));
        hn::StoreU(weight, d, scores + t);
        sum = hn::Add(sum, weight);
    }
    return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// sum = keep * sum + weights x values, `registers` registers of the head at a time.
template <std::size_t registers>
HWY_INLINE void add_values(const Scores& weights, const float* tile, std::size_t head_dim,
                           float keep, std::size_t i, float* sum) {
    const Tag d;
    std::array<Vec, registers> acc;
    for (std::size_t r = 0; r < registers; ++r) {
        acc[r] = hn::Mul(hn::Set(d, keep), hn::LoadU(d, sum + i + r * lanes));
    }
    for (std::size_t t = 0; t < tile_tokens; ++t) {
        const Vec w = hn::Set(d, weights[t]);
        for (std::size_t r = 0; r < registers; ++r) {
            const Vec v = hn::LoadU(d, tile + t * head_dim + i + r * lanes);
            acc[r] = hn::MulAdd(w, v, acc[r]);
        }
    }
    for (std::size_t r = 0; r < registers; ++r) {
        hn::StoreU(acc[r], d, sum + i + r * lanes);
    }
}

/// partial: (group, partial_floats(head_dim)), see there.
void attend_stretch(const Stretch& s, float* partial) {
    HWY_ALIGN Tile keys, values;
    HWY_ALIGN Scores scores;
    const std::size_t step = partial_floats(s.head_dim);
    for (std::size_t h = 0; h < s.group; ++h) {
        std::fill_n(partial + h * step, step, 0.0F);
        partial[h * step + s.head_dim] = -std::numeric_limits<float>::infinity();
    }
    for (std::size_t first = 0; first < s.count; first += tile_tokens) {
        const std::size_t n = std::min(tile_tokens, s.count - first);
        widen(s.keys, s, first, n, keys);
        widen(s.values, s, first, n, values);
        for (std::size_t h = 0; h < s.group; ++h) {
            float* const sum = partial + h * step;
            float &largest = sum[s.head_dim], &weight = sum[s.head_dim + 1];
            multiply_keys(s.queries + h * s.head_dim, keys, s.head_dim, s.scale, scores);
            const float now = std::max(largest, *std::max_element(scores, scores + n));
            const float keep = std::exp(largest - now);
            weight = keep * weight + exponentials(scores, n, now);
            largest = now;
            std::size_t i = 0;
            for (; i + 4 * lanes <= s.head_dim; i += 4 * lanes) {
                add_values<4>(scores, values, s.head_dim, keep, i, sum);
            }
            for (; i < s.head_dim; i += lanes) {
                add_values<1>(scores, values, s.head_dim, keep, i, sum);
            }
        }
    }
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {
namespace {

HWY_EXPORT(attend_stretch);

/// A cache of either layout: a contiguous one has one block a sequence, at its own place.
struct Blocks {
    const std::uint16_t *keys, *values;
    const std::int32_t* table;  // null: block = sequence
    std::size_t tokens, columns;

    /// Where the rows of tokens [first, first + rows.size()) start.
    void find(std::size_t sequence, std::size_t kv_head, const AttentionShape& shape,
              std::size_t first, std::span<std::size_t> rows) const {
        for (std::size_t i = 0; i < rows.size();) {
            const std::size_t column = (first + i) / tokens, place = (first + i) % tokens;
            const std::size_t block =
                table == nullptr ? sequence
                                 : static_cast<std::size_t>(table[sequence * columns + column]);
            const std::size_t start = (block * shape.kv_heads + kv_head) * tokens + place;
            const std::size_t run = std::min(tokens - place, rows.size() - i);
            for (std::size_t k = 0; k < run; ++k) {
                rows[i++] = (start + k) * shape.head_dim;
            }
        }
    }
};

/// Joins what the stretches of one query head left; those of other KV heads lie in between.
void join(const float* partial, std::size_t splits, std::size_t split_step, std::size_t head_dim,
          float* output) {
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t s = 0; s < splits; ++s) {
        largest = std::max(largest, partial[s * split_step + head_dim]);
    }
    std::fill_n(output, head_dim, 0.0F);
    float weight = 0;
    for (std::size_t s = 0; s < splits; ++s) {
        const float* const of_split = partial + s * split_step;
        const float share = std::exp(of_split[head_dim] - largest);
        weight += share * of_split[head_dim + 1];
        for (std::size_t i = 0; i < head_dim; ++i) {
            output[i] += share * of_split[i];
        }
    }
    for (std::size_t i = 0; i < (splits == 0 ? 0 : head_dim); ++i) {
        output[i] /= weight;
    }
}

std::size_t splits_of(std::int32_t length) {
    return (static_cast<std::size_t>(length) + split_tokens - 1) / split_tokens;
}

void attend_blocks(const AttentionShape& shape, const AttentionQuery& query, const Blocks& blocks,
                   float* outputs) {
    struct Task {
        std::size_t sequence, split;
    };
    std::vector<Task> tasks;
    std::vector<std::size_t> first_task;
    for (std::size_t s = 0; s < shape.sequences; ++s) {
        first_task.push_back(tasks.size());
        for (std::size_t k = 0; k < splits_of(query.lengths[s]); ++k) {
            tasks.push_back({s, k});
        }
    }
    const std::size_t head_dim = shape.head_dim, group = shape.group();
    const std::size_t step = partial_floats(head_dim), split_step = shape.heads * step;
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
    std::vector<float> partials(tasks.size() * split_step);
    oneapi::tbb::parallel_for(std::size_t{0}, tasks.size() * shape.kv_heads, [&](std::size_t i) {
        const std::size_t kv_head = i % shape.kv_heads;
        const auto [sequence, split] = tasks[i / shape.kv_heads];
        const std::size_t first = split * split_tokens;
        const auto length = static_cast<std::size_t>(query.lengths[sequence]);
        std::array<std::size_t, split_tokens> rows;
        const std::size_t count = std::min(split_tokens, length - first);
        blocks.find(sequence, kv_head, shape, first, {rows.data(), count});
        const std::size_t head = kv_head * group;
        const Stretch stretch{blocks.keys,
                              blocks.values,
                              rows.data(),
                              count,
                              query.queries.data() + (sequence * shape.heads + head) * head_dim,
                              group,
                              head_dim,
                              scale};
        HWY_DYNAMIC_DISPATCH(attend_stretch)
        (stretch, partials.data() + (i / shape.kv_heads) * split_step + head * step);
    });
    for (std::size_t s = 0; s < shape.sequences; ++s) {
        for (std::size_t h = 0; h < shape.heads; ++h) {
            join(partials.data() + first_task[s] * split_step + h * step,
                 splits_of(query.lengths[s]), split_step, head_dim,
                 outputs + (s * shape.heads + h) * head_dim);
        }
    }
}

}  // namespace

void attend(const AttentionShape& shape, const AttentionQuery& query, const ContiguousCache& cache,
            std::span<float> outputs) {
    check_attention(shape, query, cache, outputs.size());
    attend_blocks(shape, query,
                  {cache.keys.data(), cache.values.data(), nullptr, cache.max_tokens, 0},
                  outputs.data());
}

void attend(const AttentionShape& shape, const AttentionQuery& query, const PagedCache& cache,
            std::span<float> outputs) {
    check_attention(shape, query, cache, outputs.size());
    attend_blocks(shape, query,
                  {cache.keys.data(), cache.values.data(), cache.table.data(), cache.block_tokens,
                   cache.table_columns},
                  outputs.data());
}

}  // namespace nibble::kernels
#endif
