#include "viz/figure/files.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <system_error>

#include "sim/core/atomic_file.hpp"
#include "sim/core/error.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& reason, const std::string& hint) {
    throw Error(Error::Code::io, fmt::format("cannot write {}: {}", path.string(), reason), hint);
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
        fail(path, "there is no folder " + folder.string(), "create it first");
    }
    if (fs::is_directory(path, ignored)) {
        fail(path, "it is a folder", "give a file name");
    }
    AtomicFile file(path);
    file.write(bytes);
    file.commit();
}

}  // namespace nibble
