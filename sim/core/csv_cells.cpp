#include "sim/core/csv_cells.hpp"

namespace nibble {

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

}  // namespace nibble
