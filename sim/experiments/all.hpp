// Every experiment, in teaching order.
#pragma once

#include "sim/core/scenario.hpp"

namespace nibble {

/// Built once, on first use. Adding an experiment: one file here, one line in all.cpp.
const Experiments& all_experiments();

}  // namespace nibble
