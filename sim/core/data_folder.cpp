#include "sim/core/data_folder.hpp"

#include <cstdlib>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#include <string>
#endif

namespace nibble {
namespace {

namespace fs = std::filesystem;

fs::path running_program() {
    std::error_code failed;
#ifdef __APPLE__
    std::uint32_t size = 0;
    _NSGetExecutablePath(nullptr, &size);
    std::string name(size, '\0');
    _NSGetExecutablePath(name.data(), &size);
    const fs::path program = fs::canonical(name.c_str(), failed);
#else
    const fs::path program = fs::read_symlink("/proc/self/exe", failed);
#endif
    return failed ? fs::path() : program;
}

}  // namespace

fs::path choose_data_folder(const DataPlaces& places) {
    if (places.wanted) {
        return *places.wanted;
    }
    std::error_code ignored;
    fs::path installed;
    if (!places.program.empty()) {
        // <prefix>/bin/nibble and <prefix>/share/nibble, wherever the prefix has been moved to.
        installed = (places.program.parent_path() / NIBBLE_DATA_BESIDE_PROGRAM).lexically_normal();
        if (fs::is_directory(installed, ignored)) {
            return installed;
        }
    }
    if (installed.empty() || fs::is_directory(places.sources, ignored)) {
        return places.sources;
    }
    return installed;
}

fs::path data_folder() {
    DataPlaces places;
    if (const char* wanted = std::getenv("NIBBLE_DATA"); wanted && *wanted) {
        places.wanted = wanted;
    }
    places.program = running_program();
    places.sources = NIBBLE_DATA_OF_SOURCES;
    return choose_data_folder(places);
}

}  // namespace nibble
