#include "sim/measured/kernel_speed.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/core/error.hpp"
#include "sim/core/json_depth.hpp"

namespace nibble {
namespace {

using Json = nlohmann::json;

/// An object of the file, and where it stands, for messages.
struct Object {
    const Json& json;
    std::string where;

    [[noreturn]] void bad(const char* name, const char* wanted) const {
        throw Error(Error::Code::bad_file, fmt::format("{}: \"{}\" is not {}", where, name, wanted),
                    "a recording of kernel speeds has it; measure again or take the file away");
    }
    const Json& member(const char* name, const char* wanted) const {
        const auto found = json.find(name);
        if (found == json.end()) {
            bad(name, wanted);
        }
        return *found;
    }
    std::string text(const char* name) const {
        const Json& value = member(name, "a text");
        if (!value.is_string()) {
            bad(name, "a text");
        }
        return value.get<std::string>();
    }
    std::int64_t count(const char* name) const {
        constexpr const char* wanted = "a whole number from 0 on";
        const Json& value = member(name, wanted);
        // Beyond 2^53 nothing was measured, and other readers of JSON would round it.
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() >> 53U != 0) {
            bad(name, wanted);
        }
        return value.get<std::int64_t>();
    }
    double speed(const char* name) const {
        constexpr const char* wanted = "a number above 0";
        const Json& value = member(name, wanted);
        if (!value.is_number() || !(value.get<double>() > 0) ||
            !std::isfinite(value.get<double>())) {
            bad(name, wanted);
        }
        return value.get<double>();
    }
};

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
