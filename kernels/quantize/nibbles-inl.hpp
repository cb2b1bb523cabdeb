// Two 4-bit codes to the byte and back; included once for each instruction set.
//
// A pair of neighbouring codes is one 16-bit lane, the even column in its low byte.
#if defined(NIBBLE_NIBBLES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_NIBBLES_INL_HPP
#undef NIBBLE_NIBBLES_INL_HPP
#else
#define NIBBLE_NIBBLES_INL_HPP
#endif

#include <cstdint>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using PairTag = hn::ScalableTag<std::uint16_t>;
using PackedTag = hn::Rebind<std::uint8_t, PairTag>;
constexpr std::size_t pairs_at_once = hn::MaxLanes(PairTag{});

template <bool high_first>
HWY_INLINE void pack(const std::uint8_t* codes, std::uint8_t* packed, std::size_t count) {
    const std::size_t pairs = count / 2;
    std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR  // which has no pairs of lanes
    const PairTag d;
    const hn::Repartition<std::uint8_t, PairTag> bytes;
    for (; i + pairs_at_once <= pairs; i += pairs_at_once) {
        const auto pair = hn::BitCast(d, hn::LoadU(bytes, codes + 2 * i));
        const auto both = high_first ? hn::Or(hn::ShiftLeft<4>(pair), hn::ShiftRight<8>(pair))
                                     : hn::Or(pair, hn::ShiftRight<4>(pair));
        hn::StoreU(hn::TruncateTo(PackedTag{}, both), PackedTag{}, packed + i);
    }
#endif
    for (; i < pairs; ++i) {
        const unsigned even = codes[2 * i], odd = codes[2 * i + 1];
        packed[i] = static_cast<std::uint8_t>(high_first ? even << 4 | odd : odd << 4 | even);
    }
    if (count % 2 != 0) {
        packed[i] = static_cast<std::uint8_t>(codes[2 * i] << (high_first ? 4 : 0));
    }
}

template <bool high_first>
HWY_INLINE void unpack(const std::uint8_t* packed, std::uint8_t* codes, std::size_t count) {
    const std::size_t pairs = count / 2;
    std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
    const PairTag d;
    const hn::Repartition<std::uint8_t, PairTag> bytes;
    const auto low = hn::Set(d, 15);
    for (; i + pairs_at_once <= pairs; i += pairs_at_once) {
        const auto both = hn::PromoteTo(d, hn::LoadU(PackedTag{}, packed + i));
        const auto low_half = hn::And(both, low), high_half = hn::ShiftRight<4>(both);
        const auto pair = high_first ? hn::Or(high_half, hn::ShiftLeft<8>(low_half))
                                     : hn::Or(low_half, hn::ShiftLeft<8>(high_half));
        hn::StoreU(hn::BitCast(bytes, pair), bytes, codes + 2 * i);
    }
#endif
    for (; i < count - pairs; ++i) {
        const unsigned low_half = packed[i] & 15u, high_half = packed[i] >> 4;
        codes[2 * i] = static_cast<std::uint8_t>(high_first ? high_half : low_half);
        if (i < pairs) {
            codes[2 * i + 1] = static_cast<std::uint8_t>(high_first ? low_half : high_half);
        }
    }
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
