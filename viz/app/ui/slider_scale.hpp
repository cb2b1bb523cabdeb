// How a slider's travel maps to a parameter's values: linear, logarithmic, powers of two.
#pragma once

#include <string>

#include "sim/core/param.hpp"

namespace nibble {

/// Where on the track (0 .. 1) a number lies.
double share_of(const ParamInfo& param, double value);
/// The value under a place on the track: whole for integers, powers of two (and the range's ends)
/// on a log2 scale, otherwise rounded to what a pixel can tell apart, so that values stay short.
Value value_at(const ParamInfo& param, double share);
/// The next value for an arrow key; `steps` is -1 or 1, or ten times that with Shift.
Value stepped(const ParamInfo& param, double value, int steps);

/// `value` rounded to the power of ten at or below `step`; unchanged when `step` is not positive.
double rounded(double value, double step);
double number_of(const Value& value);
/// The value with its unit as the panel writes it: "32 w", "0.125".
std::string shown_value(const ParamInfo& param, const Value& value);

}  // namespace nibble
