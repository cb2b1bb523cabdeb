// The pictures and the words of the batching lab.
#pragma once

#include "sim/experiments/serving/batching/data.hpp"

namespace nibble::batching_lab {

std::vector<FigureRow> figures(const Settings& settings, const Data& data);
/// Finding, explanation, metrics, tables, the equations of the moment and the timeline.
void describe(const Settings& settings, const Data& data, Outcome& outcome);

/// The step of the timeline, and the request that was chosen, within what there is.
const Moment& moment_of(const Settings& settings, const Data& data);
std::int64_t chosen(const Settings& settings, const Data& data);

}  // namespace nibble::batching_lab
