// ggml's blocks of 32 with Highway, compiled once for each instruction set. A block stays in
// registers from its range to its codes; rows of whole blocks follow each other without a gap, so
// many rows are one run of blocks.
#include <algorithm>
#include <array>

#include "kernels/quantize/packed_format.hpp"

// Registers of unknown width cannot be members of the structs below; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize/packed_blocks_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/quantize/packed-inl.hpp"
#include "kernels/quantize/packed_writer-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

constexpr std::size_t parts = packed_block / lanes;  // registers of values a block
using Block = std::array<Vec, parts>;

/// The bits of max|x|.
HWY_INLINE std::uint32_t largest_bits(const Block& x) {
    const IntTag i;
    IntVec largest = magnitude_bits(x[0]);
    for (std::size_t p = 1; p < parts; ++p) {
        largest = hn::Max(largest, magnitude_bits(x[p]));
    }
    return static_cast<std::uint32_t>(hn::GetLane(hn::MaxOfLanes(i, largest)));
}

HWY_INLINE bool holds(const Block& x, float value) {
    const Vec wanted = hn::Set(Tag{}, value);
    auto found = hn::Eq(x[0], wanted);
    for (std::size_t p = 1; p < parts; ++p) {
        found = hn::Or(found, hn::Eq(x[p], wanted));
    }
    return !hn::AllFalse(Tag{}, found);
}

/// The first value whose magnitude is `largest`; +0 of zeros.
HWY_INLINE float first_of_magnitude(const Block& x, float largest) {
    const bool negative = holds(x, -largest), positive = holds(x, largest);
    if (!(negative && positive)) {
        // No branch on the sign, which nobody can predict.
        const std::uint32_t sign = std::uint32_t{negative} << 31;
        return std::bit_cast<float>(std::bit_cast<std::uint32_t>(largest) | sign);
    }
    const Tag d;
    const Vec wanted = hn::Set(d, largest);
    for (const Vec& part : x) {
        const auto at = hn::FindFirstTrue(d, hn::Eq(hn::Abs(part), wanted));
        if (at >= 0 && largest > 0) {
            return hn::ExtractLane(part, static_cast<std::size_t>(at));
        }
    }
    return 0;
}

HWY_INLINE void quantize_block(const Block& x, Q4Block& out) {
    const Tag d;
    const std::uint32_t largest = largest_bits(x);
    if (largest >= 0x7f800000u) {
        out.d = 0x7e00;
        std::memset(out.codes, 0x88, sizeof(out.codes));
        return;
    }
    const float scale = first_of_magnitude(x, std::bit_cast<float>(largest)) / -8;
    out.d = formats::float_to_f16(scale);
    const Vec inverse = hn::Set(d, reciprocal_or_zero(scale)), half = hn::Set(d, 8.5F);
    const auto code = [&](std::size_t p) {
        const Vec steps = hn::Add(hn::Mul(x[p], inverse), half);
        return rounded_bits(hn::Min(hn::Floor(steps), hn::Set(d, 15)));
    };
    for (std::size_t p = 0; p < parts / 2; ++p) {
        const IntVec both = hn::Or(code(p), hn::ShiftLeft<4>(code(p + parts / 2)));
        hn::StoreU(hn::TruncateTo(ByteTag{}, hn::BitCast(BitsTag{}, both)), ByteTag{},
                   out.codes + p * lanes);
    }
}

HWY_INLINE void quantize_block(const Block& x, Q8Block& out) {
    const Tag d;
    const std::uint32_t largest = largest_bits(x);
    if (largest >= 0x7f800000u) {
        out.d = 0x7e00;
        std::memset(out.codes, 0, sizeof(out.codes));
        return;
    }
    const float scale = std::bit_cast<float>(largest) / 127;
    out.d = formats::float_to_f16(scale);
    const Vec inverse = hn::Set(d, reciprocal_or_zero(scale));
    // The float below a half: with it no sum reaches a whole number that the halves do not.
    const Vec under_half = hn::Set(d, 0x1.fffffep-2F);
    for (std::size_t p = 0; p < parts; ++p) {
        const Vec quotient = hn::Mul(x[p], inverse);
        const Vec away = hn::Add(quotient, hn::CopySign(under_half, quotient));
        const IntVec code = rounded_bits(hn::Trunc(away));
        hn::StoreU(hn::TruncateTo(ByteTag{}, hn::BitCast(BitsTag{}, code)), ByteTag{},
                   reinterpret_cast<std::uint8_t*>(out.codes) + p * lanes);
    }
}

template <class Stored, InputType type>
void quantize_blocks(const void* x, std::uint8_t* blocks, std::size_t first, std::size_t count) {
    const Input<type> in(x, first * packed_block);
    std::uint8_t* to = blocks + first * sizeof(Stored);
    for (std::size_t b = 0; b < count; ++b, to += sizeof(Stored)) {
        in.prefetch(b * packed_block, packed_block);
        Block values;
        for (std::size_t p = 0; p < parts; ++p) {
            values[p] = in.load(b * packed_block + p * lanes);
        }
        quantize_block(values, *reinterpret_cast<Stored*>(to));
    }
}

HWY_INLINE void dequantize_block(const Q4Block& block, float* values) {
    const Tag d;
    const IntTag i;
    const Vec scale = hn::Set(d, formats::to_float<formats::fp16>(block.d));
    const IntVec eight = hn::Set(i, 8), low_half = hn::Set(i, 15);
    const auto value = [&](IntVec code) {
        return hn::Mul(hn::ConvertTo(d, hn::Sub(code, eight)), scale);
    };
    for (std::size_t p = 0; p < parts / 2; ++p) {
        const IntVec both = hn::PromoteTo(i, hn::LoadU(ByteTag{}, block.codes + p * lanes));
        hn::StoreU(value(hn::And(both, low_half)), d, values + p * lanes);
        hn::StoreU(value(hn::ShiftRight<4>(both)), d, values + 16 + p * lanes);
    }
}

HWY_INLINE void dequantize_block(const Q8Block& block, float* values) {
    const Tag d;
    const Vec scale = hn::Set(d, formats::to_float<formats::fp16>(block.d));
    for (std::size_t p = 0; p < parts; ++p) {
        const auto codes = hn::LoadU(SignedByteTag{}, block.codes + p * lanes);
        const Vec code = hn::ConvertTo(d, hn::PromoteTo(IntTag{}, codes));
        hn::StoreU(hn::Mul(code, scale), d, values + p * lanes);
    }
}

template <class Stored>
void dequantize_blocks(const std::uint8_t* blocks, std::size_t count, Writer& writer) {
    constexpr std::size_t at_once = Writer::piece / packed_block;
    for (std::size_t b = 0; b < count; b += at_once) {
        const std::size_t n = std::min(at_once, count - b);
        float* values = writer.next();
        for (std::size_t k = 0; k < n; ++k) {
            dequantize_block(*reinterpret_cast<const Stored*>(blocks + (b + k) * sizeof(Stored)),
                             values + k * packed_block);
        }
        writer.written(n * packed_block);
    }
}

/// Blocks first .. first + count of all.
void quantize_blocks_of(PackedFormat format, InputType type, const void* x, std::uint8_t* blocks,
                        std::size_t first, std::size_t count) {
    with_type(type, [&](auto t) {
        if (format == PackedFormat::q4_0) {
            quantize_blocks<Q4Block, t()>(x, blocks, first, count);
        } else {
            quantize_blocks<Q8Block, t()>(x, blocks, first, count);
        }
    });
}

void dequantize_blocks_of(const PackedShape& shape, const std::uint8_t* blocks, float* y,
                          std::size_t first_row, std::size_t rows) {
    Writer writer(shape, y, first_row);
    const std::uint8_t* from = blocks + first_row * shape.row_bytes();
    const std::size_t count = rows * shape.groups();
    if (shape.format == PackedFormat::q4_0) {
        dequantize_blocks<Q4Block>(from, count, writer);
    } else {
        dequantize_blocks<Q8Block>(from, count, writer);
    }
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {
namespace {

HWY_EXPORT(quantize_blocks_of);
HWY_EXPORT(dequantize_blocks_of);

}  // namespace

void quantize_block_rows(const PackedShape& shape, InputType type, const void* x,
                         std::uint8_t* blocks, std::size_t first, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(quantize_blocks_of)
    (shape.format, type, x, blocks, first * shape.groups(), count * shape.groups());
}

void dequantize_block_rows(const PackedShape& shape, const std::uint8_t* blocks, float* y,
                           std::size_t first, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(dequantize_blocks_of)(shape, blocks, y, first, count);
}

}  // namespace nibble::kernels
#endif
