#include "viz/cli/text.hpp"

#include <algorithm>

#include "sim/core/error.hpp"

namespace nibble {

void Columns::add(std::vector<std::string> cells) {
    NIBBLE_ASSERT(cells.size() == aligns_.size(), "one cell a column");
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
    std::string line(text);
    for (char& c : line) {
        c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
    return line;
}

}  // namespace nibble
