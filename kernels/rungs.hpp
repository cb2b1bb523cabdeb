// Between the kernels and the registry: the rungs of a ladder as one machine knows them. Each
// ladder's .cuh defines its function in both namespaces, once for the emulator and once by nvcc,
// and the registry joins the two; so a rung is written, described and launched in one file.
#pragma once

#include <span>

#include "kernels/ladder.hpp"

namespace nibble::kernels {

struct RungRow {
    const char* name;     // as Rung
    const char* teaches;  // as Rung
    const char* kernel;   // the function
    RunLadder run;
};

// Empty for a format that the ladder does not have. Those of `cuda` exist in builds with CUDA only.
#define NIBBLE_DECLARE_ROWS                                               \
    std::span<const RungRow> quantize_int4_group_rows();                  \
    std::span<const RungRow> quantize_int8_row_rows();                    \
    std::span<const RungRow> quantize_group_rows(PackedFormat format);    \
    std::span<const RungRow> quantize_tensor_rows(PackedFormat format);   \
    std::span<const RungRow> quantize_block_rows(PackedFormat format);    \
    std::span<const RungRow> quantize_scales_rows();                      \
    std::span<const RungRow> dequantize_group_rows(PackedFormat format);  \
    std::span<const RungRow> dequantize_tensor_rows(PackedFormat format); \
    std::span<const RungRow> dequantize_block_rows(PackedFormat format);  \
    std::span<const RungRow> dequantize_scales_rows();                    \
    std::span<const RungRow> pack_nibbles_rows();                         \
    std::span<const RungRow> unpack_nibbles_rows();                       \
    std::span<const RungRow> absmax_rows();                               \
    std::span<const RungRow> histogram_rows();                            \
    std::span<const RungRow> squared_error_rows();                        \
    std::span<const RungRow> verify_drafts_rows();                        \
    std::span<const RungRow> attention_rows();                            \
    std::span<const RungRow> paged_attention_rows();
namespace emulated {
NIBBLE_DECLARE_ROWS
}
namespace cuda {
NIBBLE_DECLARE_ROWS
}
#undef NIBBLE_DECLARE_ROWS

}  // namespace nibble::kernels
