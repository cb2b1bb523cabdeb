// Dequantization of groups with Highway, compiled once for each instruction set.
//
// A decoder turns one register of codes into the values they stand for at scale 1. Codes of four
// bits are spread to bytes first. A matrix too large for the caches is written past them
// (packed_writer-inl.hpp).
#include <algorithm>
#include <array>

#include "kernels/quantize/packed_format.hpp"

// Registers of unknown width cannot be members of the structs below; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize/packed_dequantize_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/quantize/nibbles-inl.hpp"
#include "kernels/quantize/packed-inl.hpp"
#include "kernels/quantize/packed_writer-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

/// code - zero, of unsigned codes.
struct UnsignedDecoder {
    IntVec zero;

    HWY_INLINE Vec operator()(const std::uint8_t* codes) const {
        const IntVec code = hn::PromoteTo(IntTag{}, hn::LoadU(ByteTag{}, codes));
        return hn::ConvertTo(Tag{}, hn::Sub(code, zero));
    }
};

struct SignedDecoder {
    HWY_INLINE Vec operator()(const std::uint8_t* codes) const {
        const auto bytes = hn::BitCast(SignedByteTag{}, hn::LoadU(ByteTag{}, codes));
        return hn::ConvertTo(Tag{}, hn::PromoteTo(IntTag{}, bytes));
    }
};

/// One of sixteen levels; registers hold `lanes` of them each.
struct LevelDecoder {
    static constexpr std::size_t tables = 16 / lanes;
    std::array<Vec, tables> levels;

    explicit LevelDecoder(const formats::Levels& table) {
        for (std::size_t t = 0; t < tables; ++t) {
            levels[t] = hn::LoadU(Tag{}, table.level + t * lanes);
        }
    }

    HWY_INLINE Vec operator()(const std::uint8_t* codes) const {
        const Tag d;
        const IntTag i;
        const IntVec code = hn::PromoteTo(i, hn::LoadU(ByteTag{}, codes));
        const auto place =
            hn::IndicesFromVec(d, hn::And(code, hn::Set(i, static_cast<std::int32_t>(lanes) - 1)));
        Vec value = hn::TableLookupLanes(levels[0], place);
        for (std::size_t t = 1; t < tables; ++t) {
            const auto here = hn::RebindMask(
                d, hn::Gt(code, hn::Set(i, static_cast<std::int32_t>(t * lanes) - 1)));
            value = hn::IfThenElse(here, hn::TableLookupLanes(levels[t], place), value);
        }
        return value;
    }
};

/// FP8: the bits of a code put where a float has them, and the difference of biases made up for by
/// multiplying. Codes beyond the largest number keep their mantissa under a float's top exponent,
/// or, where there is no infinity, are NaN.
template <PackedFormat format>
struct SmallFloatDecoder {
    static constexpr formats::FloatFormat f = layout(format).codes->floating;
    static constexpr auto factor = static_cast<float>(formats::power_of_two(127 - f.bias));
    static constexpr std::uint32_t special = f.has_infinity() ? 0x7f800000u : 0x7fc00000u;

    HWY_INLINE Vec operator()(const std::uint8_t* codes) const {
        const Tag d;
        const BitsTag bits;
        const BitsVec code = hn::PromoteTo(bits, hn::LoadU(ByteTag{}, codes));
        const BitsVec magnitude = hn::And(code, hn::Set(bits, f.magnitude_mask()));
        const Vec value = hn::Mul(hn::BitCast(d, hn::ShiftLeft<23 - f.mantissa_bits>(magnitude)),
                                  hn::Set(d, factor));
        const BitsVec beyond = hn::IfThenElseZero(
            hn::Gt(magnitude, hn::Set(bits, f.largest_code())), hn::Set(bits, special));
        const BitsVec sign = hn::ShiftLeft<32 - f.bits()>(hn::Xor(code, magnitude));
        return hn::BitCast(d, hn::Or(hn::BitCast(bits, value), hn::Or(beyond, sign)));
    }
};

/// The decoder of a group; `levels` is that of all groups where codes are looked up.
template <PackedFormat format>
LevelDecoder make_levels() {
    constexpr const formats::NumberFormat& codes = *layout(format).codes;
    if constexpr (codes.bits() == 4 && codes.kind != formats::Kind::integer) {
        static constexpr formats::Levels levels = formats::levels_of(codes);
        return LevelDecoder(levels);
    } else {
        return LevelDecoder(formats::Levels{});
    }
}

template <PackedFormat format>
HWY_INLINE auto make_decoder(const LevelDecoder& levels, std::uint8_t zero_point) {
    constexpr FormatTraits f = traits(format);
    constexpr bool is_integer = layout(format).codes->kind == formats::Kind::integer;
    if constexpr (is_integer && (f.affine || f.nibbles)) {
        return UnsignedDecoder{hn::Set(IntTag{}, f.affine ? zero_point : f.zero)};
    } else if constexpr (is_integer) {
        return SignedDecoder{};
    } else if constexpr (f.nibbles) {
        return levels;
    } else {
        return SmallFloatDecoder<format>{};
    }
}

template <class Decoder>
HWY_INLINE void decode_run(const Decoder& decoder, float scale, const std::uint8_t* codes,
                           std::size_t count, float* values) {
    const Tag d;
    const Vec factor = hn::Set(d, scale);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        hn::StoreU(hn::Mul(decoder(codes + i), factor), d, values + i);
    }
    if (i < count) {
        std::uint8_t last[lanes] = {};
        float decoded[lanes];
        std::memcpy(last, codes + i, count - i);
        hn::StoreU(hn::Mul(decoder(last), factor), d, decoded);
        std::memcpy(values + i, decoded, (count - i) * sizeof(float));
    }
}

/// One row, in pieces that fit the first-level cache as codes and as values. scale(g) and
/// zero_point(g) tell a group's.
template <PackedFormat format, class Scale, class ZeroPoint>
HWY_INLINE void decode_row(const PackedShape& shape, const std::uint8_t* packed,
                           const LevelDecoder& levels, const Scale& scale,
                           const ZeroPoint& zero_point, Writer& writer) {
    constexpr FormatTraits f = traits(format);
    alignas(64) std::array<std::uint8_t, f.nibbles ? Writer::piece : 1> spread;
    const std::size_t group_size = shape.group();
    std::size_t g = 0, group_end = std::min(group_size, shape.columns);
    for (std::size_t begin = 0; begin < shape.columns; begin += Writer::piece) {
        const std::size_t end = std::min(shape.columns, begin + Writer::piece);
        const std::uint8_t* codes = packed + begin;
        if constexpr (f.nibbles) {
            unpack<f.high_first>(packed + begin / 2, spread.data(), end - begin);
            codes = spread.data();
        }
        float* values = writer.next();
        for (std::size_t at = begin; at < end;) {
            const std::size_t run = std::min(end, group_end) - at;
            decode_run(make_decoder<format>(levels, zero_point(g)), scale(g), codes + (at - begin),
                       run, values + (at - begin));
            at += run;
            if (at == group_end) {
                ++g;
                group_end += std::min(group_size, shape.columns - group_end);
            }
        }
        writer.written(end - begin);
    }
}

template <PackedFormat format>
void dequantize_groups(const PackedShape& shape, const ConstPackedView& packed, float* y,
                       std::size_t first, std::size_t rows) {
    constexpr FormatTraits f = traits(format);
    const std::size_t groups = shape.groups(), row_bytes = shape.row_bytes();
    const LevelDecoder levels = make_levels<format>();
    Writer writer(shape, y, first);
    for (std::size_t r = first; r < first + rows; ++r) {
        const auto scale = [&, at = r * groups](std::size_t g) {
            if constexpr (f.e8m0) {
                return scale_of_e8m0(static_cast<const std::uint8_t*>(packed.scales)[at + g]);
            } else {
                return static_cast<const float*>(packed.scales)[at + g];
            }
        };
        const auto zero_point = [&, at = r * groups](std::size_t g) {
            return f.affine ? packed.zero_points[at + g] : std::uint8_t{0};
        };
        decode_row<format>(shape, packed.codes + r * row_bytes, levels, scale, zero_point, writer);
    }
}

template <PackedFormat format>
void dequantize_given(const PackedShape& shape, float scale, const ConstPackedView& packed,
                      float* y, std::size_t first, std::size_t rows) {
    const PackedShape whole_rows = {format, shape.rows, shape.columns, 0};
    const LevelDecoder levels = make_levels<format>();
    Writer writer(shape, y, first);
    for (std::size_t r = first; r < first + rows; ++r) {
        decode_row<format>(
            whole_rows, packed.codes + r * shape.row_bytes(), levels,
            [=](std::size_t) { return scale; }, [](std::size_t) { return std::uint8_t{0}; },
            writer);
    }
}

void dequantize_groups_of(const PackedShape& shape, const ConstPackedView& packed, float* y,
                          std::size_t first, std::size_t rows) {
    with_group_format(shape.format, [&](auto format) {
        dequantize_groups<format()>(shape, packed, y, first, rows);
    });
}

void dequantize_given_of(const PackedShape& shape, float scale, const ConstPackedView& packed,
                         float* y, std::size_t first, std::size_t rows) {
    with_group_format(shape.format, [&](auto format) {
        if constexpr (traits(format()).given_scale_ok) {
            dequantize_given<format()>(shape, scale, packed, y, first, rows);
        }
    });
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {
namespace {

HWY_EXPORT(dequantize_groups_of);
HWY_EXPORT(dequantize_given_of);

}  // namespace

void dequantize_rows(const PackedShape& shape, const ConstPackedView& packed, float* y,
                     std::size_t first, std::size_t count) {
    check_rows(shape, first, count);
    if (is_ggml_block(shape.format)) {
        dequantize_block_rows(shape, packed.codes, y, first, count);
    } else {
        HWY_DYNAMIC_DISPATCH(dequantize_groups_of)(shape, packed, y, first, count);
    }
}

void dequantize_rows_with(const PackedShape& shape, float scale, const ConstPackedView& packed,
                          float* y, std::size_t first, std::size_t count) {
    check_rows(shape, first, count);
    check_given_scale(shape.format);
    HWY_DYNAMIC_DISPATCH(dequantize_given_of)(shape, scale, packed, y, first, count);
}

}  // namespace nibble::kernels
#endif
