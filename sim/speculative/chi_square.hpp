// Pearson's chi-square test: could these counts be draws from that distribution?
//
//     chi2 = sum (observed - expected)^2 / expected,   degrees of freedom = cells - 1
//
// Cells in which fewer than five draws are expected are taken together, since the statistic follows
// its distribution only where expectations are not small (Cochran 1954). A draw where none can be
// makes chi2 infinite.
#pragma once

#include <cstdint>
#include <span>

namespace nibble {

struct ChiSquare {
    double value = 0;
    std::int64_t degrees = 0;
    double p_value = 1;  // the chance of a value at least as large, when the counts are such draws
};

/// `expected` sums to one; as many as there are counts. With a single cell left nothing is tested:
/// value 0, p_value 1. Throws Error::bad_param when the lengths differ or nothing was counted.
ChiSquare chi_square_test(std::span<const std::int64_t> counts, std::span<const double> expected);

/// P(chi2 >= value) for that many degrees of freedom.
double chi_square_tail(double value, std::int64_t degrees);

}  // namespace nibble
