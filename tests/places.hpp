// Where the sources and the program under test are; told to one file, so that the others compile
// alike in every folder.
#pragma once

#include <string>

namespace nibble::test {

std::string source_dir();
std::string program();

}  // namespace nibble::test
