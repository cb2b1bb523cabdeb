#include "sim/measured/kernel_speed.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "sim/core/error.hpp"
#include "sim/core/json_object.hpp"

namespace nibble {
namespace {

KernelSpeed speed_of(const JsonObject& o) {
    return {o.text("ladder"),       o.text("rung"),
            o.text("input"),        o.whole("rows"),
            o.whole("columns"),     o.whole("group_size"),
            o.positive("gb_per_s"), o.positive("copy_gb_per_s")};
}

}  // namespace

KernelRecording parse_kernel_recording(std::string_view text, const std::string& where) {
    const JsonObject file(text, where, "a recording of `nibble measure` is expected");
    KernelRecording recording{file.text("machine"), file.text("date"), file.text("command"), {}};
    for (const JsonObject& kernel : file.objects("kernels")) {
        recording.kernels.push_back(speed_of(kernel));
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
