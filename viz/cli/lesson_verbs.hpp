// The words after `nibble lesson`. Each as a command of commands.hpp.
#pragma once

#include "viz/cli/flags.hpp"

namespace nibble {

int sheet_lesson(const Words& words);
int report_lesson(const Words& words);

}  // namespace nibble
