// Running text whose pieces are tinted: tokens by role or by intensity.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "viz/figure/plot.hpp"

namespace nibble {
namespace {

/// What is shown of a token: a space before it becomes a gap, a blank one still takes room, a line
/// break is named.
std::string visible_text(const std::string& text) {
    std::string shown;
    for (const char c : text) {
        shown += c == '\n' ? "↵" : c == '\t' ? "→" : std::string(1, c);
    }
    const std::size_t first = shown.find_first_not_of(' ');
    return first == std::string::npos ? "·" : shown.substr(first);
}

constexpr float padding_of_token = 3, gap_of_tokens = 2;

/// Width of the token and of those behind it that continue its word.
float word_width(const Tokens& mark, std::size_t first, const Plot& plot, Font font) {
    float width = 0;
    for (std::size_t i = first; i < mark.items.size() && width < plot.frame.width; ++i) {
        const std::string& text = mark.items[i].text;
        if (i > first && (text.starts_with(' ') || text.starts_with('\n'))) {
            break;
        }
        width += plot.text_width(visible_text(text), font) +
                 plot.scaled(2 * padding_of_token + gap_of_tokens);
    }
    return width - plot.scaled(gap_of_tokens);
}

}  // namespace

void draw(const Tokens& mark, Plot& plot) {
    const Theme& theme = plot.theme;
    const float s = theme.scale;
    const Font font = {Face::text, 13.0F * s};
    const float line = 24 * s, padding = padding_of_token * s, gap = gap_of_tokens * s;
    const Rect& f = plot.frame;
    Point at = {f.x, f.y};
    for (std::size_t i = 0; i < mark.items.size(); ++i) {
        const Tokens::Item& item = mark.items[i];
        std::string text =
            shortened(visible_text(item.text), font, f.width - 2 * padding, plot.measure);
        const float width = plot.text_width(text, font) + 2 * padding;
        at.x += item.text.starts_with(' ') && at.x > f.x ? 3 * s : 0;
        plot.content_bottom = at.y + line;
        const bool starts_word = i == 0 || item.text.starts_with(' ');
        const float needs = starts_word ? std::max(width, word_width(mark, i, plot, font)) : width;
        if (at.x > f.x && at.x + std::min(needs, f.width) > f.right()) {
            at = {f.x, at.y + line};
        }
        // The last line keeps room to say how much is left out.
        const std::string rest = fmt::format("… {} more", mark.items.size() - i);
        const bool last_line = at.y + 2 * line > f.bottom();
        const bool is_last = i + 1 == mark.items.size();
        const bool ends_line = item.text.find('\n') != std::string::npos;
        if (last_line && !is_last &&
            (ends_line || at.x + width + plot.text_width(rest, font) + 2 * padding > f.right())) {
            plot.add(TextRun{
                {at.x, at.y + line / 2}, rest, font, theme.muted, HAlign::left, VAlign::middle});
            return;
        }
        const Rect body = {at.x, at.y + 2 * s, width, line - 4 * s};
        const bool by_magnitude = item.intensity >= 0;
        const bool quiet = !by_magnitude && item.role == Role::muted;
        Color color = theme.text;
        if (!quiet) {
            const Color fill = by_magnitude ? magnitude_color(item.intensity)
                                            : plot.color(item.role).with_alpha(0.3);
            color = by_magnitude ? ink_on(fill) : theme.text;
            plot.add(FillRect{body, fill, 3 * s});
        }
        plot.add(TextRun{{body.x + padding, body.centre().y},
                         std::move(text),
                         font,
                         color,
                         HAlign::left,
                         VAlign::middle});
        if (!item.label.empty() || !mark.pick.param.empty()) {
            plot.scene.hovers.push_back(
                {body, item.label.empty() ? item.text : item.label, picked(mark.pick, i)});
        }
        at.x += width + gap;
        if (ends_line) {
            at = {f.x, at.y + line};
        }
        if (at.y + line > f.bottom() + 1) {
            return;
        }
    }
}

}  // namespace nibble
