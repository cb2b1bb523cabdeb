#include "sim/measured/kernel_speed.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/core/error.hpp"
#include "sim/core/json_depth.hpp"
#include "sim/measured/recording_object.hpp"

namespace nibble {
namespace {

using Json = nlohmann::json;

using Object = RecordingObject;

KernelSpeed speed_of(const Object& o) {
    return {o.text("ladder"),    o.text("rung"),          o.text("input"),
            o.count("rows"),     o.count("columns"),      o.count("group_size"),
            o.speed("gb_per_s"), o.speed("copy_gb_per_s")};
}

}  // namespace

KernelRecording parse_kernel_recording(std::string_view text, const std::string& where) {
    check_json_depth(text, where);
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) {
        throw Error(Error::Code::bad_file, where + " holds no JSON object",
                    "a recording of kernel speeds is expected");
    }
    const Object file{json, where};
    KernelRecording recording{file.text("machine"), file.text("date"), file.text("command"), {}};
    const Json& kernels = file.member("kernels", "a list of objects");
    if (!kernels.is_array()) {
        file.bad("kernels", "a list of objects");
    }
    for (std::size_t i = 0; i < kernels.size(); ++i) {
        if (!kernels[i].is_object()) {
            file.bad("kernels", "a list of objects");
        }
        recording.kernels.push_back(speed_of({kernels[i], fmt::format("{}, kernel {}", where, i)}));
    }
    return recording;
}

std::vector<KernelRecording> read_kernel_recordings(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
        if (entry.path().extension() == ".json") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<KernelRecording> recordings;
    for (const auto& path : files) {
        std::ifstream in(path, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        if (!in) {
            throw Error(Error::Code::io, path.string() + " cannot be read",
                        "check its permissions");
        }
        recordings.push_back(parse_kernel_recording(text.str(), path.filename().string()));
    }
    return recordings;
}

}  // namespace nibble
