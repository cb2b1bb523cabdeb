#include "sim/core/error.hpp"

namespace nibble {

void broken_invariant(const char* condition, const char* why, const char* file, int line) {
    throw BrokenInvariant(std::string(why) + " (" + condition + ", " + file + ":" +
                          std::to_string(line) + ")");
}

}  // namespace nibble
