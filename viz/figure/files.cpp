#include "viz/figure/files.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <system_error>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* verb, const fs::path& path, const std::string& reason,
                       const std::string& hint = {}) {
    throw Error(Error::Code::io, fmt::format("cannot {} {}: {}", verb, path.string(), reason),
                hint);
}

std::string last_reason() {
    return errno != 0 ? std::generic_category().message(errno) : "the system gives no reason";
}

/// Beside `path`, hidden, and different for every writer.
fs::path temporary_name(const fs::path& path) {
    static std::atomic<unsigned> count{0};
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return path.parent_path() /
           fmt::format(".{}.{:x}-{}.part", path.filename().string(), now, count.fetch_add(1));
}

}  // namespace

void write_whole_file(const fs::path& path, std::string_view bytes) {
    std::error_code ignored;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, ignored)) {
        fail("write", path, "there is no folder " + folder.string(), "create it first");
    }
    if (fs::is_directory(path, ignored)) {
        fail("write", path, "it is a folder", "give a file name");
    }
    const fs::path part = temporary_name(path);
    errno = 0;
    {
        std::ofstream file(part, std::ios::binary);
        if (!file) {
            fail("write", path, last_reason(), "choose a folder that you may write to");
        }
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        file.close();
        if (!file) {
            const std::string reason = last_reason();
            fs::remove(part, ignored);
            fail("write", path, reason);
        }
    }
    std::error_code error;
    fs::rename(part, path, error);
    if (error) {
        fs::remove(part, ignored);
        fail("write", path, error.message());
    }
}

std::string read_file_part(const fs::path& path, std::size_t most, bool from_end) {
    std::error_code error;
    if (!fs::exists(path, error)) {
        fail("read", path, "there is no such file");
    }
    if (!fs::is_regular_file(path, error)) {
        fail("read", path, "it is not a regular file");
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        fail("read", path, last_reason());
    }
    const auto size = static_cast<std::size_t>(fs::file_size(path, error));
    const std::size_t count = error ? 0 : std::min(size, most);
    if (from_end) {
        file.seekg(static_cast<std::streamoff>(size - count));
    }
    std::string bytes(count, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(count));
    if (file.bad()) {
        fail("read", path, last_reason());
    }
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    return bytes;
}

}  // namespace nibble
