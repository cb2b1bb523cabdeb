// Values to codes and to the numbers that codes stand for, a register at a time, once for each kind
// of number format. The groups of ops.hpp and the packed formats of packed.hpp round with these;
// included once for each instruction set.
#if defined(NIBBLE_ROUNDERS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_ROUNDERS_INL_HPP
#undef NIBBLE_ROUNDERS_INL_HPP
#else
#define NIBBLE_ROUNDERS_INL_HPP
#endif

#include <hwy/highway.h>

#include "kernels/quantize/level_table.hpp"

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using IntTag = hn::RebindToSigned<Tag>;
using BitsTag = hn::RebindToUnsigned<Tag>;
using ShortTag = hn::Rebind<std::uint16_t, Tag>;
using ByteTag = hn::Rebind<std::uint8_t, Tag>;
using SignedByteTag = hn::Rebind<std::int8_t, Tag>;
using Vec = hn::Vec<Tag>;
using IntVec = hn::Vec<IntTag>;
using BitsVec = hn::Vec<BitsTag>;
constexpr std::size_t lanes = hn::MaxLanes(Tag{});

/// round(x), halves to even, as the low 16 bits of each lane; what lies above them is of no use.
/// Floats from 2^23 on are whole numbers, so adding 3 * 2^22 rounds. |x| < 2^22.
HWY_INLINE IntVec rounded_bits(Vec x) {
    const Tag d;
    return hn::BitCast(IntTag{}, hn::Add(x, hn::Set(d, 0x1.8p23F)));
}

/// Of one register of values. Whoever needs one of the two does not pay for the other.
struct Rounded {
    IntVec code;  // the low 16 bits of each lane
    Vec value;    // at scale 1, the zero point taken off
};

/// round(x / scale) between two limits, and an offset that makes it a code.
struct IntegerRounder {
    Vec scale, low, high;
    IntVec offset;

    HWY_INLINE Rounded operator()(Vec x) const {
        const Vec steps = hn::Clamp(hn::Round(hn::Div(x, scale)), low, high);
        return {hn::Add(rounded_bits(steps), offset), steps};
    }
};

/// Codes between two limits, which move with the zero point: it is added before they clamp.
HWY_INLINE IntegerRounder integer_rounder(float scale, float low, float high, int zero_point,
                                          int offset) {
    const Tag d;
    const auto zero = static_cast<float>(zero_point);
    return {hn::Set(d, scale), hn::Set(d, low - zero), hn::Set(d, high - zero),
            hn::Set(IntTag{}, zero_point + offset)};
}

/// The level nearest to x * inverse, found from the lowest up; for `signed_magnitude` from 0 up,
/// the sign apart. `levels`: how many the table has, where that is known before.
template <bool signed_magnitude, unsigned levels = 0>
struct LevelRounder {
    const LevelTable& table;
    Vec inverse;

    HWY_INLINE Rounded operator()(Vec x) const {
        const Tag d;
        const IntTag i;
        const Vec scaled = hn::Mul(x, inverse);
        const Vec place = signed_magnitude ? hn::Abs(scaled) : scaled;
        IntVec code = hn::Zero(i);
        Vec level = hn::Set(d, table.level[0]);
        for (unsigned k = 0; k + 1 < (levels > 0 ? levels : table.count); ++k) {
            const auto above = hn::Gt(place, hn::Set(d, table.middle[k]));
            level = hn::IfThenElse(above, hn::Set(d, table.level[k + 1]), level);
            code = hn::Xor(code,
                           hn::IfThenElseZero(hn::RebindMask(i, above), hn::Set(i, table.step[k])));
        }
        if constexpr (signed_magnitude) {
            const auto negative = hn::RebindMask(i, hn::Lt(scaled, hn::Zero(d)));
            code = hn::Or(code, hn::IfThenElseZero(negative, hn::Set(i, 8)));
            level = hn::CopySign(level, scaled);
        }
        return {code, level};
    }
};

/// x / scale as a small float with subnormal numbers, saturating.
struct SmallFloatRounder {
    const formats::FloatFormat& format;
    Vec scale, largest;

    SmallFloatRounder(const formats::FloatFormat& f, float scale_of_group)
        : format(f),
          scale(hn::Set(Tag{}, scale_of_group)),
          largest(hn::Set(Tag{}, static_cast<float>(f.largest()))) {}

    HWY_INLINE Rounded operator()(Vec x) const {
        const Tag d;
        const IntTag i;
        const auto exponent_bits = [&](int exponent) {
            return hn::Set(i, static_cast<std::int32_t>(exponent << 23));
        };
        const Vec magnitude = hn::Min(hn::Abs(hn::Div(x, scale)), largest);
        // The spacing of the format's numbers around it, and its reciprocal: powers of two.
        const IntVec smallest = exponent_bits(127 + format.smallest_exponent());
        const IntVec exponent =
            hn::Max(hn::And(hn::BitCast(i, magnitude), exponent_bits(255)), smallest);
        const IntVec spacing = hn::Sub(exponent, exponent_bits(format.mantissa_bits));
        const IntVec inverse = hn::Sub(exponent_bits(254), spacing);
        const Vec steps = hn::Mul(magnitude, hn::BitCast(d, inverse));
        const Vec value = hn::Mul(hn::Round(steps), hn::BitCast(d, spacing));
        // A code counts the numbers below it: the steps, of which the first binade has its own
        // number, and 2^mantissa_bits more for each binade after it.
        const IntVec below =
            hn::ShiftRightSame(hn::Sub(exponent, smallest), 23 - format.mantissa_bits);
        const auto sign = hn::ShiftLeftSame(hn::ShiftRight<31>(hn::BitCast(BitsTag{}, x)),
                                            format.exponent_bits + format.mantissa_bits);
        return {hn::Or(hn::Add(rounded_bits(steps), below), hn::BitCast(i, sign)),
                hn::CopySign(value, x)};
    }
};

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
