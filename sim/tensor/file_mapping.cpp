#include "sim/tensor/file_mapping.hpp"

#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>
#include <sys/mman.h>
#include <system_error>

#include "sim/core/error.hpp"
#include "sim/core/input_file.hpp"

namespace nibble {
namespace {

Error io_error(const std::filesystem::path& path, const std::string& problem,
               const std::string& hint = {}) {
    return {Error::Code::io, path.string() + ": " + problem, hint};
}

}  // namespace

FileMapping::FileMapping(const std::filesystem::path& path) {
    const InputFile file(path);
    const std::uint64_t size = file.size();
    if (size == 0) {
        throw io_error(path, "is empty");
    }
    if (size > std::numeric_limits<std::size_t>::max() / 2) {
        throw io_error(path, "is larger than this system can map");
    }
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
    if (start == MAP_FAILED) {
        throw io_error(path, "cannot be mapped: " + std::system_category().message(errno));
    }
    bytes_ = {static_cast<const std::byte*>(start), static_cast<std::size_t>(size)};
}

FileMapping::~FileMapping() {
    // munmap takes a non-const pointer although it only gives the pages back.
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace nibble
