// Every packed format that the program knows, each in one row: how weights lie, how many share a
// block and its scale, and what the scale follows from. SIMD code, CUDA kernels, readers of files
// and labs ask here.
//
// To add one, add its row. To read it from files it needs a codec in sim/tensor/block_codecs.hpp;
// to be quantized, Packing::arrays or ::blocks and codecs in kernels/quantize.
//
// Sources: OCP MX 1.0; QLoRA, arXiv 2305.14314; NVIDIA, "Introducing NVFP4", 2025;
// github.com/ggml-org/ggml, include/ggml.h (enum ggml_type) and src/ggml-common.h (blocks).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "kernels/formats/number_formats.hpp"

namespace nibble::kernels {

/// What a scale follows from.
enum class ScaleRule : std::uint8_t {
    largest,         // max|x| / the largest code
    range,           // (max - min) / the largest code, with a zero point or a minimum
    power_of_two,    // 2^(floor(log2 max|x|) - the exponent of the element's largest power of two)
    signed_largest,  // x / the lowest code, for the x of largest magnitude
    two_levels,      // codes of their own, under one scale for the block
};

/// How this program's kernels lay it in memory.
enum class Packing : std::uint8_t {
    none,    // they do not quantize it
    arrays,  // codes, scales and zero points in an array each
    blocks,  // the blocks that files have
};

// X(id, label, codes, scale, rule, elements, bytes, per_scale, offset, minimum, high_first,
//   packing, ggml), the fields of PackedLayout below.
// clang-format off
/// Groups of as many values as the caller says.
#define NIBBLE_GROUP_FORMATS(X)                                                                               \
    X(int8,       "INT8",       "int8",     "fp32",     largest,          0,   0,  0,  0,  0, 0, arrays,  -1) \
    X(uint8,      "UINT8",      "uint8",    "fp32",     range,            0,   0,  0,  0,  0, 0, arrays,  -1) \
    X(int4,       "INT4",       "int4",     "fp32",     largest,          0,   0,  0,  8,  0, 0, arrays,  -1) \
    X(uint4,      "UINT4",      "uint4",    "fp32",     range,            0,   0,  0,  0,  0, 0, arrays,  -1) \
    X(nf4,        "NF4",        "nf4",      "fp32",     largest,          0,   0,  0,  0,  0, 1, arrays,  -1) \
    X(fp4,        "FP4",        "fp4_bnb",  "fp32",     largest,          0,   0,  0,  0,  0, 1, arrays,  -1) \
    X(fp8_e4m3,   "FP8 E4M3",   "fp8_e4m3", "fp32",     largest,          0,   0,  0,  0,  0, 0, arrays,  -1) \
    X(fp8_e5m2,   "FP8 E5M2",   "fp8_e5m2", "fp32",     largest,          0,   0,  0,  0,  0, 0, arrays,  -1)
/// Blocks of one size. Numbers of ggml that are absent (4, 5, 31 to 33, 36 to 38) were withdrawn.
#define NIBBLE_BLOCK_FORMATS(X)                                                                               \
    X(mxfp8_e4m3, "MXFP8 E4M3", "fp8_e4m3", "e8m0",     power_of_two,    32,  33,  0,  0,  0, 0, arrays,  -1) \
    X(mxfp8_e5m2, "MXFP8 E5M2", "fp8_e5m2", "e8m0",     power_of_two,    32,  33,  0,  0,  0, 0, none,    -1) \
    X(mxfp6_e2m3, "MXFP6 E2M3", "fp6_e2m3", "e8m0",     power_of_two,    32,  25,  0,  0,  0, 0, none,    -1) \
    X(mxfp6_e3m2, "MXFP6 E3M2", "fp6_e3m2", "e8m0",     power_of_two,    32,  25,  0,  0,  0, 0, none,    -1) \
    X(mxfp4,      "MXFP4",      "fp4_e2m1", "e8m0",     power_of_two,    32,  17,  0,  0,  0, 0, arrays,  39) \
    X(nvfp4,      "NVFP4",      "fp4_e2m1", "fp8_e4m3", largest,         64,  36, 16,  0,  0, 0, none,    40) \
    X(q4_0,       "Q4_0",       "int4",     "fp16",     signed_largest,  32,  18,  0,  8,  0, 0, blocks,   2) \
    X(q4_1,       "Q4_1",       "uint4",    "fp16",     range,           32,  20,  0,  0,  1, 0, none,     3) \
    X(q5_0,       "Q5_0",       "int5",     "fp16",     signed_largest,  32,  22,  0, 16,  0, 0, none,     6) \
    X(q5_1,       "Q5_1",       "uint5",    "fp16",     range,           32,  24,  0,  0,  1, 0, none,     7) \
    X(q8_0,       "Q8_0",       "int8",     "fp16",     largest,         32,  34,  0,  0,  0, 0, blocks,   8) \
    X(q8_1,       "Q8_1",       "int8",     "fp16",     largest,         32,  36,  0,  0,  0, 0, none,     9) \
    X(q2_k,       "Q2_K",       "uint2",    "fp16",     two_levels,     256,  84, 16,  0,  1, 0, none,    10) \
    X(q3_k,       "Q3_K",       "int3",     "fp16",     two_levels,     256, 110, 16,  4,  0, 0, none,    11) \
    X(q4_k,       "Q4_K",       "uint4",    "fp16",     two_levels,     256, 144, 32,  0,  1, 0, none,    12) \
    X(q5_k,       "Q5_K",       "uint5",    "fp16",     two_levels,     256, 176, 32,  0,  1, 0, none,    13) \
    X(q6_k,       "Q6_K",       "int6",     "fp16",     two_levels,     256, 210, 16, 32,  0, 0, none,    14) \
    X(q8_k,       "Q8_K",       "int8",     "fp32",     largest,        256, 292,  0,  0,  0, 0, none,    15) \
    X(iq2_xxs,    "IQ2_XXS",    "",         "fp16",     two_levels,     256,  66, 32,  0,  0, 0, none,    16) \
    X(iq2_xs,     "IQ2_XS",     "",         "fp16",     two_levels,     256,  74, 16,  0,  0, 0, none,    17) \
    X(iq3_xxs,    "IQ3_XXS",    "",         "fp16",     two_levels,     256,  98, 32,  0,  0, 0, none,    18) \
    X(iq1_s,      "IQ1_S",      "",         "fp16",     two_levels,     256,  50, 32,  0,  0, 0, none,    19) \
    X(iq4_nl,     "IQ4_NL",     "",         "fp16",     largest,         32,  18,  0,  0,  0, 0, none,    20) \
    X(iq3_s,      "IQ3_S",      "",         "fp16",     two_levels,     256, 110, 32,  0,  0, 0, none,    21) \
    X(iq2_s,      "IQ2_S",      "",         "fp16",     two_levels,     256,  82, 16,  0,  0, 0, none,    22) \
    X(iq4_xs,     "IQ4_XS",     "",         "fp16",     two_levels,     256, 136, 32,  0,  0, 0, none,    23) \
    X(iq1_m,      "IQ1_M",      "",         "fp16",     two_levels,     256,  56, 16,  0,  0, 0, none,    29) \
    X(tq1_0,      "TQ1_0",      "",         "fp16",     largest,        256,  54,  0,  0,  0, 0, none,    34) \
    X(tq2_0,      "TQ2_0",      "",         "fp16",     largest,        256,  66,  0,  0,  0, 0, none,    35) \
    X(q1_0,       "Q1_0",       "",         "fp16",     largest,        128,  18,  0,  0,  0, 0, none,    41) \
    X(q2_0,       "Q2_0",       "",         "fp16",     largest,         64,  18,  0,  0,  0, 0, none,    42)
// clang-format on

enum class PackedFormat : std::uint8_t {
#define NIBBLE_FORMAT_ID(id, ...) id,
    NIBBLE_GROUP_FORMATS(NIBBLE_FORMAT_ID) NIBBLE_BLOCK_FORMATS(NIBBLE_FORMAT_ID)
#undef NIBBLE_FORMAT_ID
};

struct PackedLayout {
    PackedFormat format;
    const char* id;
    std::string_view label;              // as ggml spells it, where ggml has it
    const formats::NumberFormat* codes;  // null: levels that only its codec knows
    const formats::NumberFormat* scale;
    ScaleRule rule;
    int elements;      // of a block; 0: as many as the caller says
    int bytes;         // of a block, scales and all
    int per_scale;     // elements under one scale; 0: all of the block
    int offset;        // added to a code before it is stored
    bool has_minimum;  // added to what codes stand for
    bool high_first;   // the even column in the high half of a byte
    Packing packing;
    int ggml_type;  // its number in GGUF files, or -1

    /// Of blocks, everything counted.
    constexpr double bits_per_weight() const { return 8.0 * bytes / elements; }
    constexpr int elements_per_scale() const { return per_scale > 0 ? per_scale : elements; }
    /// Whether one scale for a whole tensor is of use; a table's scale belongs to its block.
    constexpr bool takes_tensor_scale() const {
        return elements == 0 && rule == ScaleRule::largest &&
               codes->kind != formats::Kind::codebook;
    }
    /// The code of 0, as it is stored.
    constexpr int zero_code() const {
        int code = offset;
        while (codes->kind == formats::Kind::codebook && codes->levels->level[code] != 0) {
            ++code;
        }
        return code;
    }
    /// scale = what the rule looks at / span().
    constexpr double span() const {
        return rule == ScaleRule::power_of_two
                   ? formats::power_of_two(codes->floating.largest_exponent())
                   : codes->largest();
    }
};

inline constexpr PackedLayout packed_layouts[] = {
#define NIBBLE_FORMAT_ROW(id, label, codes, scale, rule, elements, bytes, per_scale, offset, \
                          minimum, high_first, packing, ggml)                                \
    {PackedFormat::id,                                                                       \
     #id,                                                                                    \
     label,                                                                                  \
     std::string_view(codes).empty() ? nullptr : &formats::number_format(codes),             \
     &formats::number_format(scale),                                                         \
     ScaleRule::rule,                                                                        \
     elements,                                                                               \
     bytes,                                                                                  \
     per_scale,                                                                              \
     offset,                                                                                 \
     minimum != 0,                                                                           \
     high_first != 0,                                                                        \
     Packing::packing,                                                                       \
     ggml},
    NIBBLE_GROUP_FORMATS(NIBBLE_FORMAT_ROW) NIBBLE_BLOCK_FORMATS(NIBBLE_FORMAT_ROW)
#undef NIBBLE_FORMAT_ROW
};

constexpr const PackedLayout& layout(PackedFormat format) {
    return packed_layouts[static_cast<std::size_t>(format)];
}

/// The formats that the kernels quantize.
inline constexpr auto all_packed_formats = [] {
    constexpr auto is_packed = [](const PackedLayout& row) { return row.packing != Packing::none; };
    std::array<PackedFormat,
               std::count_if(std::begin(packed_layouts), std::end(packed_layouts), is_packed)>
        formats = {};
    std::size_t count = 0;
    for (const PackedLayout& row : packed_layouts) {
        if (is_packed(row)) {
            formats[count++] = row.format;
        }
    }
    return formats;
}();

}  // namespace nibble::kernels
