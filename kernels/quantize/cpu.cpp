// Quantization on the CPU: Highway, compiled once for each instruction set, chosen at run time.
//
// One loop serves all grids. Sixteen values at a time are divided by the group's scale, rounded to
// the grid, multiplied back and compared. Sixteen is one AVX-512 register, two of AVX2, four of
// SSE4; fixing it keeps the order of every sum the same on all of them.
#include <algorithm>
#include <array>

#include "kernels/quantize/ops.hpp"

// Registers of unknown width cannot be members of the structs below; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/quantize/rounders-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

using CodeTag = hn::Rebind<std::int16_t, Tag>;
using Mask = hn::Mask<Tag>;
constexpr std::size_t block = 16;
constexpr std::size_t parts = block / lanes;  // registers a block

/// A grid, ready to make the rounder of any group.
struct PreparedInteger {
    IntegerGrid grid;

    IntegerRounder rounder(const GroupScales& s, std::size_t g) const {
        return integer_rounder(s.scale[g], static_cast<float>(grid.low),
                               static_cast<float>(grid.high), static_cast<int>(s.zero_point[g]), 0);
    }
};

struct PreparedCodebook {
    LevelTable table;

    LevelRounder<false> rounder(const GroupScales& s, std::size_t g) const {
        return {table, hn::Set(Tag{}, 1.0F / s.scale[g])};
    }
};

struct PreparedFloat {
    FloatFormat format;

    SmallFloatRounder rounder(const GroupScales& s, std::size_t g) const {
        return {format, s.scale[g]};
    }
};

/// Sums over sixteen lanes, folded in one order.
struct Sums {
    std::array<Vec, parts> squared, largest;
    std::uint64_t zeros = 0;

    Sums() {
        squared.fill(hn::Zero(Tag{}));
        largest.fill(hn::Zero(Tag{}));
    }

    HWY_INLINE void add(std::size_t part, Vec x, Vec value) {
        const Tag d;
        const Vec error = hn::Sub(x, value);
        squared[part] = hn::Add(squared[part], hn::Mul(error, error));
        largest[part] = hn::Max(largest[part], hn::Abs(error));
        zeros += hn::CountTrue(d, hn::Eq(value, hn::Zero(d)));
    }

    RoundingError total() const {
        const Tag d;
        alignas(64) std::array<float, block> s, m;
        for (std::size_t p = 0; p < parts; ++p) {
            hn::Store(squared[p], d, s.data() + p * lanes);
            hn::Store(largest[p], d, m.data() + p * lanes);
        }
        std::array<double, 4> sum = {};
        RoundingError result;
        for (std::size_t i = 0; i < block; ++i) {
            sum[i % 4] += static_cast<double>(s[i]);
            result.largest = std::max(result.largest, m[i]);
        }
        result.squared = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        result.zeros = zeros;
        return result;
    }
};

/// Rounds the sixteen values at `from` into `sums`; with `store`, also writes codes and values
/// where there is somewhere to write them.
template <bool store, class Rounder>
HWY_INLINE void round_block(const Rounder& rounder, Vec stored, const float* from, Sums& sums,
                            std::int16_t* codes, float* values) {
    const Tag d;
    const ShortTag shorts;
    for (std::size_t p = 0; p < parts; ++p) {
        const Vec x = hn::LoadU(d, from + p * lanes);
        const Rounded r = rounder(x);
        const Vec value = hn::Mul(r.value, stored);
        sums.add(p, x, value);
        if constexpr (store) {
            if (codes != nullptr) {
                const auto code = hn::TruncateTo(shorts, hn::BitCast(BitsTag{}, r.code));
                hn::StoreU(hn::BitCast(CodeTag{}, code), CodeTag{}, codes + p * lanes);
            }
            if (values != nullptr) {
                hn::StoreU(value, d, values + p * lanes);
            }
        }
    }
}

/// The last count < 16 values of a group, filled up with zeros whose own error is taken out again
/// by giving them the value they come back as.
template <bool store, class Rounder>
void round_tail(const Rounder& rounder, Vec stored, const float* from, std::size_t count,
                Sums& sums, std::int16_t* codes, float* values) {
    const Tag d;
    alignas(64) std::array<float, block> x = {}, back;
    std::array<std::int16_t, block> code;
    std::copy_n(from, count, x.begin());
    Sums unused;
    round_block<true>(rounder, stored, x.data(), unused, code.data(), back.data());
    for (std::size_t p = 0; p < parts; ++p) {
        const std::size_t first = p * lanes;
        const Mask inside = hn::FirstN(d, count > first ? std::min(lanes, count - first) : 0);
        const Vec value = hn::Load(d, back.data() + first);
        sums.add(p, hn::IfThenElse(inside, hn::Load(d, x.data() + first), value), value);
    }
    for (std::size_t i = count; i < block; ++i) {
        sums.zeros -= back[i] == 0.0F ? 1 : 0;
    }
    if constexpr (store) {
        if (codes != nullptr) {
            std::copy_n(code.begin(), count, codes);
        }
        if (values != nullptr) {
            std::copy_n(back.begin(), count, values);
        }
    }
}

template <bool store, class Prepared>
RoundingError quantize_groups(const Prepared& prepared, std::span<const float> values,
                              std::size_t group_size, const GroupScales& scales,
                              const QuantizeOut& out) {
    constexpr std::size_t longest_float_sum = 4096;
    RoundingError all;
    Sums sums;
    std::size_t summed = 0;
    const auto flush = [&] {
        const RoundingError e = sums.total();
        sums = Sums();
        summed = 0;
        return e;
    };
    for (std::size_t begin = 0, g = 0; begin < values.size(); begin += group_size, ++g) {
        const std::size_t end = std::min(values.size(), begin + group_size);
        const auto rounder = prepared.rounder(scales, g);
        const Vec stored = hn::Set(Tag{}, scales.stored_scale[g]);
        RoundingError group;
        for (std::size_t i = begin; i < end; i += block) {
            std::int16_t* codes = store && !out.codes.empty() ? &out.codes[i] : nullptr;
            float* back = store && !out.dequantized.empty() ? &out.dequantized[i] : nullptr;
            if (i + block <= end) {
                round_block<store>(rounder, stored, &values[i], sums, codes, back);
            } else {
                round_tail<store>(rounder, stored, &values[i], end - i, sums, codes, back);
            }
            summed += block;
            if (summed >= longest_float_sum) {
                group += flush();
            }
        }
        if (!out.groups.empty()) {
            group += flush();
            out.groups[g] = group;
        }
        all += group;
    }
    all += flush();
    return all;
}

template <class Prepared>
RoundingError quantize_with(const Prepared& prepared, std::span<const float> values,
                            std::size_t group_size, const GroupScales& scales,
                            const QuantizeOut& out) {
    return out.codes.empty() && out.dequantized.empty()
               ? quantize_groups<false>(prepared, values, group_size, scales, out)
               : quantize_groups<true>(prepared, values, group_size, scales, out);
}

RoundingError quantize_integer(std::span<const float> values, std::size_t group_size,
                               const GroupScales& scales, const IntegerGrid& grid,
                               const QuantizeOut& out) {
    return quantize_with(PreparedInteger{grid}, values, group_size, scales, out);
}

RoundingError quantize_codebook(std::span<const float> values, std::size_t group_size,
                                const GroupScales& scales, const Codebook& grid,
                                const QuantizeOut& out) {
    return quantize_with(PreparedCodebook{LevelTable(grid)}, values, group_size, scales, out);
}

RoundingError quantize_float(std::span<const float> values, std::size_t group_size,
                             const GroupScales& scales, const FloatFormat& grid,
                             const QuantizeOut& out) {
    return quantize_with(PreparedFloat{grid}, values, group_size, scales, out);
}

void ranges(std::span<const float> values, std::size_t group_size, std::span<float> low,
            std::span<float> high) {
    const Tag d;
    for (std::size_t begin = 0, g = 0; begin < values.size(); begin += group_size, ++g) {
        const std::size_t end = std::min(values.size(), begin + group_size);
        Vec lows = hn::Set(d, values[begin]), highs = lows;
        std::size_t i = begin;
        for (; i + lanes <= end; i += lanes) {
            const Vec x = hn::LoadU(d, &values[i]);
            lows = hn::Min(lows, x);
            highs = hn::Max(highs, x);
        }
        float smallest = hn::GetLane(hn::MinOfLanes(d, lows));
        float largest = hn::GetLane(hn::MaxOfLanes(d, highs));
        for (; i < end; ++i) {
            smallest = std::min(smallest, values[i]);
            largest = std::max(largest, values[i]);
        }
        low[g] = smallest;
        high[g] = largest;
    }
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {
namespace {

HWY_EXPORT(quantize_integer);
HWY_EXPORT(quantize_codebook);
HWY_EXPORT(quantize_float);
HWY_EXPORT(ranges);

}  // namespace

void group_ranges(std::span<const float> values, std::size_t group_size, std::span<float> low,
                  std::span<float> high) {
    HWY_DYNAMIC_DISPATCH(ranges)(values, group_size, low, high);
}

RoundingError quantize(std::span<const float> values, std::size_t group_size,
                       const GroupScales& scales, const IntegerGrid& grid, const QuantizeOut& out) {
    return HWY_DYNAMIC_DISPATCH(quantize_integer)(values, group_size, scales, grid, out);
}

RoundingError quantize(std::span<const float> values, std::size_t group_size,
                       const GroupScales& scales, const Codebook& grid, const QuantizeOut& out) {
    return HWY_DYNAMIC_DISPATCH(quantize_codebook)(values, group_size, scales, grid, out);
}

RoundingError quantize(std::span<const float> values, std::size_t group_size,
                       const GroupScales& scales, const FloatFormat& grid, const QuantizeOut& out) {
    return HWY_DYNAMIC_DISPATCH(quantize_float)(values, group_size, scales, grid, out);
}

namespace {

std::vector<std::int64_t> runnable_targets() {
    std::vector<std::int64_t> found;
    for (std::int64_t target = 1; target <= HWY_TARGETS && target > 0; target <<= 1) {
        if ((hwy::SupportedTargets() & HWY_TARGETS & target) != 0) {
            found.push_back(target);
        }
    }
    return found;
}

}  // namespace

std::vector<std::string> simd_targets() {
    std::vector<std::string> names;
    for (const std::int64_t target : runnable_targets()) {
        names.emplace_back(hwy::TargetName(target));
    }
    return names;
}

std::string simd_target() {
    return simd_targets().front();
}

void use_simd_target(const std::string& name) {
    hwy::SetSupportedTargetsForTest(0);
    for (const std::int64_t target : runnable_targets()) {
        if (hwy::TargetName(target) == name) {
            hwy::SetSupportedTargetsForTest(target);
        }
    }
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace nibble::kernels
#endif
