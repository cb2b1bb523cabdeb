// Fingerprints: of a lesson's text, of the data behind a figure.
#pragma once

#include <string>
#include <string_view>

#include "sim/core/outcome.hpp"

namespace nibble {

/// FNV-1a, 64 bits, as 16 hexadecimal digits. Tells versions apart; it is no secret and no seal.
std::string digest_of(std::string_view text);

/// Of the numbers in the outcome's figures that do not come off a clock, to six digits: machines
/// whose mathematical functions differ in the last bit agree.
std::string figure_digest(const Outcome& outcome);

}  // namespace nibble
