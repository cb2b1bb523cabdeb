// The pictures and the words of the schedulers lab.
#pragma once

#include "sim/experiments/serving/schedulers/data.hpp"

namespace nibble::schedulers_lab {

std::vector<FigureRow> figures(const Data& data);
/// Finding, explanation, metrics and tables.
void describe(const Settings& settings, const Data& data, Outcome& outcome);

}  // namespace nibble::schedulers_lab
