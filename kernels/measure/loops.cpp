// Compiled once for each instruction set, chosen at run time.
#include "kernels/measure/loops.hpp"

#include <array>

// Registers of unknown width cannot be elements of arrays; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/measure/loops.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using WordTag = hn::ScalableTag<std::uint64_t>;
constexpr std::size_t words = hn::MaxLanes(WordTag{});
constexpr std::size_t streams = 4;  // registers a step
static_assert(loop_words % (streams * words) == 0);

/// Adds in plain arithmetic, where words may wrap; some reductions of the compiler's headers add them
/// as signed.
std::uint64_t sum_of_words(hn::Vec<WordTag> v) {
    std::array<std::uint64_t, words> lanes;
    hn::StoreU(v, WordTag{}, lanes.data());
    std::uint64_t sum = 0;
    for (const std::uint64_t lane : lanes) {
        sum += lane;
    }
    return sum;
}

std::uint64_t read_loop(const std::uint64_t* from, std::size_t count) {
    const WordTag d;
    std::array<hn::Vec<WordTag>, streams> sums;
    sums.fill(hn::Zero(d));
    for (std::size_t i = 0; i < count; i += streams * words) {
        for (std::size_t s = 0; s < streams; ++s) {
            sums[s] = hn::Add(sums[s], hn::Load(d, from + i + s * words));
        }
    }
    return sum_of_words(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])));
}

void write_loop(std::uint64_t* to, std::size_t count, std::uint64_t value) {
    const WordTag d;
    const auto all = hn::Set(d, value);
    for (std::size_t i = 0; i < count; i += streams * words) {
        for (std::size_t s = 0; s < streams; ++s) {
            hn::Store(all, d, to + i + s * words);
        }
    }
}

void copy_loop(const std::uint64_t* from, std::uint64_t* to, std::size_t count) {
    const WordTag d;
    for (std::size_t i = 0; i < count; i += streams * words) {
        for (std::size_t s = 0; s < streams; ++s) {
            hn::Store(hn::Load(d, from + i + s * words), d, to + i + s * words);
        }
    }
}

using FloatTag = hn::ScalableTag<float>;
// Two multiply-adds start a cycle and each takes four or five: more chains than their product.
constexpr std::size_t chains = 12;

float multiply_add_loop(std::size_t rounds, float factor, float addend) {
    const FloatTag d;
    const auto a = hn::Set(d, factor), b = hn::Set(d, addend);
    std::array<hn::Vec<FloatTag>, chains> x;
    for (std::size_t c = 0; c < chains; ++c) {
        x[c] = hn::Set(d, static_cast<float>(c));
    }
    for (std::size_t r = 0; r < rounds; ++r) {
        for (std::size_t c = 0; c < chains; ++c) {
            x[c] = hn::MulAdd(x[c], a, b);
        }
    }
    auto sum = x[0];
    for (std::size_t c = 1; c < chains; ++c) {
        sum = hn::Add(sum, x[c]);
    }
    return hn::GetLane(hn::SumOfLanes(d, sum));
}

double multiply_add_count() {
    return 2.0 * static_cast<double>(chains * hn::Lanes(FloatTag{}));
}

using ShortTag = hn::ScalableTag<std::int16_t>;
using ByteTag = hn::Rebind<std::int8_t, ShortTag>;
using SumTag = hn::RepartitionToWide<ShortTag>;
constexpr std::size_t shorts = hn::MaxLanes(ShortTag{});
constexpr std::size_t rows = 4;  // of activations
constexpr std::size_t steps = 256 / shorts;

std::int32_t dot_int8_loop(std::size_t rounds, const std::int8_t* weights,
                           const std::int8_t* activations) {
    const ShortTag d;
    const SumTag sum_tag;
    std::array<hn::Vec<ShortTag>, rows> x;
    std::array<hn::Vec<SumTag>, rows> low, high;
    for (std::size_t r = 0; r < rows; ++r) {
        x[r] = hn::PromoteTo(d, hn::LoadU(ByteTag{}, activations + r * shorts));
        low[r] = high[r] = hn::Zero(sum_tag);
    }
    for (std::size_t round = 0; round < rounds; ++round) {
        // New activations each round, or a compiler keeps the products of the first.
        const auto change = hn::Set(d, static_cast<std::int16_t>(round % 128));
        for (std::size_t r = 0; r < rows; ++r) {
            x[r] = hn::Xor(x[r], change);
        }
        for (std::size_t s = 0; s < steps; ++s) {
            const auto w = hn::PromoteTo(d, hn::LoadU(ByteTag{}, weights + s * shorts));
            for (std::size_t r = 0; r < rows; ++r) {
                low[r] = hn::ReorderWidenMulAccumulate(sum_tag, w, x[r], low[r], high[r]);
            }
        }
    }
    auto all = hn::Zero(sum_tag);
    for (std::size_t r = 0; r < rows; ++r) {
        all = hn::Add(all, hn::Add(low[r], high[r]));
    }
    return hn::GetLane(hn::SumOfLanes(sum_tag, all));
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {
namespace {

HWY_EXPORT(read_loop);
HWY_EXPORT(write_loop);
HWY_EXPORT(copy_loop);
HWY_EXPORT(multiply_add_loop);
HWY_EXPORT(multiply_add_count);
HWY_EXPORT(dot_int8_loop);

}  // namespace

std::uint64_t read_words(std::span<const std::uint64_t> from) {
    return HWY_DYNAMIC_DISPATCH(read_loop)(from.data(), from.size());
}

void write_words(std::span<std::uint64_t> to, std::uint64_t value) {
    HWY_DYNAMIC_DISPATCH(write_loop)(to.data(), to.size(), value);
}

void copy_words(std::span<const std::uint64_t> from, std::span<std::uint64_t> to) {
    HWY_DYNAMIC_DISPATCH(copy_loop)(from.data(), to.data(), from.size());
}

float multiply_add(std::size_t rounds, float factor, float addend) {
    return HWY_DYNAMIC_DISPATCH(multiply_add_loop)(rounds, factor, addend);
}

double multiply_add_flops() {
    return HWY_DYNAMIC_DISPATCH(multiply_add_count)();
}

std::int32_t dot_int8(std::size_t rounds, std::span<const std::int8_t, 256> weights,
                      std::span<const std::int8_t, 256> activations) {
    return HWY_DYNAMIC_DISPATCH(dot_int8_loop)(rounds, weights.data(), activations.data());
}

double dot_int8_operations() {
    return 2.0 * 256 * 4;  // 256 weights with four rows of activations
}

}  // namespace nibble::kernels
#endif
