// Quantized matrices as they lie in memory: what each packed format stores, where, and the
// functions that write and read it on the processor. The GPU's kernels (the ladders of this folder)
// produce and consume the same bytes.
//
// A matrix has rows of `columns` values, row after row. Rows are cut into groups that share a
// scale; the last group of a row may be shorter. Three arrays hold the result, none with padding
// beyond what is said here:
//
//     codes        (rows, row_bytes)    packed codes; each row starts on a byte of its own
//     scales       (rows, groups)       float, or one E8M0 exponent byte for the MX formats
//     zero_points  (rows, groups)       one byte, for formats with a zero point only
//
// or, for the formats of ggml, one array of blocks with the scale inside.
//
//     int8         code -127 .. 127 as two's complement;  scale = max|x| / 127
//     uint8        code 0 .. 255; value = (code - zero) * scale; scale = (max - min) / 255, the
//                  range widened to include 0; zero = round(-min / scale)
//     int4         code -7 .. 7 stored as code + 8;       scale = max|x| / 7
//     uint4        code 0 .. 15, as uint8 with 15 in place of 255
//     nf4, fp4     the index of a level; scale = max|x| (bitsandbytes)
//     fp8_e4m3     max|x| / 448;  fp8_e5m2  max|x| / 57344
//     mxfp4        E2M1 and one E8M0 scale 2^(floor(log2 max|x|) - emax) for each 32 (OCP MX 1.0);
//     mxfp8_e4m3   the same with E4M3; emax is 2 and 8
//     q4_0, q8_0   ggml's blocks of 32, as in Q4Block and Q8Block
//
// Codes are round(x / scale), halves to even, quotients divided (nf4 and fp4: x * (1 / scale); q4_0
// and q8_0: as ggml does, see the blocks), and no further than the range above; uint8 and uint4 add
// the zero point to the rounded quotient before that. In tables the nearest level wins: level k + 1
// lies above the float (level k + level k + 1) / 2; ties go to the lower level in nf4, to the
// smaller magnitude in fp4, where a negative value keeps its sign bit even at code 8 (-0). FP8 and
// MX codes are sign, exponent and mantissa; values beyond the largest become it, and -0 keeps its
// sign.
//
// A group of zeros has scale 0 (E8M0: 0, the smallest), zero point 0 and codes of zero: 0, in int4
// 8, in nf4 7. So has one so small that its scale, or 1 / scale where that is used, is no finite
// number above 0. A group that holds a NaN or an infinity, or whose range overflows, comes back as
// NaN: its scale is NaN (E8M0: 255), zero point 0, its codes are those of zero, so that the damage
// shows and stays in its group.
//
// Nibbles: the even column of a row in the low half of its byte, the odd one in the high half; nf4
// and fp4 the other way round, as bitsandbytes has it; a last half without a column is 0. In q4_0
// the low halves are columns 0 .. 15 of the block, the high halves 16 .. 31.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/formats/packed_formats.hpp"

namespace nibble::kernels {

/// "int8", "q4_0" ...
constexpr const char* name(PackedFormat format) {
    return layout(format).id;
}

/// Element type of what is quantized. Dequantization always gives float.
enum class InputType : std::uint8_t { f32, f16, bf16 };
const char* name(InputType type);
constexpr std::size_t bytes_of(InputType type) {
    return type == InputType::f32 ? 4 : 2;
}

/// ggml's block_q4_0: value = d * (code - 8). d = x / -8, where x is the first value of largest
/// magnitude, with its sign, in binary16 (to nearest even; infinite beyond 65504); code =
/// min(15, floor(x * (1 / d) + 8.5)), with d before it is rounded to binary16. Zeros have d = -0 as
/// there. 1 / d counts as 0 where it is no finite number.
struct Q4Block {
    std::uint16_t d;
    std::uint8_t codes[16];
};
static_assert(sizeof(Q4Block) == layout(PackedFormat::q4_0).bytes);

/// ggml's block_q8_0: value = d * code. d = max|x| / 127 in binary16; code = round(x * (1 / d)),
/// halves away from zero, with d before it is rounded. 1 / d as above.
struct Q8Block {
    std::uint16_t d;
    std::int8_t codes[32];
};
static_assert(sizeof(Q8Block) == layout(PackedFormat::q8_0).bytes);

/// The shape of a packed matrix. `group_size` 0 means a whole row; mx formats and ggml's blocks
/// have 32 whatever it says.
struct PackedShape {
    PackedFormat format = PackedFormat::int4;
    std::size_t rows = 0, columns = 0, group_size = 0;

    std::size_t group() const;      // values in a full group, at least 1
    std::size_t groups() const;     // in a row
    std::size_t row_bytes() const;  // of codes, or of blocks
    std::size_t code_bytes() const { return rows * row_bytes(); }
    std::size_t scale_bytes() const;       // of the scales array, 0 for ggml's blocks
    std::size_t zero_point_bytes() const;  // of the zero points array, 0 without
    std::size_t bytes() const { return code_bytes() + scale_bytes() + zero_point_bytes(); }
};

/// Where a packed matrix lies. Scales are float or E8M0 bytes, as the format says; arrays are
/// aligned as their elements, ggml's blocks to 2 bytes.
struct PackedView {
    std::uint8_t* codes = nullptr;
    void* scales = nullptr;
    std::uint8_t* zero_points = nullptr;
};
struct ConstPackedView {
    const std::uint8_t* codes = nullptr;
    const void* scales = nullptr;
    const std::uint8_t* zero_points = nullptr;

    ConstPackedView() = default;
    ConstPackedView(const PackedView& v)
        : codes(v.codes), scales(v.scales), zero_points(v.zero_points) {}
};

/// Rows first .. first + count of x are quantized, on the calling thread; nothing is allocated.
/// x: (rows, columns) of `type`. Throws std::invalid_argument for q4_0 and q8_0 unless columns are
/// a multiple of 32, and for rows that are not there.
void quantize_rows(const PackedShape& shape, InputType type, const void* x, const PackedView& out,
                   std::size_t first, std::size_t count);
/// y: (rows, columns) float. Throws as quantize_rows.
void dequantize_rows(const PackedShape& shape, const ConstPackedView& packed, float* y,
                     std::size_t first, std::size_t count);

/// One scale for the whole matrix, given (`quantize_rows` finds one for each group): int8, int4 and
/// FP8 per tensor; std::invalid_argument for the others. out.scales is not written. Infinities
/// saturate; a NaN becomes the NaN of FP8, and 0 in integers, which have none. A scale that is no
/// finite number above 0 gives codes of zero.
void quantize_rows_with(const PackedShape& shape, float scale, InputType type, const void* x,
                        const PackedView& out, std::size_t first, std::size_t count);
/// And back. packed.scales is not read.
void dequantize_rows_with(const PackedShape& shape, float scale, const ConstPackedView& packed,
                          float* y, std::size_t first, std::size_t count);

/// All rows, shared out among oneTBB's threads; the same bytes on any number of them.
void quantize(const PackedShape& shape, InputType type, const void* x, const PackedView& out);
void dequantize(const PackedShape& shape, const ConstPackedView& packed, float* y);

/// codes: (count), each 0 .. 15; packed: ((count + 1) / 2). A last half without a code is 0.
void pack_nibbles(const std::uint8_t* codes, std::uint8_t* packed, std::size_t count,
                  bool high_first);
void unpack_nibbles(const std::uint8_t* packed, std::uint8_t* codes, std::size_t count,
                    bool high_first);

/// Double quantization: the scales themselves in 8 bits each, with one float for every 256 of them
/// and one for all, their mean (QLoRA, arXiv 2305.14314, section 3; bitsandbytes). A code is the
/// index of the level of `dynamic_map` nearest to (scale - mean) / block_scale, ties to the lower
/// level; block_scale = max|scale - mean|. A block of scales that holds a NaN has block scale NaN.
inline constexpr std::size_t scale_block = 256;
/// The 256 levels of bitsandbytes' signed dynamic map, rising from -0.99 to 1: seven decades below
/// 1, each with twice as many levels as the one beneath, so that small differences stay fine.
const std::array<float, 256>& dynamic_map();
/// scales, codes: (count); block_scales: ((count + 255) / 256). Returns the mean.
float quantize_scales(const float* scales, std::size_t count, std::uint8_t* codes,
                      float* block_scales);
/// What is left of one scale; never below 0.
float dequantized_scale(std::uint8_t code, float block_scale, float mean);
void dequantize_scales(const std::uint8_t* codes, const float* block_scales, float mean,
                       std::size_t count, float* scales);

}  // namespace nibble::kernels
