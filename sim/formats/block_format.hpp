// Block formats: small floats that share a scale.
//
// MX (OCP Microscaling Formats Specification 1.0, section 6.3): 32 elements and one E8M0 scale
//     X = 2^(floor(log2(max|v|)) - emax),    element = round(v / X), saturating,
// where emax is the exponent of the element's largest power of two. Elements just below the next
// power of two can therefore saturate: with E2M1, 7.9 becomes 6.
//
// NVFP4 (NVIDIA, "Introducing NVFP4 for efficient and accurate low-precision inference", 2025): 16
// elements of E2M1 and one E4M3 scale, round(max|v| / 6); optionally under one FP32 scale for the
// whole tensor, max|v| / (6 * 448), which keeps the block scales out of E4M3's subnormals.
//
// Left out: MXINT8, and the six-bit packing of MXFP6 in memory (storage is counted, not laid out).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/formats/number_format.hpp"

namespace nibble {

struct BlockFormat {
    std::string id, name;  // "mxfp4", "MXFP4"
    const NumberFormat* element = nullptr;
    const NumberFormat* scale = nullptr;  // of the scale shared by a block
    int block_size = 32;
    bool scale_is_power_of_two = true;  // MX; otherwise the absmax goes to the element's largest

    /// Bits of one block: the elements and their scale.
    int block_bits() const { return block_size * element->bits() + scale->bits(); }
    double bits_per_value() const { return static_cast<double>(block_bits()) / block_size; }
};

/// A coded block. `scale` is what an element is multiplied by: the decoded scale code times the
/// tensor's own scale.
struct CodedBlock {
    std::uint32_t scale_code = 0;
    double scale = 0;
    std::vector<std::uint32_t> codes;
};

/// The scale, and its code, of a block whose largest magnitude is `absmax`, under a tensor-wide
/// scale. NaN when absmax is not finite, where the scale format has a NaN for it.
CodedBlock block_scale(const BlockFormat& format, double absmax, double tensor_scale = 1);

/// Scales and codes the values of one block (any number of them: a tensor's last may be short).
CodedBlock encode_block(const BlockFormat& format, std::span<const float> values,
                        double tensor_scale = 1);
/// The values of a coded block.
std::vector<double> decode_block(const BlockFormat& format, const CodedBlock& block);

/// NVFP4's scale of a tensor, rounded to FP32: the largest block scale becomes E4M3's largest.
/// 1 for an all-zero tensor and for the MX formats, which have none.
double tensor_scale(const BlockFormat& format, double absmax);

/// MXFP8 E4M3 and E5M2, MXFP6 E2M3 and E3M2, MXFP4, NVFP4.
const std::vector<BlockFormat>& block_format_list();

}  // namespace nibble
