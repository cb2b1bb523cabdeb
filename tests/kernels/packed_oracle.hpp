// What packed.hpp promises, computed the plain way: one value at a time, in double, rounded to
// float exactly where the format says so. A quotient or product of two floats, formed in double and
// then rounded to float, is the correctly rounded one (Figueroa, "When is double rounding
// innocuous?", 1995), so these are the bytes themselves and not an approximation of them.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/quantize/packed.hpp"

namespace nibble::kernels::test {

struct Packed {
    std::vector<std::uint8_t> codes;        // (rows, row_bytes)
    std::vector<std::uint8_t> scales;       // (rows, groups): bytes of floats, or E8M0
    std::vector<std::uint8_t> zero_points;  // (rows, groups) or empty
};

/// x: (rows, columns), already rounded to the input type.
Packed oracle_quantize(const PackedShape& shape, const std::vector<float>& x);

/// x as it comes back from `type`.
std::vector<float> rounded_to(InputType type, std::vector<float> x);

}  // namespace nibble::kernels::test
