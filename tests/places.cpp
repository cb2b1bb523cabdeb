#include "tests/places.hpp"

namespace nibble::test {

std::string source_dir() {
    return NIBBLE_SOURCE_DIR;
}

std::string program() {
    return NIBBLE_PROGRAM;
}

}  // namespace nibble::test
