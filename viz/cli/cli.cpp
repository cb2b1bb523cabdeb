#include "viz/cli/cli.hpp"

#include <cstdio>

#include "sim/experiments/all.hpp"

namespace nibble {

int run_command_line(int, const char* const*, const OpenWindow&) {
    for (const Experiment& e : all_experiments()) {
        std::printf("%s\n", e.id.c_str());
    }
    return 0;
}

}  // namespace nibble
