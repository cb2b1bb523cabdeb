#include "sim/core/line_break.hpp"

#include <algorithm>

namespace nibble {

std::vector<std::string> broken_lines(std::string_view paragraph, const LineFits& fits,
                                      const WordCut& cut) {
    std::vector<std::string> lines;
    std::string line;
    for (std::size_t at = 0; at < paragraph.size();) {
        const std::size_t end = std::min(paragraph.find_first_of(" \n", at), paragraph.size());
        std::string_view word = paragraph.substr(at, end - at);
        at = end + 1;
        if (word.empty()) {
            continue;
        }
        const std::string longer =
            line.empty() ? std::string(word) : line + " " + std::string(word);
        if (fits(longer, lines.empty())) {
            line = longer;
            continue;
        }
        if (!line.empty()) {
            lines.push_back(std::move(line));
        }
        while (cut && !fits(word, lines.empty())) {
            const std::size_t taken = cut(word);
            if (taken >= word.size()) {
                break;
            }
            lines.emplace_back(word.substr(0, taken));
            word.remove_prefix(taken);
        }
        line = word;
    }
    if (!line.empty()) {
        lines.push_back(std::move(line));
    }
    return lines;
}

std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;  // not a continuation byte
    }));
}

std::string filled_lines(std::string_view text, std::size_t width, std::size_t indent,
                         std::size_t hanging) {
    const auto fits = [&](std::string_view line, bool first) {
        return (first ? indent : hanging) + columns_of(line) <= width;
    };
    std::string all;
    for (const std::string& line : broken_lines(text, fits)) {
        all += std::string(all.empty() ? indent : hanging, ' ') + line + "\n";
    }
    return all;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
    std::string all;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string lines = filled_lines(text.substr(at, end - at), width, indent, indent);
        all += lines.empty() ? "\n" : lines;
        at = end + 1;
    }
    return all;
}

}  // namespace nibble
