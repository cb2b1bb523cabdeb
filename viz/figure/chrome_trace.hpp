// A schedule as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing open: the Trace Event
// Format's complete events, times in microseconds.
//
// The schedule is a table of the outcome with the columns lane, name, start and duration (seconds).
// A column `group` makes a process of each of its values; all other columns become arguments of
// their event.
#pragma once

#include <string>

#include "sim/core/outcome.hpp"

namespace nibble {

/// Whether a file of this name is to be such a trace: it ends in ".trace.json".
bool is_chrome_trace(const std::string& file_name);

/// `scenario`: JSON, stands beside the events. Throws Error::bad_param when the outcome holds no
/// schedule.
std::string chrome_trace_text(const Outcome& outcome, const std::string& scenario);

}  // namespace nibble
