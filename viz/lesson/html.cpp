#include "viz/lesson/html.hpp"

#include <cstdint>
#include <fmt/format.h>

#include "viz/figure/math_text.hpp"
#include "viz/figure/svg_canvas.hpp"

namespace nibble {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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

std::string base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            const auto byte = i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U;
            three = three << 8U | byte;
        }
        for (std::size_t k = 0; k < 4; ++k) {
            text += i + k > bytes.size() ? '=' : digits[three >> (18U - 6U * k) & 63U];
        }
    }
    return text;
}

std::string from_base64(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    int held = 0;
    while (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    for (const char c : text) {
        const std::size_t value = digits.find(c);
        if (value == std::string_view::npos) {
            throw Error(Error::Code::bad_file, "a picture is not written in base64");
        }
        bits = bits << 6U | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes += static_cast<char>(bits >> static_cast<unsigned>(held) & 0xffU);
        }
    }
    return bytes;
}

}  // namespace nibble
