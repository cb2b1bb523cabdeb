// One line of a CSV file cut into cells: at its separators, without the blanks around them, a
// quoted cell without its quotes. A quoted cell may hold separators, but no line break.
#pragma once

#include <string_view>
#include <vector>

namespace nibble {

/// Without the byte order mark that some editors put in front of a file.
std::string_view without_byte_order_mark(std::string_view text);
/// Without blanks, tabs and carriage returns at both ends.
std::string_view trimmed(std::string_view text);
/// Views into `line`; `cells` is used again, so that a long file costs no memory.
void split_cells(std::string_view line, std::vector<std::string_view>& cells, char separator = ',');

}  // namespace nibble
