// A codebook made ready for rounding: the levels, and between each two of them the value from which
// on the upper one is nearer. The processor and the GPU's kernels round with the same numbers.
// Plain arrays, because it is handed to a kernel by value.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/quantize/ops.hpp"

namespace nibble::kernels {

struct LevelTable {
    unsigned count = 0;
    float level[16] = {};   // rising
    float middle[15] = {};  // beyond it, level k + 1 is nearer than level k
    int step[15] = {};      // exclusive or of the codes of levels k and k + 1

    /// Codes are indices of rising levels.
    explicit LevelTable(const Codebook& book) : count(static_cast<unsigned>(book.levels.size())) {
        for (unsigned k = 0; k < count; ++k) {
            level[k] = book.levels[k];
        }
        find_middles();
        for (unsigned k = 0; k + 1 < count; ++k) {
            step[k] = static_cast<int>(k ^ (k + 1));
            if (book.ties_to_zero && middle[k] < 0) {
                middle[k] = std::nextafter(middle[k], -2.0F);  // so that the middle is above it
            }
        }
    }

    /// The first `levels` codes of a table, in the order of what they stand for.
    LevelTable(const formats::Levels& table, unsigned levels) : count(levels) {
        int order[16] = {};
        std::iota(order, order + count, 0);
        std::sort(order, order + count,
                  [&](int a, int b) { return table.level[a] < table.level[b]; });
        for (unsigned k = 0; k < count; ++k) {
            level[k] = table.level[order[k]];
        }
        find_middles();
        for (unsigned k = 0; k + 1 < count; ++k) {
            step[k] = order[k] ^ order[k + 1];
        }
    }

private:
    void find_middles() {
        for (unsigned k = 0; k + 1 < count; ++k) {
            middle[k] = (level[k] + level[k + 1]) / 2;
        }
    }
};

}  // namespace nibble::kernels
