#include "kernels/emulator/fault.hpp"

namespace nibble::kernels {
namespace {

std::string file_only(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string sentence(Fault::Kind kind, const Fault::Place& place, const std::string& message) {
    std::string line = std::string(name(kind)) + " in kernel " + place.kernel + ", block " +
                       text(place.block) + ", thread " + text(place.thread);
    if (place.line != 0) {
        line += ", " + file_only(place.file) + ":" + std::to_string(place.line);
    }
    return line + ": " + message;
}

}  // namespace

Fault::Fault(Kind kind, Place place, const std::string& message)
    : std::runtime_error(sentence(kind, place, message)),
      kind_(kind),
      place_(std::move(place)),
      message_(message) {}

const char* name(Fault::Kind kind) {
    switch (kind) {
        case Fault::Kind::divergent_barrier:
            return "divergent barrier";
        case Fault::Kind::mismatched_mask:
            return "mismatched mask";
        case Fault::Kind::absent_lane:
            return "absent lane";
        case Fault::Kind::deadlock:
            return "deadlock";
        case Fault::Kind::out_of_bounds:
            return "out-of-bounds access";
        case Fault::Kind::misaligned:
            return "misaligned access";
        case Fault::Kind::uninitialised_shared:
            return "uninitialised shared memory";
        case Fault::Kind::unfinished_copy:
            return "unfinished copy";
        case Fault::Kind::race:
            return "race";
        case Fault::Kind::bad_launch:
            return "bad launch";
    }
    return "fault";
}

std::string text(const Index3& index) {
    std::string triple(1, '(');
    triple += std::to_string(index.x) + ", " + std::to_string(index.y) + ", ";
    return triple += std::to_string(index.z) + ")";
}

std::string emulator::text(const Where& where) {
    return file_only(where.file_name()) + ":" + std::to_string(where.line());
}

}  // namespace nibble::kernels
