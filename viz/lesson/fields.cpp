#include "viz/lesson/fields.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/core/text.hpp"

namespace nibble {

std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    bool inside = false, quoted = false;
    for (const char c : text) {
        if (c == '"') {
            quoted = !quoted;
        }
        if (!quoted && (c == ' ' || c == '\t')) {
            inside = false;
            continue;
        }
        if (!inside) {
            words.emplace_back();
            inside = true;
        }
        if (c != '"') {
            words.back() += c;
        }
    }
    return words;
}

namespace {

/// A key that is indented by mistake would silently become part of the value above it.
void refuse_hidden_key(const std::string& text, const Place& at) {
    static const std::vector<std::string> keys = {
        "id",      "ask",      "kind",   "setting", "option",        "right",
        "because", "hint",     "why",    "truth",   "tolerance",     "unit",
        "accept",  "figure",   "series", "show",    "controls",      "caption",
        "reached", "solution", "title",  "minutes", "prerequisites", "question"};
    const std::string key = text.substr(0, std::min(text.find(':'), text.size()));
    if (key != text && std::find(keys.begin(), keys.end(), key) != keys.end()) {
        refuse_at(at, fmt::format("the key \"{}\" is indented", key),
                  "a key begins its line; a line that starts with two spaces goes on with a value");
    }
}

}  // namespace

Fields::Fields(std::string_view body, const Place& first, std::string block)
    : place_(first), block_(std::move(block)) {
    Place at = first;
    for (std::size_t from = 0; from < body.size(); ++at.line) {
        const std::size_t end = std::min(body.find('\n', from), body.size());
        const std::string_view line = body.substr(from, end - from);
        from = end + 1;
        const std::string text(trimmed(line));
        if (text.empty()) {
            continue;
        }
        if (line.starts_with("  ") && !fields_.empty()) {
            refuse_hidden_key(text, at);
            fields_.back().value += (fields_.back().value.empty() ? "" : " ") + text;
            continue;
        }
        const std::size_t colon = text.find(':');
        const bool is_key =
            colon != std::string::npos && colon > 0 &&
            std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                        [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
        if (!is_key) {
            refuse_at(at, fmt::format("\"{}\" is no \"key: value\"", text),
                      "a value that goes on starts its next line with two spaces");
        }
        fields_.push_back({text.substr(0, colon), std::string(trimmed(std::string_view(text).substr(colon + 1))), at});
    }
}

std::vector<Field> Fields::all(std::string_view key) {
    return runs({key});
}

std::vector<Field> Fields::runs(const std::vector<std::string_view>& keys) {
    known_.insert(known_.end(), keys.begin(), keys.end());
    std::vector<Field> found;
    std::copy_if(fields_.begin(), fields_.end(), std::back_inserter(found), [&](const Field& f) {
        return std::find(keys.begin(), keys.end(), f.key) != keys.end();
    });
    return found;
}

std::optional<Field> Fields::find(std::string_view key) {
    const std::vector<Field> found = all(key);
    if (found.size() > 1) {
        refuse_at(found[1].place, fmt::format("\"{}\" stands twice in this {}", key, block_));
    }
    return found.empty() ? std::nullopt : std::optional(found[0]);
}

Field Fields::need(std::string_view key) {
    const std::optional<Field> found = find(key);
    if (!found || found->value.empty()) {
        refuse_at(found ? found->place : place_, fmt::format("this {} has no \"{}\"", block_, key),
                  fmt::format("write a line \"{}: ...\" in it", key));
    }
    return *found;
}

void Fields::finish() const {
    for (const Field& f : fields_) {
        if (std::find(known_.begin(), known_.end(), f.key) == known_.end()) {
            const std::string near = nearest(f.key, known_);
            refuse_at(f.place, fmt::format("a {} has no key \"{}\"", block_, f.key),
                      near.empty() ? fmt::format("it takes {}", fmt::join(known_, ", "))
                                   : fmt::format("did you mean \"{}\"?", near));
        }
    }
}

}  // namespace nibble
