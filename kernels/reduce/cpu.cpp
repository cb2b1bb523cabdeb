// The reductions with Highway, compiled once for each instruction set.
//
// A maximum is the same in any order. A histogram counts, so order does not matter either. The
// squared error keeps eight partial sums on every register width.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/reduce/ops.hpp"

// Arrays of registers need a width known to the compiler; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/quantize/packed-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

template <InputType type>
float largest_magnitude(const void* x, std::size_t count) {
    const IntTag d;
    const Input<type> in(x, 0);
    std::array<IntVec, 4> largest;
    largest.fill(hn::Zero(d));
    std::size_t i = 0;
    for (; i + largest.size() * lanes <= count; i += largest.size() * lanes) {
        in.prefetch(i, largest.size() * lanes);
        for (std::size_t k = 0; k < largest.size(); ++k) {
            largest[k] = hn::Max(largest[k], magnitude_bits(in.load(i + k * lanes)));
        }
    }
    for (; i < count; i += lanes) {
        const Vec rest = in.load_last(i, std::min(lanes, count - i));
        largest[0] = hn::Max(largest[0], magnitude_bits(rest));
    }
    const IntVec all = hn::Max(hn::Max(largest[0], largest[1]), hn::Max(largest[2], largest[3]));
    return std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(d, all)));
}

float largest_magnitude_of(InputType type, const void* x, std::size_t count) {
    float result = 0;
    with_type(type, [&](auto t) { result = largest_magnitude<t()>(x, count); });
    return result;
}

/// Bins first, in registers; then the counting, which must go one by one.
HistogramOutside count_bins(std::span<const float> x, float low, float high, float bins_per_unit,
                            std::span<std::uint32_t> counts) {
    const Tag d;
    const IntTag i;
    const Input<InputType::f32> in(x.data(), 0);
    const Vec lows = hn::Set(d, low), highs = hn::Set(d, high);
    const Vec factor = hn::Set(d, bins_per_unit);
    const IntVec last = hn::Set(i, static_cast<std::int32_t>(counts.size()) - 1);
    HistogramOutside outside;
    for (std::size_t at = 0; at < x.size(); at += lanes) {
        const std::size_t n = std::min(lanes, x.size() - at);
        const Vec v = n == lanes ? in.load(at) : in.load_last(at, n);
        // Of what no bin counts the place is never used, but it must not overflow.
        const Vec inside = hn::Clamp(v, lows, highs);
        const IntVec bin = hn::Min(hn::ConvertTo(i, hn::Mul(hn::Sub(inside, lows), factor)), last);
        alignas(64) std::int32_t bins[lanes];
        hn::Store(bin, i, bins);
        const auto counted = hn::And(hn::Ge(v, lows), hn::Le(v, highs));
        if (n == lanes && hn::AllTrue(d, counted)) {
            for (const std::int32_t b : bins) {
                ++counts[static_cast<std::size_t>(b)];
            }
            continue;
        }
        for (std::size_t k = 0; k < n; ++k) {
            const float value = x[at + k];
            if (std::isnan(value)) {
                ++outside.nan;
            } else if (value < low) {
                ++outside.below;
            } else if (value > high) {
                ++outside.above;
            } else {
                ++counts[static_cast<std::size_t>(bins[k])];
            }
        }
    }
    return outside;
}

double sum_of_squared_error(const float* a, const float* b, std::size_t count) {
    constexpr std::size_t sums = 8;
    using DoubleTag = hn::CappedTag<double, sums>;
    constexpr std::size_t width = hn::MaxLanes(DoubleTag{}), parts = sums / width;
    const DoubleTag d;
    const hn::Rebind<float, DoubleTag> f;
    const Input<InputType::f32> left_in(a, 0), right_in(b, 0);
    std::array<hn::Vec<DoubleTag>, parts> sum;
    sum.fill(hn::Zero(d));
    std::size_t i = 0;
    for (; i + sums <= count; i += sums) {
        left_in.prefetch(i, sums);
        right_in.prefetch(i, sums);
        for (std::size_t p = 0; p < parts; ++p) {
            const auto left = hn::PromoteTo(d, hn::LoadU(f, a + i + p * width));
            const auto right = hn::PromoteTo(d, hn::LoadU(f, b + i + p * width));
            const auto error = hn::Sub(left, right);
            sum[p] = hn::Add(sum[p], hn::Mul(error, error));
        }
    }
    std::array<double, sums> s;
    for (std::size_t p = 0; p < parts; ++p) {
        hn::StoreU(sum[p], d, s.data() + p * width);
    }
    for (std::size_t k = 0; i + k < count; ++k) {
        const double error = static_cast<double>(a[i + k]) - static_cast<double>(b[i + k]);
        s[k] += error * error;
    }
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {
namespace {

HWY_EXPORT(largest_magnitude_of);
HWY_EXPORT(count_bins);
HWY_EXPORT(sum_of_squared_error);

}  // namespace

float absmax(InputType type, const void* x, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(largest_magnitude_of)(type, x, count);
}

HistogramOutside histogram(std::span<const float> x, float low, float high,
                           std::span<std::uint32_t> counts) {
    const float range = high - low;
    const bool finite = std::isfinite(range) && std::isfinite(1 / range);
    if (!finite || !(range > 0) || counts.empty() || counts.size() > std::size_t{1} << 24) {
        throw std::invalid_argument("a histogram of " + std::to_string(counts.size()) +
                                    " bins over " + std::to_string(low) + " .. " +
                                    std::to_string(high));
    }
    const float bins_per_unit = static_cast<float>(counts.size()) / range;
    if (!std::isfinite(bins_per_unit)) {
        throw std::invalid_argument("a histogram with bins too narrow for float arithmetic: " +
                                    std::to_string(counts.size()));
    }
    return HWY_DYNAMIC_DISPATCH(count_bins)(x, low, high, bins_per_unit, counts);
}

double squared_error(const float* a, const float* b, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(sum_of_squared_error)(a, b, count);
}

}  // namespace nibble::kernels
#endif
