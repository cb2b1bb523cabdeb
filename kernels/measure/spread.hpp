// One number out of repeated measurements. A computer only ever disturbs a measurement, so a mean
// is drawn to the disturbed ones; the median is not, and the quartiles say how far to trust it.
#pragma once

#include <cstddef>
#include <vector>

namespace nibble::kernels {

struct Spread {
    double median = 0;
    double low = 0, high = 0;  // the quartiles: half of the repetitions lie between them
    std::size_t repetitions = 0;
};

/// Quantiles lie on straight lines between neighbours in order. All 0 without samples.
Spread spread_of(std::vector<double> samples);

}  // namespace nibble::kernels
