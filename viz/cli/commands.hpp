// The words of the command line. Each takes the words after its own, prints its answer, and
// returns the exit status; each throws Error for everything that a person can mend.
#pragma once

#include "viz/cli/cli.hpp"
#include "viz/cli/flags.hpp"

namespace nibble {

int list_command(const Words& words);
int show_command(const Words& words);
int inspect_command(const Words& words);

}  // namespace nibble
