// Formulas of a lesson: conditions of tasks, true values of questions, numbers in prose.
//
//     sqnr >= 20 and bits <= 3
//     mse[bits=3] / mse                  a metric after changing parameters of the setting
//     cell(operators, attention, intensity)     a table's cell: row by its first column
//
// A name is a parameter or a metric of the experiment that the block is about. Operators, weakest
// first: or, and, not, comparisons (== != < <= > >=), + -, * /, unary -, ^. Functions: min, max,
// abs, sqrt, log2, log10, round, floor, ceil. true is 1, false is 0; a text stands in "quotes".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "viz/lesson/place.hpp"

namespace nibble {

struct FormulaNode {
    enum class Kind { number, text, name, cell, unary, binary, call };
    Kind kind = Kind::number;
    double number = 0;
    std::string word = {};              // the name, text, operator, function or table
    std::string row = {}, column = {};  // of a cell
    std::string changes = {};           // of a name or cell: "bits=3 group_size=64"
    std::vector<FormulaNode> of = {};   // what an operator or a function works on
};

class Formula {
public:
    Formula() = default;
    /// Throws Error::bad_file at `place` for what is not a formula.
    Formula(std::string text, Place place);

    bool empty() const { return !root_; }
    const std::string& text() const { return text_; }
    const Place& place() const { return place_; }
    const FormulaNode& root() const { return *root_; }

private:
    std::string text_;
    Place place_;
    std::shared_ptr<const FormulaNode> root_;
};

}  // namespace nibble
