// The number formats lab between its run and its outcome: what was measured on the tensor, and how
// that is shown and said.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/outcome.hpp"
#include "sim/formats/format_figures.hpp"
#include "sim/formats/scaled_format.hpp"

namespace nibble::number_formats_lab {

struct Data {
    struct Fit {
        std::string id;
        TensorFit fit;
    };
    std::string source;
    std::int64_t total = 0, sampled = 0;
    double absmax = 0;
    std::int64_t nans = 0, infinities = 0;  // left out of every measure
    std::vector<Fit> fits;                  // the chosen format's first
    // Shares of the values: by value from -absmax to absmax, and of the magnitudes by half binades
    // up to absmax.
    std::vector<double> by_value, by_magnitude;
    bool is_file = false;
};
inline constexpr std::size_t value_bins = 128, magnitude_bins = 64;

/// What every window shows: the tensor's largest magnitude.
double reach_of(const Data& data);

/// The rows of figures around `value`; formats: the chosen one, then what it is shown beside.
std::vector<FigureRow> figures(const std::vector<ScaledFormat>& formats, double value,
                               const Data& data, const NumberWindow& window);

/// Everything that is said in words and numbers.
void describe(const std::vector<ScaledFormat>& formats, double value, const Data& data,
              Outcome& outcome);

}  // namespace nibble::number_formats_lab
