#include "viz/lesson/catalogue.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

#include "sim/core/data_folder.hpp"
#include "sim/core/input_file.hpp"
#include "sim/core/text.hpp"
#include "viz/figure/files.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_lesson = 1U << 20U;  // bytes; ours have 20 kB

bool is_numbered(const fs::path& path) {
    const std::string name = path.filename().string();
    return name.size() > 3 && name[0] >= '0' && name[0] <= '9' && name[1] >= '0' &&
           name[1] <= '9' && name[2] == '-';
}

}  // namespace

fs::path lessons_folder() {
    if (const char* wanted = std::getenv("NIBBLE_LESSONS"); wanted && *wanted) {
        return wanted;
    }
    std::error_code ignored;
    const fs::path installed = data_folder() / "lessons";
    return fs::is_directory(installed, ignored) ? installed : fs::path(NIBBLE_LESSONS_OF_SOURCES);
}

std::vector<fs::path> lesson_files(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        if (entry.path().extension() == ".md" && entry.path().filename() != "README.md") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
        return std::pair(!is_numbered(a), a.filename()) < std::pair(!is_numbered(b), b.filename());
    });
    return files;
}

Lesson load_lesson(const fs::path& path, const Experiments& all) {
    return read_lesson(read_text_file(path, longest_lesson), path, all);
}

Lesson find_lesson(std::string_view name, const Experiments& all, const fs::path& folder) {
    std::vector<std::string> names;
    for (const fs::path& path : lesson_files(folder)) {
        const std::string stem = path.stem().string();
        const bool numbered = is_numbered(path);
        const std::string id = numbered ? stem.substr(0, 2) : stem;
        const std::string slug = numbered ? stem.substr(3) : stem;
        if (name == id || fmt::format("0{}", name) == id || name == slug || name == stem ||
            name == stem + ".md") {
            return load_lesson(path, all);
        }
        names.push_back(id);
        names.push_back(slug);
    }
    const std::string near = nearest(name, names);
    throw Error(Error::Code::bad_param, fmt::format("no lesson is called \"{}\"", name),
                names.empty()
                    ? fmt::format("there are no lessons in {}; NIBBLE_LESSONS names the folder",
                                  folder.string())
                : near.empty() ? "`nibble lesson list` names them"
                               : fmt::format("did you mean {}?", near));
}

}  // namespace nibble
