#include "sim/tensor/file_mapping.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <limits>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

Error io_error(const std::filesystem::path& path, const std::string& problem,
               const std::string& hint = {}) {
    return {Error::Code::io, path.string() + ": " + problem, hint};
}

std::string system_message() {
    return std::system_category().message(errno);
}

class Descriptor {
public:
    // O_NONBLOCK: opening a named pipe must not wait for its writer.
    explicit Descriptor(const std::filesystem::path& path)
        : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int get() const { return fd_; }

private:
    int fd_;
};

}  // namespace

FileMapping::FileMapping(const std::filesystem::path& path) {
    const Descriptor file(path);
    if (file.get() < 0) {
        const bool missing = errno == ENOENT || errno == ENOTDIR;
        throw io_error(path, "cannot be opened: " + system_message(),
                       missing ? "check the path" : "");
    }
    struct stat status = {};
    if (::fstat(file.get(), &status) != 0) {
        throw io_error(path, "cannot be examined: " + system_message());
    }
    if (S_ISDIR(status.st_mode)) {
        throw io_error(path, "is a directory", "name one file in it");
    }
    if (!S_ISREG(status.st_mode)) {
        throw io_error(path, "is not a regular file", "copy its content into one first");
    }
    if (status.st_size == 0) {
        throw io_error(path, "is empty");
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > std::numeric_limits<std::size_t>::max() / 2) {
        throw io_error(path, "is larger than this system can map");
    }
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (start == MAP_FAILED) {
        throw io_error(path, "cannot be mapped: " + system_message());
    }
    bytes_ = {static_cast<const std::byte*>(start), static_cast<std::size_t>(size)};
}

FileMapping::~FileMapping() {
    // munmap takes a non-const pointer although it only gives the pages back.
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace nibble
