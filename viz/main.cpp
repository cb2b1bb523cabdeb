// `nibble` alone opens the window; with a word after it, it is the command line.
#include "viz/cli/cli.hpp"

#if NIBBLE_GUI
#include "viz/app/app.hpp"
#endif

int main(int argc, char** argv) {
    return nibble::run_command_line(argc, argv);
}
