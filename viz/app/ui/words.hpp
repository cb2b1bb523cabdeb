// Messages that speak of flags, for people who see labels.
#pragma once

#include <string>
#include <string_view>

#include "sim/core/experiment.hpp"

namespace nibble {

/// The text with each flag of the experiment under the label that the window gives it: "bits = 99
/// is out of range; --bits takes 2 to 8 bit" becomes "“Bits per code” = 99 ...; “Bits per code”
/// takes ...".
std::string with_labels(std::string_view text, const Experiment& experiment);

}  // namespace nibble
