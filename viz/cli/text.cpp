#include "viz/cli/text.hpp"

#include <algorithm>
#include <utility>

#include "sim/core/error.hpp"
#include "sim/core/utf8.hpp"

namespace nibble {

void Columns::add(std::vector<std::string> cells) {
    NIBBLE_ASSERT(cells.size() == aligns_.size(), "one cell a column");
    for (std::string& cell : cells) {
        cell = one_line(cell);  // names and texts of files that others wrote
    }
    rows_.push_back(std::move(cells));
}

std::string Columns::text() const {
    std::vector<std::size_t> widths(aligns_.size(), 0);
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], columns_of(row[i]));
        }
    }
    std::string all;
    for (const auto& row : rows_) {
        std::string line(indent_, ' ');
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (widths[i] == 0) {
                continue;  // a column that nobody uses takes no room
            }
            const std::string pad(widths[i] - columns_of(row[i]), ' ');
            line += aligns_[i] == Align::right ? pad + row[i] : row[i] + pad;
            line += "  ";
        }
        line.erase(line.find_last_not_of(' ') + 1);
        all += line + "\n";
    }
    return all;
}

std::string one_line(std::string_view text) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = next_character(text, at);
        append_utf8(line, is_visible(c) ? c : c < 0x80 ? U' ' : replacement_character);
    }
    return line;
}

}  // namespace nibble
