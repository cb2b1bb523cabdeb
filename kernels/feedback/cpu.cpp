// The loop of ops.hpp with Highway, compiled once for each instruction set.
#include <algorithm>

#include "kernels/feedback/ops.hpp"

// Arrays of registers need a width known to the compiler; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/feedback/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;
constexpr std::size_t lanes = hn::MaxLanes(Tag{});
constexpr std::size_t registers = feedback_rows / lanes;  // of one column
// Columns whose errors wait in registers until all of them are applied in one pass.
constexpr std::size_t together = 8;

/// Codes and errors of one column.
HWY_INLINE void round_column(const FeedbackTile& tile, std::size_t column, float pivot,
                             const ColumnGrid& grid, float max_code) {
    const Tag d;
    const Vec low = hn::Zero(d), high = hn::Set(d, max_code), divisor = hn::Set(d, pivot);
    for (std::size_t r = 0; r < feedback_rows; r += lanes) {
        const std::size_t at = column * tile.step + r;
        const Vec w = hn::LoadU(d, tile.weights + at);
        const Vec scale = hn::LoadU(d, grid.scale + r), zero = hn::LoadU(d, grid.zero + r);
        const Vec nearest = hn::Add(hn::Round(hn::Div(w, scale)), zero);
        const Vec code = hn::Min(hn::Max(nearest, low), high);
        const Vec q = hn::Mul(hn::Sub(code, zero), scale);
        hn::StoreU(code, d, tile.codes + at);
        hn::StoreU(hn::Div(hn::Sub(w, q), divisor), d, tile.errors + at);
    }
}

/// weights of `column` -= the errors of `count` columns from `source` on, times their factors.
template <std::size_t count>
HWY_INLINE void correct(const FeedbackTile& tile, const Vec (&errors)[together][registers],
                        const float* factors, std::size_t factor_step, std::size_t column) {
    const Tag d;
    Vec sums[registers];
    float* w = tile.weights + column * tile.step;
#pragma GCC unroll 32
    for (std::size_t v = 0; v < registers; ++v) {
        sums[v] = hn::LoadU(d, w + v * lanes);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < count; ++i) {
        const Vec factor = hn::Set(d, factors[i * factor_step + column]);
#pragma GCC unroll 32
        for (std::size_t v = 0; v < registers; ++v) {
            sums[v] = hn::NegMulAdd(factor, errors[i][v], sums[v]);
        }
    }
#pragma GCC unroll 32
    for (std::size_t v = 0; v < registers; ++v) {
        hn::StoreU(sums[v], d, w + v * lanes);
    }
}

HWY_INLINE void load_errors(const FeedbackTile& tile, std::size_t column, Vec (&out)[registers]) {
    const Tag d;
#pragma GCC unroll 32
    for (std::size_t v = 0; v < registers; ++v) {
        out[v] = hn::LoadU(d, tile.errors + column * tile.step + v * lanes);
    }
}

void feed_errors_forward(const FeedbackTile& tile, std::size_t first, std::size_t last,
                         std::size_t columns, const float* factor, std::size_t factor_step,
                         const ColumnGrid* grids, float max_code) {
    for (std::size_t begin = first; begin < last; begin += together) {
        const std::size_t end = std::min(last, begin + together);
        Vec errors[together][registers];
        for (std::size_t i = begin; i < end; ++i) {
            const float* row = factor + i * factor_step;
            round_column(tile, i, row[i], grids[i], max_code);
            load_errors(tile, i, errors[0]);
            for (std::size_t j = i + 1; j < end; ++j) {
                correct<1>(tile, errors, row, factor_step, j);
            }
        }
        const float* rows = factor + begin * factor_step;
        if (end - begin == together) {
            for (std::size_t i = 0; i < together; ++i) {
                load_errors(tile, begin + i, errors[i]);
            }
            for (std::size_t j = end; j < columns; ++j) {
                correct<together>(tile, errors, rows, factor_step, j);
            }
        } else {
            for (std::size_t i = begin; i < end; ++i) {
                load_errors(tile, i, errors[0]);
                for (std::size_t j = end; j < columns; ++j) {
                    correct<1>(tile, errors, factor + i * factor_step, factor_step, j);
                }
            }
        }
    }
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {

HWY_EXPORT(feed_errors_forward);

void feed_errors_forward(const FeedbackTile& tile, std::size_t first, std::size_t last,
                         std::size_t columns, const float* factor, std::size_t factor_step,
                         const ColumnGrid* grids, float max_code) {
    HWY_DYNAMIC_DISPATCH(feed_errors_forward)
    (tile, first, last, columns, factor, factor_step, grids, max_code);
}

}  // namespace nibble::kernels
#endif
