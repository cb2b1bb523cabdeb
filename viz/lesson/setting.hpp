// A scenario in one line of a lesson: "quantizer bits=3 group_size=32", defaults for the rest.
#pragma once

#include <string_view>

#include "sim/core/scenario.hpp"
#include "viz/lesson/place.hpp"

namespace nibble {

/// Throws Error::bad_file at `place`, naming what is not known or out of range. `seed=7` sets the
/// seed.
Scenario read_setting(std::string_view text, const Place& place, const Experiments& all);

/// `base` with "bits=3 group_size=32" changed.
Scenario with_changes(Scenario base, std::string_view changes, const Place& place,
                      const Experiments& all);

/// "bits=3 group_size=32": what differs from `base`, which is of the same experiment.
std::string changes_from(const Scenario& base, const Scenario& scenario, const Experiments& all);

}  // namespace nibble
