// Round to nearest: every weight goes to the nearest level of its group, and nothing makes up for
// its error. The baseline of all other methods; needs no calibration.
#pragma once

#include "sim/quant/integer_weights.hpp"

namespace nibble {

/// weights: (rows, cols), finite. Throws Error::bad_param when a scale does not fit FP16.
IntegerWeights round_to_nearest(View<const float> weights, const IntegerFormat& format);

}  // namespace nibble
