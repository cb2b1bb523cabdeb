// Where NF4's levels come from.
//
// NF4 (Dettmers et al., QLoRA, arXiv 2305.14314, appendix E) puts its levels at quantiles of the
// normal distribution; formats::nf4_levels has them as published.
#pragma once

#include <array>

namespace nibble {

/// The tail that NF4 leaves out: the mean of 1 - 1/(2 * 16) and 1 - 1/(2 * 15), to the seven digits
/// that bitsandbytes' create_normal_map uses.
inline constexpr double nf4_offset = 0.9677083;

/// NF4 from its definition: eight positive quantiles (equal steps of probability from `offset`
/// towards 1/2), seven negative ones (the same with one step fewer), zero, all divided by the
/// largest. Rising. Needs 1/2 < offset < 1.
std::array<double, 16> derive_nf4(double offset = nf4_offset);

}  // namespace nibble
