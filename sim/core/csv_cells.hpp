// Cells of CSV files. Read: one line cut at its separators, without the blanks around them, a quoted
// cell without its quotes; a quoted cell may hold separators, but no line break. Written: RFC 4180.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nibble {

/// Without the byte order mark that some editors put in front of a file.
std::string_view without_byte_order_mark(std::string_view text);
/// Without blanks, tabs and carriage returns at both ends.
std::string_view trimmed(std::string_view text);
/// Views into `line`; `cells` is used again, so that a long file costs no memory.
void split_cells(std::string_view line, std::vector<std::string_view>& cells, char separator = ',');

/// A text as a cell: quoted where a comma, a quote, a line break or the # of a comment would be
/// misread, and behind a ' where a spreadsheet would take it for a formula.
std::string csv_cell(std::string_view text);
/// Cells as a line with its end; numbers and cells of csv_cell() as they are.
std::string csv_line(const std::vector<std::string>& cells);

}  // namespace nibble
