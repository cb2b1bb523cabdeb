#include "sim/core/csv_cells.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace nibble {
namespace {

/// What begins with = + - @, as it is or in full width, behind blanks of any kind; not a number.
bool is_like_formula(std::string_view text) {
    static constexpr std::array<std::string_view, 6> blanks = {"\u00a0", "\u3000", "\ufeff",
                                                               "\u200b", "\u2009", "\u202f"};
    static constexpr std::array<std::string_view, 8> signs = {
        "=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"};
    const auto begins = [&](std::string_view with) { return text.starts_with(with); };
    for (;;) {
        const auto blank = std::find_if(blanks.begin(), blanks.end(), begins);
        if (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') {
            text.remove_prefix(1);
        } else if (blank != blanks.end()) {
            text.remove_prefix(blank->size());
        } else {
            break;
        }
    }
    double number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return std::any_of(signs.begin(), signs.end(), begins) &&
           (failed != std::errc() || end != text.data() + text.size());
}

/// Where the first cell ends: at its first separator, or, when it begins with a quote, at the first
/// one that stands between no two quotes.
std::size_t cell_end(std::string_view line, char separator) {
    std::size_t i = 0;
    while (i < line.size() && line[i] != separator && (line[i] == ' ' || line[i] == '\t')) {
        ++i;
    }
    const bool may_quote = i < line.size() && line[i] == '"';
    for (bool is_quoted = false; i < line.size(); ++i) {
        if (may_quote && line[i] == '"') {
            is_quoted = !is_quoted;
        } else if (line[i] == separator && !is_quoted) {
            return i;
        }
    }
    return std::string_view::npos;
}

}  // namespace

std::string_view without_byte_order_mark(std::string_view text) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

std::string_view trimmed(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

void split_cells(std::string_view line, std::vector<std::string_view>& cells, char separator) {
    cells.clear();
    for (;;) {
        const auto end = cell_end(line, separator);
        std::string_view cell = trimmed(line.substr(0, end));
        if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') {
            cell = cell.substr(1, cell.size() - 2);
        }
        cells.push_back(cell);
        if (end == std::string_view::npos) {
            return;
        }
        line.remove_prefix(end + 1);
    }
}

std::string csv_cell(std::string_view text) {
    const bool formula = is_like_formula(text);
    std::string cell = formula ? "'" : "";
    for (const char c : text) {
        const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        cell += c == '"'                                         ? std::string("\"\"")
                : control && c != '\n' && c != '\r' && c != '\t' ? " "
                                                                 : std::string(1, c);
    }
    const bool plain = !formula && cell.find_first_of(",;\"\r\n#") == std::string::npos;
    return plain ? cell : "\"" + cell + "\"";
}

std::string csv_line(const std::vector<std::string>& cells) {
    return fmt::format("{}\n", fmt::join(cells, ","));
}

}  // namespace nibble
