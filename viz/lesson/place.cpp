#include "viz/lesson/place.hpp"

#include <fmt/format.h>

namespace nibble {

void refuse_at(const Place& place, const std::string& what, const std::string& hint) {
    throw Error(Error::Code::bad_file, fmt::format("{}:{}: {}", place.file, place.line, what),
                hint);
}

}  // namespace nibble
