// Quantization of groups with Highway, compiled once for each instruction set. A group is read
// twice: for its range, and, out of the first-level cache by then, for its codes.
//
// A rounder (rounders-inl.hpp) turns one register of values into codes. Codes of four bits gather
// as bytes in a small buffer and are packed from there, so that groups may begin and end anywhere
// in a byte.
#include <algorithm>
#include <array>

#include "kernels/quantize/packed_format.hpp"

// Registers of unknown width cannot be members of the structs below; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize/packed_quantize_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/quantize/nibbles-inl.hpp"
#include "kernels/quantize/packed-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

/// Any of them, for values that may be NaN.
template <class Rounder>
struct OrNan {
    Rounder rounder;
    IntVec nan;

    HWY_INLINE Rounded operator()(Vec x) const {
        const Rounded r = rounder(x);
        return {hn::IfThenElse(hn::RebindMask(IntTag{}, hn::IsNaN(x)), nan, r.code), r.value};
    }
};

/// What is the same for all groups: makes the rounder of each.
template <PackedFormat format>
struct RounderMaker {
    auto operator()(const GroupScale& s) const {
        constexpr FormatTraits f = traits(format);
        if constexpr (layout(format).codes->kind == formats::Kind::integer) {
            return integer_rounder(s.scale, f.affine ? 0 : -f.steps, f.steps, s.zero_point,
                                   layout(format).offset);
        } else {
            return SmallFloatRounder(layout(format).codes->floating, s.scale);
        }
    }
};

template <PackedFormat format>
requires(traits(format).reciprocal) struct RounderMaker<format> {
    static constexpr const formats::NumberFormat& codes = *layout(format).codes;
    static constexpr unsigned levels = codes.is_signed ? 8 : 16;
    LevelTable table{*codes.levels, levels};

    auto operator()(const GroupScale& s) const {
        return LevelRounder<codes.is_signed, levels>{table, hn::Set(Tag{}, 1 / s.scale)};
    }
};

template <class Rounder, class In>
HWY_INLINE void round_run(const Rounder& rounder, const In& in, std::size_t first,
                          std::size_t count, std::uint8_t* codes) {
    const ByteTag bytes;
    const auto rounded = [&](Vec x) {
        return hn::TruncateTo(bytes, hn::BitCast(BitsTag{}, rounder(x).code));
    };
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        hn::StoreU(rounded(in.load(first + i)), bytes, codes + i);
    }
    if (i < count) {
        alignas(16) std::uint8_t last[lanes];
        hn::Store(rounded(in.load_last(first + i, count - i)), bytes, last);
        std::memcpy(codes + i, last, count - i);
    }
}

/// Where the codes of a row go, in order: straight to memory, or packed in pairs.
template <PackedFormat format>
class CodeWriter {
public:
    explicit CodeWriter(std::uint8_t* row) : row_(row) {}

    /// Calls write(offset, count, codes) for pieces of the next `count` codes.
    template <class Write>
    HWY_INLINE void next(std::size_t count, const Write& write) {
        if constexpr (!f.nibbles) {
            write(0, count, row_);
            row_ += count;
        } else {
            for (std::size_t done = 0; done < count;) {
                const std::size_t piece = std::min(count - done, buffer_.size() - filled_);
                write(done, piece, buffer_.data() + filled_);
                filled_ += piece;
                done += piece;
                if (filled_ == buffer_.size()) {
                    flush();
                }
            }
        }
    }

    void end_row() { flush(); }

private:
    static constexpr FormatTraits f = traits(format);

    void flush() {
        if constexpr (f.nibbles) {
            pack<f.high_first>(buffer_.data(), row_, filled_);
            row_ += filled_ / 2;
            filled_ = 0;
        }
    }

    std::uint8_t* row_;
    alignas(64) std::array<std::uint8_t, f.nibbles ? 1024 : 1> buffer_;
    std::size_t filled_ = 0;
};

template <bool affine, class In>
HWY_INLINE GroupRange find_range(const In& in, std::size_t first, std::size_t count) {
    const Tag d;
    const IntTag i;
    // Two of each, so that one need not wait for the other.
    IntVec largest0 = hn::Zero(i), largest1 = largest0;
    Vec low = hn::Zero(d), high = low;
    const auto add = [&](Vec x, IntVec& largest) {
        largest = hn::Max(largest, magnitude_bits(x));
        if constexpr (affine) {
            low = hn::Min(low, x);
            high = hn::Max(high, x);
        }
    };
    std::size_t at = 0;
    for (; at + 2 * lanes <= count; at += 2 * lanes) {
        in.prefetch(first + at, 2 * lanes);
        add(in.load(first + at), largest0);
        add(in.load(first + at + lanes), largest1);
    }
    if (at + lanes <= count) {
        add(in.load(first + at), largest0);
        at += lanes;
    }
    if (at < count) {
        add(in.load_last(first + at, count - at), largest1);
    }
    GroupRange range;
    range.largest =
        static_cast<std::uint32_t>(hn::GetLane(hn::MaxOfLanes(i, hn::Max(largest0, largest1))));
    if constexpr (affine) {
        range.low = hn::GetLane(hn::MinOfLanes(d, low));
        range.high = hn::GetLane(hn::MaxOfLanes(d, high));
    }
    return range;
}

template <PackedFormat format, InputType type>
void quantize_groups(const PackedShape& shape, const void* x, const PackedView& out,
                     std::size_t first, std::size_t rows) {
    constexpr FormatTraits f = traits(format);
    const RounderMaker<format> make_rounder;
    const std::size_t group_size = shape.group(), groups = shape.groups();
    for (std::size_t r = first; r < first + rows; ++r) {
        const Input<type> in(x, r * shape.columns);
        CodeWriter<format> writer(out.codes + r * shape.row_bytes());
        for (std::size_t g = 0; g < groups; ++g) {
            const std::size_t begin = g * group_size;
            const std::size_t count = std::min(group_size, shape.columns - begin);
            const GroupScale s = group_scale<format>(find_range<f.affine>(in, begin, count));
            const std::size_t at = r * groups + g;
            if constexpr (f.e8m0) {
                static_cast<std::uint8_t*>(out.scales)[at] = s.e8m0;
            } else {
                static_cast<float*>(out.scales)[at] = s.scale;
            }
            if constexpr (f.affine) {
                out.zero_points[at] = s.zero_point;
            }
            if (s.divides()) {
                const auto rounder = make_rounder(s);
                writer.next(count, [&](std::size_t offset, std::size_t n, std::uint8_t* codes) {
                    round_run(rounder, in, begin + offset, n, codes);
                });
            } else {
                writer.next(count, [&](std::size_t, std::size_t n, std::uint8_t* codes) {
                    std::memset(codes, f.zero, n);
                });
            }
        }
        writer.end_row();
    }
}

template <PackedFormat format, InputType type>
void quantize_given(const PackedShape& shape, float scale, const void* x, const PackedView& out,
                    std::size_t first, std::size_t rows) {
    constexpr FormatTraits f = traits(format);
    const auto of_numbers = RounderMaker<format>()({scale});
    const OrNan<decltype(of_numbers)> rounder{of_numbers, hn::Set(IntTag{}, f.nan)};
    const bool divides = scale > 0 && scale <= std::numeric_limits<float>::max();
    for (std::size_t r = first; r < first + rows; ++r) {
        const Input<type> in(x, r * shape.columns);
        CodeWriter<format> writer(out.codes + r * shape.row_bytes());
        writer.next(shape.columns, [&](std::size_t offset, std::size_t n, std::uint8_t* codes) {
            if (divides) {
                round_run(rounder, in, offset, n, codes);
            } else {
                std::memset(codes, f.zero, n);
            }
        });
        writer.end_row();
    }
}

void quantize_groups_of(const PackedShape& shape, InputType type, const void* x,
                        const PackedView& out, std::size_t first, std::size_t rows) {
    with_type(type, [&](auto t) {
        with_group_format(shape.format, [&](auto format) {
            quantize_groups<format(), t()>(shape, x, out, first, rows);
        });
    });
}

void quantize_given_of(const PackedShape& shape, float scale, InputType type, const void* x,
                       const PackedView& out, std::size_t first, std::size_t rows) {
    with_type(type, [&](auto t) {
        with_group_format(shape.format, [&](auto format) {
            if constexpr (traits(format()).given_scale_ok) {
                quantize_given<format(), t()>(shape, scale, x, out, first, rows);
            }
        });
    });
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {
namespace {

HWY_EXPORT(quantize_groups_of);
HWY_EXPORT(quantize_given_of);

}  // namespace

void quantize_rows(const PackedShape& shape, InputType type, const void* x, const PackedView& out,
                   std::size_t first, std::size_t count) {
    check_rows(shape, first, count);
    if (is_ggml_block(shape.format)) {
        quantize_block_rows(shape, type, x, out.codes, first, count);
    } else {
        HWY_DYNAMIC_DISPATCH(quantize_groups_of)(shape, type, x, out, first, count);
    }
}

void quantize_rows_with(const PackedShape& shape, float scale, InputType type, const void* x,
                        const PackedView& out, std::size_t first, std::size_t count) {
    check_rows(shape, first, count);
    check_given_scale(shape.format);
    HWY_DYNAMIC_DISPATCH(quantize_given_of)(shape, scale, type, x, out, first, count);
}

}  // namespace nibble::kernels
#endif
