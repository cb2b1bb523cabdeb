// Time that has passed on this machine, for values that are marked as timed.
#pragma once

#include <chrono>

namespace nibble {

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace nibble
