#include "viz/figure/embed.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.hpp"
#include "sim/core/json_object.hpp"
#include "viz/figure/files.hpp"
#include "viz/figure/png_file.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

// Exports carry the scenario near their beginning (PDF: end): no more is read of a large file.
constexpr std::size_t most_head = 4U << 20U;
constexpr std::size_t most_json = 64U << 20U;

[[noreturn]] void refuse(const fs::path& path, const std::string& why, const std::string& hint) {
    throw Error(Error::Code::bad_file, fmt::format("{}: {}", path.string(), why), hint);
}

const char* const reexport =
    "open a file that Nibble exported (SVG, PDF, PNG, CSV or JSON) and no other program rewrote";

std::string unescaped_xml(std::string_view text) {
    static constexpr std::pair<std::string_view, char> entities[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    std::string plain;
    for (std::size_t at = 0; at < text.size();) {
        const auto entity =
            std::find_if(std::begin(entities), std::end(entities),
                         [&](const auto& e) { return text.substr(at).starts_with(e.first); });
        if (entity == std::end(entities)) {
            plain += text[at++];
        } else {
            plain += entity->second;
            at += entity->first.size();
        }
    }
    return plain;
}

std::optional<std::string> from_svg(std::string_view text) {
    const std::size_t id = text.find(fmt::format("id=\"{}\"", scenario_key));
    const std::size_t open = text.rfind("<metadata", id);
    const std::size_t from = text.find('>', id);
    if (id == std::string_view::npos || open == std::string_view::npos ||
        from == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t to = text.find("</metadata", from);
    if (to == std::string_view::npos) {
        return std::nullopt;
    }
    return unescaped_xml(text.substr(from + 1, to - from - 1));
}

/// A literal string of PDF: balanced or escaped parentheses, backslash escapes.
std::optional<std::string> pdf_literal(std::string_view text) {
    std::string plain;
    int depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\\' && at + 1 < text.size()) {
            const char next = text[++at];
            if (next >= '0' && next <= '7') {
                int code = 0;
                std::size_t digits = 0;
                for (; digits < 3 && at + digits < text.size() && text[at + digits] >= '0' &&
                       text[at + digits] <= '7';
                     ++digits) {
                    code = code * 8 + (text[at + digits] - '0');
                }
                plain += static_cast<char>(code);
                at += digits - 1;
            } else if (next != '\n' && next != '\r') {
                plain += next == 'n' ? '\n' : next == 'r' ? '\r' : next == 't' ? '\t' : next;
            }
            continue;
        }
        if (c == ')' && depth-- == 0) {
            return plain;
        }
        depth += c == '(' ? 1 : 0;
        plain += c;
    }
    return std::nullopt;
}

/// A hexadecimal string of PDF in UTF-16, which is how Cairo writes text with brackets or
/// backslashes. Our text is ASCII: anything else is not ours.
std::optional<std::string> pdf_hexadecimal(std::string_view text) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                      : -1;
    };
    std::string plain;
    int unit = 0, digits = 0;
    bool marked = false;
    for (const char c : text) {
        if (c == '>') {
            return marked && digits == 0 ? std::optional(plain) : std::nullopt;
        }
        if (c == ' ' || c == '\n' || c == '\r') {
            continue;
        }
        if (digit(c) < 0) {
            return std::nullopt;
        }
        unit = unit * 16 + digit(c);
        if (++digits < 4) {
            continue;
        }
        if (marked && unit > 0x7f) {
            return std::nullopt;
        }
        if (marked) {
            plain += static_cast<char>(unit);
        } else if (unit != 0xfeff) {
            return std::nullopt;
        }
        marked = true;
        unit = digits = 0;
    }
    return std::nullopt;
}

std::optional<std::string> from_pdf(std::string_view text) {
    const std::size_t key = text.rfind("/Keywords");
    const std::size_t at = key == std::string_view::npos ? key : text.find_first_of("(<", key);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view rest = text.substr(at + 1);
    const auto keywords = text[at] == '(' ? pdf_literal(rest) : pdf_hexadecimal(rest);
    const std::string start = fmt::format("{}: ", scenario_key);
    return keywords && keywords->starts_with(start) ? std::optional(keywords->substr(start.size()))
                                                    : std::nullopt;
}

std::optional<std::string> from_csv(std::string_view text) {
    const std::string start = fmt::format("# {}: ", scenario_key);
    const std::size_t at = text.starts_with(start) ? 0 : text.find("\n" + start);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t from = text.find('{', at);
    const std::size_t to = std::min(text.find_first_of("\r\n", from), text.size());
    return from == std::string_view::npos
               ? std::nullopt
               : std::optional(std::string(text.substr(from, to - from)));
}

/// The "scenario" member alone: the figures' data beside it are skipped, not stored. A file without
/// that member is taken for a scenario itself.
std::string from_json(const std::string& text, const fs::path& path) {
    const auto keep = [](const std::string& name) {
        static const std::vector<std::string> bulky = {
            "figures", "tables", "metrics", "equations", "finding", "explanation", "sampling"};
        return std::find(bulky.begin(), bulky.end(), name) == bulky.end();
    };
    const nlohmann::json whole = parse_json(text, path.string(), reexport, keep);
    return whole.is_object() && whole.contains("scenario") ? whole["scenario"].dump() : text;
}

}  // namespace

std::string embedded_scenario(const fs::path& path) {
    std::string head = read_file_part(path, most_head);
    std::string_view start = head;
    if (start.starts_with("\xef\xbb\xbf")) {
        start.remove_prefix(3);
    }
    start.remove_prefix(std::min(start.find_first_not_of(" \t\r\n"), start.size()));
    std::optional<std::string> found;
    if (start.starts_with("\x89PNG")) {
        try {
            found = png_text(head, scenario_key);
        } catch (const Error& e) { refuse(path, e.what(), reexport); }
    } else if (start.starts_with("%PDF")) {
        found = from_pdf(head);
        if (!found && head.size() == most_head) {
            found = from_pdf(read_file_part(path, most_head, /*from_end=*/true));
        }
    } else if (start.starts_with("<")) {
        found = from_svg(start);
    } else if (start.starts_with("#")) {
        found = from_csv(start);
    } else if (start.starts_with("{")) {
        if (head.size() == most_head) {
            head = read_file_part(path, most_json + 1);
        }
        if (head.size() > most_json) {
            refuse(path, "larger than 64 MiB",
                   "save the scenario alone, without the figures' data");
        }
        return from_json(head.substr(head.find('{')), path);
    } else {
        refuse(path, start.empty() ? "the file is empty" : "neither a chart nor a scenario",
               reexport);
    }
    if (!found) {
        refuse(path, "no Nibble scenario inside", reexport);
    }
    return *found;
}

}  // namespace nibble
