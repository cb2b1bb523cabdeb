// A codebook made ready for rounding: the levels, and between each two of them the value from which
// on the upper one is nearer. The processor and the GPU's kernels round with the same numbers.
// Plain arrays, because it is handed to a kernel by value.
#pragma once

#include <cmath>

#include "kernels/quantize/ops.hpp"

namespace nibble::kernels {

struct LevelTable {
    unsigned count = 0;
    float level[16] = {};
    float middle[15] = {};  // beyond it, level k + 1 is nearer than level k

    explicit LevelTable(const Codebook& book) : count(static_cast<unsigned>(book.levels.size())) {
        for (unsigned k = 0; k < count; ++k) {
            level[k] = book.levels[k];
        }
        for (unsigned k = 0; k + 1 < count; ++k) {
            middle[k] = (level[k] + level[k + 1]) / 2;
            if (book.ties_to_zero && middle[k] < 0) {
                middle[k] = std::nextafter(middle[k], -2.0F);  // so that the middle is above it
            }
        }
    }
};

}  // namespace nibble::kernels
