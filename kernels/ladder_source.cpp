#include "kernels/ladder_source.hpp"

#include <algorithm>

#include "kernels/ladder.hpp"

namespace nibble::kernels {
namespace {

bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Where `name(` stands as a whole word; npos when nowhere.
std::size_t find_function(std::string_view text, const std::string& name) {
    const std::string call = name + "(";
    std::size_t at = text.find(call);
    while (at != std::string_view::npos && at > 0 && is_name(text[at - 1])) {
        at = text.find(call, at + 1);
    }
    return at;
}

}  // namespace

std::string_view source_text(std::string_view path) {
    for (const KernelSource& source : kernel_sources()) {
        if (source.path == path) {
            return source.text;
        }
    }
    return {};
}

SourceExcerpt source_of(const Rung& rung) {
    const std::string_view text = source_text(rung.source);
    const std::size_t name = find_function(text, rung.kernel);
    if (name == std::string_view::npos) {
        return {};
    }
    // Functions stand between blank lines, comment and all, and end with a brace on a new line.
    const std::size_t blank = text.rfind("\n\n", name);
    const std::size_t first = blank == std::string_view::npos ? 0 : blank + 2;
    const std::size_t brace = text.find("\n}\n", name);
    const std::size_t end = brace == std::string_view::npos ? text.size() : brace + 3;
    const auto lines_before =
        std::count(text.begin(), text.begin() + static_cast<long>(first), '\n');
    return {text.substr(first, end - first), static_cast<unsigned>(lines_before) + 1};
}

}  // namespace nibble::kernels
