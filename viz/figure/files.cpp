#include "viz/figure/files.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <system_error>

#include "sim/core/atomic_file.hpp"
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

}  // namespace

std::filesystem::path settings_folder() {
    if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && *config != 0) {
        return std::filesystem::path(config) / "nibble";
    }
    if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0) {
        return std::filesystem::path(home) / ".config" / "nibble";
    }
    return {};
}

void write_whole_file(const fs::path& path, std::string_view bytes) {
    std::error_code ignored;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, ignored)) {
        fail("write", path, "there is no folder " + folder.string(), "create it first");
    }
    if (fs::is_directory(path, ignored)) {
        fail("write", path, "it is a folder", "give a file name");
    }
    AtomicFile file(path);
    file.write(bytes);
    file.commit();
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
