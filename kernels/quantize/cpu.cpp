// Quantization on the CPU: Highway, compiled once for each instruction set, chosen at run time.
//
// One loop serves all grids. Sixteen values at a time are divided by the group's scale, rounded to
// the grid, multiplied back and compared. Sixteen is one AVX-512 register, two of AVX2, four of
// SSE4; fixing it keeps the order of every sum the same on all of them.
#include <algorithm>
#include <array>

#include "kernels/quantize/level_table.hpp"
#include "kernels/quantize/ops.hpp"

// Registers of unknown width cannot be members of the structs below; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using BitsTag = hn::RebindToUnsigned<Tag>;
using IntTag = hn::RebindToSigned<Tag>;
using CodeTag = hn::Rebind<std::int16_t, Tag>;
using Vec = hn::Vec<Tag>;
using Mask = hn::Mask<Tag>;
constexpr std::size_t block = 16;
constexpr std::size_t lanes = hn::MaxLanes(Tag{});
constexpr std::size_t parts = block / lanes;  // registers a block

/// Of one register of values: their codes (whole numbers) and what they come back as.
struct Rounded {
    Vec code, value;
};

struct IntegerRounder {
    Vec scale, stored, low, high, zero_point;

    HWY_INLINE Rounded operator()(Vec x) const {
        const Vec steps = hn::Clamp(hn::Round(hn::Div(x, scale)), low, high);
        return {hn::Add(steps, zero_point), hn::Mul(steps, stored)};
    }
};

/// A grid, ready to make the rounder of any group.
struct PreparedInteger {
    IntegerGrid grid;

    IntegerRounder rounder(const GroupScales& s, std::size_t g) const {
        const Tag d;
        const float zero = s.zero_point[g];
        return {hn::Set(d, s.scale[g]), hn::Set(d, s.stored_scale[g]),
                hn::Set(d, static_cast<float>(grid.low) - zero),
                hn::Set(d, static_cast<float>(grid.high) - zero), hn::Set(d, zero)};
    }
};

struct CodebookRounder {
    const LevelTable& table;
    Vec inverse, stored;

    HWY_INLINE Rounded operator()(Vec x) const {
        const Tag d;
        const Vec scaled = hn::Mul(x, inverse), one = hn::Set(d, 1.0F);
        Vec code = hn::Zero(d), level = hn::Set(d, table.level[0]);
        for (unsigned k = 0; k + 1 < table.count; ++k) {
            const Mask above = hn::Gt(scaled, hn::Set(d, table.middle[k]));
            level = hn::IfThenElse(above, hn::Set(d, table.level[k + 1]), level);
            code = hn::Add(code, hn::IfThenElseZero(above, one));
        }
        return {code, hn::Mul(level, stored)};
    }
};

struct PreparedCodebook {
    LevelTable table;

    CodebookRounder rounder(const GroupScales& s, std::size_t g) const {
        const Tag d;
        return {table, hn::Set(d, 1.0F / s.scale[g]), hn::Set(d, s.stored_scale[g])};
    }
};

struct MinifloatRounder {
    const Minifloat& format;
    Vec scale, stored;

    HWY_INLINE Rounded operator()(Vec x) const {
        const Tag d;
        const BitsTag bits;
        const auto shifted = [&](int exponent) {
            return hn::Set(bits, static_cast<std::uint32_t>(exponent) << 23);
        };
        const Vec largest = hn::Set(d, format.largest);
        const Vec scaled = hn::Clamp(hn::Div(x, scale), hn::Neg(largest), largest);
        // The spacing of the format's numbers around `scaled`, and its reciprocal: powers of two.
        const auto smallest = shifted(128 - format.bias);  // of the normal numbers
        const auto exponent = hn::Max(hn::And(hn::BitCast(bits, scaled), shifted(255)), smallest);
        const auto spacing = hn::Sub(exponent, shifted(format.mantissa_bits));
        const Vec inverse = hn::BitCast(d, hn::Sub(shifted(254), spacing));
        const Vec steps = hn::Round(hn::Mul(scaled, inverse));
        const Vec value = hn::Mul(steps, hn::BitCast(d, spacing));
        // A magnitude's code counts the numbers below it: |steps| in the first binade, and
        // 2^mantissa_bits more for each binade after it.
        const auto binade = hn::BitCast(IntTag{}, hn::ShiftRight<23>(hn::Sub(exponent, smallest)));
        const Vec below = hn::Mul(hn::ConvertTo(d, binade),
                                  hn::Set(d, static_cast<float>(1 << format.mantissa_bits)));
        const float sign_weight =
            static_cast<float>(1 << (format.exponent_bits + format.mantissa_bits));
        const Mask negative = hn::Lt(hn::CopySign(hn::Set(d, 1.0F), x), hn::Zero(d));
        const Vec sign = hn::IfThenElseZero(negative, hn::Set(d, sign_weight));
        return {hn::Add(hn::Add(below, hn::Abs(steps)), sign), hn::Mul(value, stored)};
    }
};

struct PreparedMinifloat {
    Minifloat format;

    MinifloatRounder rounder(const GroupScales& s, std::size_t g) const {
        const Tag d;
        return {format, hn::Set(d, s.scale[g]), hn::Set(d, s.stored_scale[g])};
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
HWY_INLINE void round_block(const Rounder& rounder, const float* from, Sums& sums,
                            std::int16_t* codes, float* values) {
    const Tag d;
    for (std::size_t p = 0; p < parts; ++p) {
        const Vec x = hn::LoadU(d, from + p * lanes);
        const Rounded r = rounder(x);
        sums.add(p, x, r.value);
        if constexpr (store) {
            if (codes != nullptr) {
                hn::StoreU(hn::DemoteTo(CodeTag{}, hn::ConvertTo(IntTag{}, r.code)), CodeTag{},
                           codes + p * lanes);
            }
            if (values != nullptr) {
                hn::StoreU(r.value, d, values + p * lanes);
            }
        }
    }
}

/// The last count < 16 values of a group, filled up with zeros whose own error is taken out again
/// by giving them the value they come back as.
template <bool store, class Rounder>
void round_tail(const Rounder& rounder, const float* from, std::size_t count, Sums& sums,
                std::int16_t* codes, float* values) {
    const Tag d;
    alignas(64) std::array<float, block> x = {}, back;
    std::array<std::int16_t, block> code;
    std::copy_n(from, count, x.begin());
    Sums unused;
    round_block<true>(rounder, x.data(), unused, code.data(), back.data());
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
        RoundingError group;
        for (std::size_t i = begin; i < end; i += block) {
            std::int16_t* codes = store && !out.codes.empty() ? &out.codes[i] : nullptr;
            float* back = store && !out.dequantized.empty() ? &out.dequantized[i] : nullptr;
            if (i + block <= end) {
                round_block<store>(rounder, &values[i], sums, codes, back);
            } else {
                round_tail<store>(rounder, &values[i], end - i, sums, codes, back);
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

RoundingError quantize_minifloat(std::span<const float> values, std::size_t group_size,
                                 const GroupScales& scales, const Minifloat& grid,
                                 const QuantizeOut& out) {
    return quantize_with(PreparedMinifloat{grid}, values, group_size, scales, out);
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
HWY_EXPORT(quantize_minifloat);
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
                       const GroupScales& scales, const Minifloat& grid, const QuantizeOut& out) {
    return HWY_DYNAMIC_DISPATCH(quantize_minifloat)(values, group_size, scales, grid, out);
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
