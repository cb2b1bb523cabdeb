// Lengths of real requests that come with the program, in data/traces.
#pragma once

#include "sim/core/param.hpp"
#include "sim/requests/trace.hpp"

namespace nibble {

enum class LengthMix { chat, conversation, code };
std::vector<Choice> length_mix_choices();
/// Where their lengths are from, with the licence.
std::string source_of(LengthMix mix);
/// All arrive at 0. Throws Error::io when the data folder lacks it.
RequestTrace trace_of(LengthMix mix);

}  // namespace nibble
