// Text for a terminal: aligned columns, counted in characters, not bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/line_break.hpp"

namespace nibble {

enum class Align { left, right };

/// Rows of cells, each column as wide as its widest cell, two spaces between them.
class Columns {
public:
    explicit Columns(std::vector<Align> aligns, std::size_t indent = 0)
        : aligns_(std::move(aligns)), indent_(indent) {}

    /// One cell a column; NIBBLE_ASSERTs the count.
    void add(std::vector<std::string> cells);
    /// Every row on a line of its own, without trailing spaces.
    std::string text() const;

private:
    std::vector<Align> aligns_;
    std::size_t indent_;
    std::vector<std::vector<std::string>> rows_;
};

/// `text` on one line: line breaks and other control characters become spaces.
std::string one_line(std::string_view text);

}  // namespace nibble
