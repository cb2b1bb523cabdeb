#include "viz/app/app.hpp"

namespace nibble {

bool has_display() {
    return false;
}

int run_window(const WindowOptions&) {
    return 0;
}

}  // namespace nibble
