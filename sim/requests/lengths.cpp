#include "sim/requests/lengths.hpp"

#include "sim/core/data_folder.hpp"

namespace nibble {
namespace {

struct Mix {
    const char *name, *label, *file, *source;
};

constexpr Mix mixes[] = {
    {"chat", "chat (ShareGPT)", "sharegpt-200.csv", "lengths of ShareGPT conversations"},
    {"conversation", "long chat (Azure)", "azure-conversation-200.csv",
     "Azure LLM inference trace 2023, CC-BY 4.0"},
    {"code", "code completion (Azure)", "azure-code-64.csv",
     "Azure LLM inference trace 2023, CC-BY 4.0"},
};

const Mix& entry(LengthMix mix) {
    return mixes[static_cast<std::size_t>(mix)];
}

}  // namespace

std::vector<Choice> length_mix_choices() {
    std::vector<Choice> choices;
    for (const Mix& mix : mixes) {
        choices.push_back({mix.name, mix.label});
    }
    return choices;
}

std::string source_of(LengthMix mix) {
    return entry(mix).source;
}

RequestTrace trace_of(LengthMix mix) {
    RequestTrace trace = read_trace(data_folder() / "traces" / entry(mix).file);
    trace.name = entry(mix).label;
    return trace;
}

}  // namespace nibble
