#include "sim/measured/processor_speed.hpp"

#include "sim/core/json_depth.hpp"
#include "sim/measured/recording_object.hpp"

namespace nibble {
namespace {

using Json = nlohmann::json;

std::vector<LoopSpeed> loops(const RecordingObject& processor, const char* member,
                             const std::string& unit, bool with_bytes) {
    constexpr const char* wanted = "a list of objects";
    const Json& list = processor.member(member, wanted);
    if (!list.is_array()) {
        processor.bad(member, wanted);
    }
    std::vector<LoopSpeed> speeds;
    for (const Json& entry : list) {
        if (!entry.is_object()) {
            processor.bad(member, wanted);
        }
        const RecordingObject o{entry,
                                fmt::format("{}, {} {}", processor.where, member, speeds.size())};
        speeds.push_back({o.text("operation"), o.count("threads"),
                          with_bytes ? o.count("bytes") : 0, o.speed(unit.c_str()),
                          o.speed((unit + "_low").c_str()), o.speed((unit + "_high").c_str())});
    }
    return speeds;
}

}  // namespace

std::optional<ProcessorRecording> parse_processor_recording(std::string_view text,
                                                            const std::string& where) {
    check_json_depth(text, where);
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) {
        throw Error(Error::Code::bad_file, where + " holds no JSON object",
                    "a recording of `nibble measure` is expected");
    }
    const auto found = json.find("processor");
    if (found == json.end()) {
        return std::nullopt;
    }
    if (!found->is_object()) {
        RecordingObject{json, where}.bad("processor", "an object");
    }
    const RecordingObject o{*found, where + ", processor"};
    return ProcessorRecording{o.text("name"),
                              o.text("instruction_set"),
                              o.count("threads"),
                              o.count("last_level_cache_bytes"),
                              o.count("largest_bytes"),
                              loops(o, "memory", "gb_per_s", true),
                              loops(o, "arithmetic", "gop_per_s", false)};
}

}  // namespace nibble
