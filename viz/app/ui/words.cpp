#include "viz/app/ui/words.hpp"

#include <cctype>
#include <fmt/format.h>

namespace nibble {
namespace {

/// The letters, digits and underscores that `text` begins with.
std::string_view leading_name(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) {
        ++end;
    }
    return text.substr(0, end);
}

const ParamInfo* find_param(const Experiment& experiment, std::string_view name) {
    for (const ParamInfo& p : experiment.params) {
        if (p.name == name) {
            return &p;
        }
    }
    return nullptr;
}

std::string quoted(const ParamInfo& p) {
    return fmt::format("\u201c{}\u201d", p.title);
}

}  // namespace

std::string with_labels(std::string_view text, const Experiment& experiment) {
    std::string words;
    // What is refused comes first: "bits = 99 is out of range".
    const std::string_view subject = leading_name(text);
    const ParamInfo* refused = find_param(experiment, subject);
    if (refused != nullptr && text.substr(subject.size()).starts_with(" = ")) {
        words = quoted(*refused);
        text.remove_prefix(subject.size());
    }
    static constexpr std::string_view device = "--device cpu";
    while (!text.empty()) {
        const std::size_t at = text.find("--");
        words += text.substr(0, at);
        text.remove_prefix(std::min(at, text.size()));
        if (text.starts_with(device)) {
            words += "the CPU";
            text.remove_prefix(device.size());
            continue;
        }
        const std::string_view name =
            leading_name(text.substr(std::min<std::size_t>(2, text.size())));
        const ParamInfo* param = find_param(experiment, name);
        const std::size_t taken = text.empty() ? 0 : 2 + name.size();
        words += param != nullptr ? quoted(*param) : std::string(text.substr(0, taken));
        text.remove_prefix(taken);
    }
    return words;
}

}  // namespace nibble
