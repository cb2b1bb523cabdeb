#include "sim/core/atomic_file.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "sim/core/error.hpp"
#include "sim/core/quoted.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

/// Where links lead to, also when nothing is there yet.
fs::path behind_links(fs::path path) {
    std::error_code failed;
    for (int i = 0; i < 40 && fs::is_symlink(path, failed); ++i) {
        path = path.parent_path() / fs::read_symlink(path, failed);  // an absolute one replaces all
    }
    return path;
}

/// Removes what killed runs left of this file. A run that is alive holds a lock on its own.
void remove_stale_parts(const fs::path& target) {
    const std::string start = target.filename().string() + ".";
    const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        const std::string name = entry.path().filename().string();
        const bool ours = name.starts_with(start) && name.ends_with(".part") &&
                          name.find_first_not_of("0123456789-", start.size()) + 5 == name.size();
        if (!ours) {
            continue;
        }
        const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0) {
            ::unlink(entry.path().c_str());
        }
        if (fd >= 0) {
            ::close(fd);
        }
    }
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : path_(path), target_(behind_links(path)) {
    struct stat old = {};
    const bool exists = ::stat(target_.c_str(), &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) {
        throw Error(Error::Code::io,
                    fmt::format("{}: cannot be written: it is {}", printable(path_.string(), 200),
                                S_ISDIR(old.st_mode)    ? "a folder"
                                : S_ISFIFO(old.st_mode) ? "a named pipe"
                                : S_ISSOCK(old.st_mode) ? "a socket"
                                                        : "a device"),
                    "name a file");
    }
    remove_stale_parts(target_);
    // Process and count make the name unique; O_EXCL refuses what is there all the same. Until the
    // lock is there another run may take the file for a stale one: then it has no name any more.
    static std::atomic<unsigned> count = 0;
    for (struct stat made = {}; made.st_nlink == 0;) {
        temporary_ = target_;
        temporary_ += fmt::format(".{}-{}.part", ::getpid(), count++);
        fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd_ < 0) {
            temporary_.clear();
            fail("created");
        }
        if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 || ::fstat(fd_, &made) != 0) {
            break;  // a file system without locks has no stale files removed either
        }
        if (made.st_nlink == 0) {
            ::close(fd_);
        }
    }
    // The owner first: to change it takes the mode's special bits away.
    if (exists && ((::fchown(fd_, old.st_uid, old.st_gid) != 0 && ::geteuid() == 0) ||
                   ::fchmod(fd_, old.st_mode & 07777U) != 0)) {
        const int reason = errno;
        ::close(std::exchange(fd_, -1));
        ::unlink(temporary_.c_str());
        errno = reason;
        fail("given the mode of the old file");
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
    // A limit on the size of files (ulimit -f) ends a write as a full disk does.
    const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    throw Error(Error::Code::io,
                fmt::format("{}: cannot be {}: {}", printable(path_.string(), 200), doing,
                            std::system_category().message(errno)),
                full ? "the disk is full, or a limit on files is reached: make room"
                     : "check the folder, its permissions and the space left");
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
    // Closing tells of what could not be written. A second descriptor keeps the lock until the file
    // has its name.
    const int lock = ::dup(fd_);
    if (::close(std::exchange(fd_, lock)) != 0) {
        fail("written");
    }
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
        fail("put in place");
    }
    temporary_.clear();
}

}  // namespace nibble
