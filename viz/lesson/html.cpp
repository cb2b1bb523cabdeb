#include "viz/lesson/html.hpp"

#include <cstdint>
#include <fmt/format.h>

#include "viz/figure/math_text.hpp"
#include "viz/figure/svg_canvas.hpp"

namespace nibble {
namespace {

std::string html_of_math(std::string_view math) {
    std::string html;
    for (const MathRun& run : math_runs(math)) {
        const std::string text = html_escaped(run.text);
        const std::string leaning = run.italic ? "<i>" + text + "</i>" : text;
        html += run.level < 0   ? "<sub>" + leaning + "</sub>"
                : run.level > 0 ? "<sup>" + leaning + "</sup>"
                                : leaning;
    }
    return "<span class=\"math\">" + html + "</span>";
}

}  // namespace

std::string html_escaped(std::string_view text) {
    std::string escaped;
    for (const char c : xml_escaped(text)) {
        escaped += c == '\'' ? "&#39;" : std::string(1, c);
    }
    return escaped;
}

std::string html_of(const RichText& text) {
    std::string html;
    for (const Inline& piece : text) {
        std::string one =
            piece.kind == Inline::Kind::math ? html_of_math(piece.text) : html_escaped(piece.text);
        for (const auto& [on, element] :
             {std::pair(piece.code, "code"), std::pair(piece.emphasis, "em"),
              std::pair(piece.strong, "strong")}) {
            one = on ? fmt::format("<{0}>{1}</{0}>", element, one) : one;
        }
        html += one;
        if (!piece.link.empty() && piece.link != piece.text) {
            html += " (" + html_escaped(piece.link) + ")";
        }
    }
    return html;
}

std::string html_safe_json(std::string json) {
    std::string safe;
    safe.reserve(json.size());
    for (const char c : json) {
        switch (c) {
            case '<':
                safe += "\\u003c";
                break;
            case '>':
                safe += "\\u003e";
                break;
            case '&':
                safe += "\\u0026";
                break;
            default:
                safe += c;
        }
    }
    return safe;
}

}  // namespace nibble
