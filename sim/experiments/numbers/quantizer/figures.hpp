// What the quantizer lab shows of a sweep.
#pragma once

#include <string>

#include "sim/core/outcome.hpp"
#include "sim/quant/quantizer_sweep.hpp"

namespace nibble::quantizer_lab {

using namespace quant;

/// The rows of figures, for the group that the reader picked.
std::vector<FigureRow> figures(const Data& data, const GroupView& group);

/// Where the group is, as rows and columns are counted on the map: "row 3, columns 0 to 31".
std::string place_of(const Data& data, const GroupView& group);

/// Everything that is said in words and numbers.
void describe(const Data& data, const GroupView& group, Outcome& outcome);

}  // namespace nibble::quantizer_lab
