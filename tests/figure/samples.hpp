// Figures with made-up data, one of each kind of mark and a few panels: what the golden tests, the
// label tests and the gallery draw.
#pragma once

#include <string>
#include <vector>

#include "sim/core/outcome.hpp"

namespace nibble::samples {

struct Sample {
    std::string name;
    Figure figure;
};

/// One figure for each kind of mark, and variants worth seeing.
std::vector<Sample> all_marks();

/// One figure under a finding and an explanation.
Outcome outcome_of(Figure figure);

/// Two heat maps, a histogram with levels, a log curve: the shape of the quantizer's panel.
/// `cells` is the number of rows and columns of each map.
Outcome quantizer_panel(int rows = 32, int cols = 128);

/// Three block maps and stacked bars.
Outcome fragmentation_panel();

}  // namespace nibble::samples
