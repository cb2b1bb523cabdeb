#include "sim/core/atomic_file.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "sim/core/error.hpp"

namespace nibble {

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
    // Process and count make the name unique; O_EXCL refuses what is there all the same.
    static std::atomic<unsigned> count = 0;
    temporary_ = path;
    temporary_ += fmt::format(".{}-{}.part", ::getpid(), count++);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0) {
        fail("created");
    }
}

AtomicFile::~AtomicFile() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
    if (!temporary_.empty()) {
        ::unlink(temporary_.c_str());
    }
}

void AtomicFile::fail(std::string_view doing) const {
    throw Error(Error::Code::io,
                fmt::format("{}: cannot be {}: {}", path_.string(), doing,
                            std::system_category().message(errno)),
                "check the folder, its permissions and the space left");
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ::ssize_t written = ::write(fd_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            fail("written");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

void AtomicFile::write(std::string_view text) {
    write(std::as_bytes(std::span(text)));
}

void AtomicFile::commit() {
    if (::close(std::exchange(fd_, -1)) != 0) {
        fail("written");
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
        fail("put in place");
    }
    temporary_.clear();
}

}  // namespace nibble
