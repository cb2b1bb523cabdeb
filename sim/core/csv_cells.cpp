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

}  // namespace

std::string_view without_byte_order_mark(std::string_view text) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    return first == std::string_view::npos
               ? std::string_view{}
               : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

namespace {

/// Where the first cell ends. Between quotes a separator is a character like any other; a doubled
/// quote closes and opens again.
std::size_t cell_end(std::string_view line, char separator) {
    const auto first = line.find_first_not_of(separator == '\t' ? " \r" : " \t\r");
    if (first == std::string_view::npos || line[first] != '"') {
        return line.find(separator);
    }
    bool is_quoted = false;
    for (std::size_t i = first; i < line.size(); ++i) {
        if (line[i] == '"') {
            is_quoted = !is_quoted;
        } else if (line[i] == separator && !is_quoted) {
            return i;
        }
    }
    return std::string_view::npos;
}

}  // namespace

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
