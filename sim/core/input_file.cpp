#include "sim/core/input_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "sim/core/error.hpp"
#include "sim/core/quoted.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

std::string file_kind(::mode_t mode) {
    return S_ISDIR(mode)    ? "a folder"
           : S_ISFIFO(mode) ? "a named pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : path_(path) {
    const auto refuse = [&](const std::string& what, const std::string& hint) {
        throw Error(Error::Code::io, printable(path.string(), 200) + ": " + what, hint);
    };
    // O_NONBLOCK: opening a named pipe must not wait for its writer.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status = {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
        const int reason = errno;
        const bool absent = reason == ENOENT || reason == ENOTDIR;
        // A socket cannot be opened at all, and the system only says that there is no device.
        if (reason == ENXIO && ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
            refuse("is a socket, not a regular file", "copy its content into one first");
        }
        refuse("cannot be read: " + std::system_category().message(reason),
               absent ? "check the path" : "check its permissions");
    }
    if (!S_ISREG(status.st_mode)) {
        ::close(descriptor_);
        refuse(fmt::format("is {}, not a regular file", file_kind(status.st_mode)),
               S_ISDIR(status.st_mode) ? "name one file in it" : "copy its content into one first");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
    ::close(descriptor_);
}

std::string InputFile::read(std::uint64_t offset, std::size_t most) const {
    std::string bytes;
    while (bytes.size() < most) {
        // The system's own files say size 0 and give more, so the size decides only the first step.
        const std::size_t step = std::min<std::size_t>(
            most - bytes.size(), std::max<std::size_t>(size_ + 1, std::size_t{1} << 16U));
        const std::size_t had = bytes.size();
        bytes.resize(had + step);
        const ::ssize_t got =
            ::pread(descriptor_, bytes.data() + had, step, static_cast<::off_t>(offset + had));
        if (got < 0 && errno != EINTR) {
            throw Error(Error::Code::io,
                        fmt::format("{}: cannot be read: {}", printable(path_.string(), 200),
                                    std::system_category().message(errno)));
        }
        bytes.resize(had + static_cast<std::size_t>(std::max<::ssize_t>(got, 0)));
        if (got == 0) {
            break;
        }
    }
    return bytes;
}

std::string read_text_file(const std::filesystem::path& path, std::size_t most) {
    const InputFile file(path);
    std::string text = file.size() > most ? std::string() : file.read(0, most + 1);
    if (file.size() > most || text.size() > most) {
        throw Error(Error::Code::bad_file,
                    fmt::format("{}: larger than {}", printable(path.string(), 200),
                                format_bytes(static_cast<double>(most))),
                    "such a file is read whole, and none that Nibble is made for is as large");
    }
    return text;
}

}  // namespace nibble
