#include "sim/measured/processor_speed.hpp"

#include "sim/core/json_object.hpp"

namespace nibble {
namespace {

std::vector<LoopSpeed> loops(const JsonObject& processor, const char* member,
                             const std::string& unit, bool with_bytes) {
    std::vector<LoopSpeed> speeds;
    for (const JsonObject& o : processor.objects(member)) {
        speeds.push_back({o.text("operation"), o.whole("threads"),
                          with_bytes ? o.whole("bytes") : 0, o.positive(unit),
                          o.positive(unit + "_low"), o.positive(unit + "_high")});
    }
    return speeds;
}

}  // namespace

std::optional<ProcessorRecording> parse_processor_recording(std::string_view text,
                                                            const std::string& where) {
    const JsonObject file(text, where, "a recording of `nibble measure` is expected");
    const auto o = file.object_if("processor");
    if (!o) {
        return std::nullopt;
    }
    return ProcessorRecording{o->text("name"),
                              o->text("instruction_set"),
                              o->whole("threads"),
                              o->whole("last_level_cache_bytes"),
                              o->whole("largest_bytes"),
                              loops(*o, "memory", "gb_per_s", true),
                              loops(*o, "arithmetic", "gop_per_s", false)};
}

}  // namespace nibble
