#include "viz/cli/text.hpp"

#include <algorithm>

#include "sim/core/error.hpp"

namespace nibble {

std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;  // not a continuation byte
    }));
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
    const std::string margin(indent, ' ');
    std::string lines, line;
    const auto end_line = [&] {
        lines += (line.empty() ? "" : margin + line) + "\n";
        line.clear();
    };
    while (true) {
        const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
        const std::string word(text.substr(0, end));
        if (!line.empty() && indent + columns_of(line) + 1 + columns_of(word) > width) {
            end_line();
        }
        line += (line.empty() || word.empty() ? "" : " ") + word;
        if (end == text.size()) {
            break;
        }
        if (text[end] == '\n') {
            end_line();
        }
        text.remove_prefix(end + 1);
    }
    end_line();
    return lines;
}

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

std::string csv_cell(const std::string& text) {
    if (text.find_first_of(",\"\r\n#") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + "\"";
}

std::string one_line(std::string_view text) {
    std::string line(text);
    for (char& c : line) {
        c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
    return line;
}

}  // namespace nibble
