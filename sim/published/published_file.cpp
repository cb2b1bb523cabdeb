#include "sim/published/published_file.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <system_error>

#include "sim/core/error.hpp"

namespace nibble {

Citation citation_in(const TomlTable& file) {
    const TomlTable source = file.table("source");
    return {source.text("from"), source.text("licence"), source.text_or("seen", "")};
}

std::vector<std::filesystem::path> data_files(const std::filesystem::path& folder) {
    std::error_code failed;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
        if (entry.path().extension() == ".toml") {
            files.push_back(entry.path());
        }
    }
    if (failed) {
        throw Error(Error::Code::io,
                    fmt::format("{} cannot be read: {}", folder.string(), failed.message()),
                    "NIBBLE_DATA names the folder that Nibble's data lies in");
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace nibble
