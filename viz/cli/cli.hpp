// The command line: everything the window can compute, without a display.
#pragma once

namespace nibble {

/// Runs `nibble WORD ...`. Returns the exit status: 0, 1 when the work failed, 2 when the command
/// was wrong. Never throws.
int run_command_line(int argc, const char* const* argv);

}  // namespace nibble
