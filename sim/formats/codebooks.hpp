// Four-bit codebooks: sixteen levels looked up by code, to be multiplied by the block's scale.
//
// NF4 (Dettmers et al., QLoRA, arXiv 2305.14314, appendix E) puts its levels at quantiles of the
// normal distribution; FP4 is the other four-bit type of bitsandbytes, a tiny float divided by its
// largest value. Both span [-1, 1]; the scale is the absmax of the block.
#pragma once

#include <array>

namespace nibble {

/// NF4 as published and shipped (QLoRA appendix E; the same digits in bitsandbytes' dequantizeNF4),
/// rising: code 0 is -1, code 7 is exactly 0, code 15 is 1.
const std::array<float, 16>& nf4_levels();

/// The tail that NF4 leaves out: the mean of 1 - 1/(2 * 16) and 1 - 1/(2 * 15), to the seven digits
/// that bitsandbytes' create_normal_map uses.
inline constexpr double nf4_offset = 0.9677083;

/// NF4 from its definition: eight positive quantiles (equal steps of probability from `offset`
/// towards 1/2), seven negative ones (the same with one step fewer), zero, all divided by the
/// largest. Rising. Needs 1/2 < offset < 1.
std::array<double, 16> derive_nf4(double offset = nf4_offset);

/// bitsandbytes FP4 in the order of its codes, sign in the top bit (dDequantizeFP4Tree): magnitudes
/// 0, 1/192, 2/3, 1, 1/3, 1/2, 1/6, 1/4 for codes 0 to 7, the same below zero for 8 to 15. Code 8
/// is -0, so there are fifteen distinct values. Magnitudes in rising order are the codes
/// 0, 1, 6, 7, 4, 5, 2, 3.
const std::array<float, 16>& fp4_levels();

}  // namespace nibble
