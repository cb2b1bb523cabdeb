// Text for a terminal: wrapped paragraphs and aligned columns, counted in characters, not bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nibble {

/// How many columns a UTF-8 text takes: one a code point.
std::size_t columns_of(std::string_view text);

/// Lines of at most `width` columns, broken at spaces, each after `indent` spaces. A longer word
/// stands alone. Keeps the text's own line breaks; ends with one.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent = 0);

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

/// A cell of a CSV file, quoted (RFC 4180) when it holds a comma, a quote, a line break or the # of
/// a comment.
std::string csv_cell(const std::string& text);

/// `text` on one line: line breaks and other control characters become spaces.
std::string one_line(std::string_view text);

}  // namespace nibble
