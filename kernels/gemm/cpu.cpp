// The products of ops.hpp with Highway, compiled once for each instruction set.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/gemm/ops.hpp"

// Arrays of registers need a width known to the compiler; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;
constexpr std::size_t lanes = hn::MaxLanes(Tag{});
constexpr std::size_t width = 2 * lanes;  // columns of a panel
constexpr std::size_t k_block = 256;      // a panel of 256 x 32 floats fills 32 KiB of L1
// A tile of rows x 2 registers of sums, two registers of b and one of a must fit the registers.
constexpr std::size_t tile_rows = lanes == 16 || HWY_TARGET == HWY_NEON ? 12 : 6;
constexpr std::size_t row_block = 96;  // with k_block floats a row: 96 KiB of L2

/// c (tile_rows, width) = or += a b over k steps; a: (k, tile_rows), b: (k, width).
HWY_INLINE void tile(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, std::size_t k,
                     float* HWY_RESTRICT c, std::size_t c_step, bool accumulate) {
    const Tag d;
    Vec left[tile_rows], right[tile_rows];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < tile_rows; ++i) {
        left[i] = accumulate ? hn::LoadU(d, c + i * c_step) : hn::Zero(d);
        right[i] = accumulate ? hn::LoadU(d, c + i * c_step + lanes) : hn::Zero(d);
    }
    for (std::size_t step = 0; step < k; ++step) {
        const Vec b0 = hn::LoadU(d, b), b1 = hn::LoadU(d, b + lanes);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < tile_rows; ++i) {
            const Vec ai = hn::Set(d, a[i]);
            left[i] = hn::MulAdd(ai, b0, left[i]);
            right[i] = hn::MulAdd(ai, b1, right[i]);
        }
        a += tile_rows;
        b += width;
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < tile_rows; ++i) {
        hn::StoreU(left[i], d, c + i * c_step);
        hn::StoreU(right[i], d, c + i * c_step + lanes);
    }
}

/// A tile that sticks out of c goes through a full one.
void edge_tile(const float* a, const float* b, std::size_t k, std::size_t rows, std::size_t columns,
               float* c, std::size_t c_step, bool accumulate) {
    alignas(64) float whole[tile_rows * width];
    if (accumulate) {
        std::fill(whole, whole + tile_rows * width, 0.0F);
        for (std::size_t i = 0; i < rows; ++i) {
            std::copy_n(c + i * c_step, columns, whole + i * width);
        }
    }
    tile(a, b, k, whole, width, accumulate);
    for (std::size_t i = 0; i < rows; ++i) {
        std::copy_n(whole + i * width, columns, c + i * c_step);
    }
}

/// Copies `count` floats, nearly always `usual` of them: a known size needs no call.
template <std::size_t usual>
HWY_INLINE void copy_row(const float* from, std::size_t count, float* to) {
    if (count == usual) {
        std::copy_n(from, usual, to);
    } else {
        std::copy_n(from, count, to);
    }
}

/// Four rows of four floats become four columns: out[p * tile_rows + i] = row i, column p.
HWY_INLINE void transpose4(const float* from, std::ptrdiff_t row_step, float* out) {
#if HWY_TARGET == HWY_SCALAR
    for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t p = 0; p < 4; ++p) {
            out[p * tile_rows + i] =
                from[static_cast<std::ptrdiff_t>(i) * row_step + static_cast<std::ptrdiff_t>(p)];
        }
    }
#else
    const hn::FixedTag<float, 4> d;
    const hn::Repartition<std::uint64_t, decltype(d)> pairs;
    const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + row_step);
    const auto r2 = hn::LoadU(d, from + 2 * row_step), r3 = hn::LoadU(d, from + 3 * row_step);
    const auto top_low = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
    const auto top_high = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
    const auto bottom_low = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
    const auto bottom_high = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
    const auto store = [&](std::size_t p, auto column) {
        hn::StoreU(hn::BitCast(d, column), d, out + p * tile_rows);
    };
    store(0, hn::InterleaveLower(pairs, top_low, bottom_low));
    store(1, hn::InterleaveUpper(pairs, top_low, bottom_low));
    store(2, hn::InterleaveLower(pairs, top_high, bottom_high));
    store(3, hn::InterleaveUpper(pairs, top_high, bottom_high));
#endif
}

/// Rows of a as tiles: for each tile (k, tile_rows), zeros below the last row.
void pack_rows(StridedMatrix a, std::size_t m, std::size_t k, float* out) {
    for (std::size_t first = 0; first < m; first += tile_rows) {
        const std::size_t rows = std::min(tile_rows, m - first);
        const float* from = a.data + static_cast<std::ptrdiff_t>(first) * a.row_step;
        if (rows < tile_rows) {
            std::fill_n(out, k * tile_rows, 0.0F);
        }
        if (a.row_step == 1) {
            for (std::size_t p = 0; p < k; ++p) {
                copy_row<tile_rows>(from + static_cast<std::ptrdiff_t>(p) * a.column_step, rows,
                                    out + p * tile_rows);
            }
        } else {
            std::size_t i = 0;
            for (; a.column_step == 1 && i + 4 <= rows; i += 4) {
                const float* row = from + static_cast<std::ptrdiff_t>(i) * a.row_step;
                std::size_t p = 0;
                for (; p + 4 <= k; p += 4) {
                    transpose4(row + p, a.row_step, out + p * tile_rows + i);
                }
                for (; p < k; ++p) {
                    for (std::size_t j = 0; j < 4; ++j) {
                        out[p * tile_rows + i + j] =
                            row[static_cast<std::ptrdiff_t>(j) * a.row_step +
                                static_cast<std::ptrdiff_t>(p)];
                    }
                }
            }
            for (; i < rows; ++i) {
                const float* row = from + static_cast<std::ptrdiff_t>(i) * a.row_step;
                for (std::size_t p = 0; p < k; ++p) {
                    out[p * tile_rows + i] = row[static_cast<std::ptrdiff_t>(p) * a.column_step];
                }
            }
        }
        out += k * tile_rows;
    }
}

std::size_t panel_width() {
    return width;
}

void pack(StridedMatrix b, std::size_t k, std::size_t n, std::size_t first, std::size_t last,
          float* packed) {
    const std::size_t panels = (n + width - 1) / width;
    for (std::size_t k0 = 0; k0 < k; k0 += k_block) {
        const std::size_t depth = std::min(k_block, k - k0);
        for (std::size_t panel = first; panel < last; ++panel) {
            float* out = packed + k0 * panels * width + panel * depth * width;
            const std::size_t columns = std::min(width, n - panel * width);
            const float* from = b.data + static_cast<std::ptrdiff_t>(k0) * b.row_step +
                                static_cast<std::ptrdiff_t>(panel * width) * b.column_step;
            if (columns < width) {
                std::fill_n(out, depth * width, 0.0F);
            }
            if (b.column_step == 1) {
                for (std::size_t p = 0; p < depth; ++p) {
                    copy_row<width>(from + static_cast<std::ptrdiff_t>(p) * b.row_step, columns,
                                    out + p * width);
                }
            } else {
                for (std::size_t j = 0; j < columns; ++j) {
                    const float* column = from + static_cast<std::ptrdiff_t>(j) * b.column_step;
                    for (std::size_t p = 0; p < depth; ++p) {
                        out[p * width + j] = column[static_cast<std::ptrdiff_t>(p) * b.row_step];
                    }
                }
            }
        }
    }
}

void multiply(StridedMatrix a, std::size_t m, PackedMatrix b, std::size_t k, std::size_t n,
              float* c, std::size_t c_step, bool accumulate) {
    const std::size_t panels = (b.n + width - 1) / width;
    thread_local std::vector<float> rows_buffer;
    rows_buffer.resize(row_block * k_block);
    for (std::size_t m0 = 0; m0 < m; m0 += row_block) {
        const std::size_t block_rows = std::min(row_block, m - m0);
        for (std::size_t k0 = 0; k0 < k; k0 += k_block) {
            const std::size_t depth = std::min(k_block, k - k0);
            const std::size_t packed_depth = std::min(k_block, b.k - k0);
            pack_rows({a.data + static_cast<std::ptrdiff_t>(m0) * a.row_step +
                           static_cast<std::ptrdiff_t>(k0) * a.column_step,
                       a.row_step, a.column_step},
                      block_rows, depth, rows_buffer.data());
            const bool add = accumulate || k0 > 0;
            for (std::size_t j = 0; j < n; j += width) {
                const float* panel = b.data + k0 * panels * width + j * packed_depth;
                const std::size_t columns = std::min(width, n - j);
                for (std::size_t i = 0; i < block_rows; i += tile_rows) {
                    const std::size_t rows = std::min(tile_rows, block_rows - i);
                    float* out = c + (m0 + i) * c_step + j;
                    const float* packed_rows = rows_buffer.data() + i * depth;
                    if (rows == tile_rows && columns == width) {
                        tile(packed_rows, panel, depth, out, c_step, add);
                    } else {
                        edge_tile(packed_rows, panel, depth, rows, columns, out, c_step, add);
                    }
                }
            }
        }
    }
}

/// Products of `rows` rows of x with one row of w, which is loaded once for all of them. Every row
/// is summed in the same order, whatever `rows` is: a row's result does not depend on the others.
template <std::size_t rows>
HWY_INLINE void dots(const float* x, std::size_t x_step, const float* w, std::size_t k, float* y,
                     std::size_t y_step) {
    const Tag d;
    Vec sums[rows][4];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < rows; ++i) {
        for (Vec& sum : sums[i]) {
            sum = hn::Zero(d);
        }
    }
    std::size_t p = 0;
    for (; p + 4 * lanes <= k; p += 4 * lanes) {
#pragma GCC unroll 16
        for (std::size_t part = 0; part < 4; ++part) {
            const Vec weights = hn::LoadU(d, w + p + part * lanes);
#pragma GCC unroll 16
            for (std::size_t i = 0; i < rows; ++i) {
                sums[i][part] = hn::MulAdd(hn::LoadU(d, x + i * x_step + p + part * lanes), weights,
                                           sums[i][part]);
            }
        }
    }
    for (; p + lanes <= k; p += lanes) {
        const Vec weights = hn::LoadU(d, w + p);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < rows; ++i) {
            sums[i][0] = hn::MulAdd(hn::LoadU(d, x + i * x_step + p), weights, sums[i][0]);
        }
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < rows; ++i) {
        const auto& s = sums[i];
        float sum =
            hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s[0], s[1]), hn::Add(s[2], s[3]))));
        for (std::size_t q = p; q < k; ++q) {
            sum += x[i * x_step + q] * w[q];
        }
        y[i * y_step] = sum;
    }
}

void multiply_few(const float* x, std::size_t x_step, std::size_t m, const float* w,
                  std::size_t w_step, std::size_t n, std::size_t k, float* y, std::size_t y_step) {
    // Four sums a row, and as many rows as registers allow.
    constexpr std::size_t together = tile_rows == 12 ? 4 : 2;
    for (std::size_t j = 0; j < n; ++j) {
        std::size_t i = 0;
        for (; i + together <= m; i += together) {
            dots<together>(x + i * x_step, x_step, w + j * w_step, k, y + i * y_step + j, y_step);
        }
        for (; i < m; ++i) {
            dots<1>(x + i * x_step, x_step, w + j * w_step, k, y + i * y_step + j, y_step);
        }
    }
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {

HWY_EXPORT(panel_width);
HWY_EXPORT(pack);
HWY_EXPORT(multiply);
HWY_EXPORT(multiply_few);

std::size_t panel_width() {
    return HWY_DYNAMIC_DISPATCH(panel_width)();
}

std::size_t panel_count(std::size_t n) {
    return (n + panel_width() - 1) / panel_width();
}

std::size_t packed_size(std::size_t k, std::size_t n) {
    return k * panel_count(n) * panel_width();
}

void pack(StridedMatrix b, std::size_t k, std::size_t n, std::size_t first, std::size_t last,
          float* packed) {
    HWY_DYNAMIC_DISPATCH(pack)(b, k, n, first, last, packed);
}

void multiply(StridedMatrix a, std::size_t m, PackedMatrix b, std::size_t k, std::size_t n,
              float* c, std::size_t c_step, bool accumulate) {
    HWY_DYNAMIC_DISPATCH(multiply)(a, m, b, k, n, c, c_step, accumulate);
}

void multiply_few(const float* x, std::size_t x_step, std::size_t m, const float* w,
                  std::size_t w_step, std::size_t n, std::size_t k, float* y, std::size_t y_step) {
    HWY_DYNAMIC_DISPATCH(multiply_few)(x, x_step, m, w, w_step, n, k, y, y_step);
}

}  // namespace nibble::kernels
#endif
