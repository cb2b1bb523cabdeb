// Breaking and cutting text to a width.
#include <algorithm>

#include "sim/core/line_break.hpp"
#include "sim/core/utf8.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {
namespace {

constexpr std::string_view ellipsis = "\u2026";

/// Bytes of the longest prefix of whole characters that fits `width`; at least one character.
std::size_t fitting_prefix(std::string_view text, Font font, float width,
                           const TextMeasure& measure) {
    std::vector<std::size_t> ends;
    for (std::size_t at = 0; at < text.size();) {
        next_character(text, at);
        ends.push_back(at);
    }
    const auto too_wide = std::partition_point(ends.begin(), ends.end(), [&](std::size_t end) {
        return measure.width(text.substr(0, end), font) <= width;
    });
    return too_wide == ends.begin() ? ends.front() : *(too_wide - 1);
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, Font font, float width,
                              const TextMeasure& measure) {
    const auto fits = [&](std::string_view line, bool) {
        return measure.width(line, font) <= width;
    };
    const auto cut = [&](std::string_view word) {
        return fitting_prefix(word, font, width, measure);
    };
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        for (std::string& line : broken_lines(text.substr(at, end - at), fits, cut)) {
            lines.push_back(std::move(line));
        }
        at = end + 1;
    }
    return lines;
}

std::string shortened(std::string_view text, Font font, float width, const TextMeasure& measure) {
    if (measure.width(text, font) <= width) {
        return std::string(text);
    }
    const float room = width - measure.width(ellipsis, font);
    if (room <= 0 || text.empty()) {
        return {};
    }
    std::string_view kept = text.substr(0, fitting_prefix(text, font, room, measure));
    if (measure.width(kept, font) > room) {
        return {};
    }
    while (!kept.empty() && kept.back() == ' ') {
        kept.remove_suffix(1);
    }
    return std::string(kept) + std::string(ellipsis);
}

}  // namespace nibble
