#include "viz/lesson/formula.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace nibble {
namespace {

constexpr int deepest = 50;  // brackets in brackets

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Binary operators by how strongly they bind, weakest first.
const std::vector<std::vector<std::string_view>> levels = {
    {"or"}, {"and"}, {"==", "!=", "<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/"}};

constexpr std::array<std::string_view, 9> functions = {"min",   "max",   "abs",   "sqrt", "log2",
                                                       "log10", "round", "floor", "ceil"};

class Parser {
public:
    Parser(std::string_view text, const Place& place) : text_(text), place_(place) {}

    FormulaNode whole() {
        FormulaNode node = level(0);
        skip_spaces();
        if (at_ < text_.size()) {
            refuse(fmt::format("\"{}\" is left over", text_.substr(at_)));
        }
        return node;
    }

private:
    [[noreturn]] void refuse(const std::string& why) const {
        refuse_at(place_, fmt::format("formula \"{}\": {}", text_, why),
                  "such as: sqnr >= 20 and bits <= 3");
    }

    void skip_spaces() {
        while (at_ < text_.size() && text_[at_] == ' ') {
            ++at_;
        }
    }
    /// Takes `token` when it is next; a word only when it ends there.
    bool take(std::string_view token) {
        skip_spaces();
        if (!text_.substr(at_).starts_with(token)) {
            return false;
        }
        const std::size_t end = at_ + token.size();
        if (is_letter(token[0]) && end < text_.size() &&
            (is_letter(text_[end]) || is_digit(text_[end]))) {
            return false;
        }
        at_ = end;
        return true;
    }
    void need(std::string_view token) {
        if (!take(token)) {
            refuse(fmt::format("\"{}\" is missing", token));
        }
    }
    std::string word() {
        skip_spaces();
        const std::size_t from = at_;
        while (at_ < text_.size() &&
               (is_letter(text_[at_]) || (at_ > from && is_digit(text_[at_])))) {
            ++at_;
        }
        return std::string(text_.substr(from, at_ - from));
    }
    std::string quoted() {
        const std::size_t end = text_.find('"', at_);
        if (end == std::string_view::npos) {
            refuse("a quote is not closed");
        }
        const std::string inside(text_.substr(at_, end - at_));
        at_ = end + 1;
        return inside;
    }

    FormulaNode level(std::size_t l) {
        if (l == levels.size()) {
            return unary();
        }
        FormulaNode left = l == 2 ? negated_or(l) : level(l + 1);
        for (bool more = true; more;) {
            more = false;
            for (const std::string_view op : levels[l]) {
                if (take(op)) {
                    FormulaNode both{FormulaNode::Kind::binary};
                    both.word = op;
                    both.of = {std::move(left), level(l + 1)};
                    left = std::move(both);
                    more = l != 2;  // a < b < c means nothing
                    break;
                }
            }
        }
        return left;
    }
    /// `not` binds weaker than a comparison: not a < b.
    FormulaNode negated_or(std::size_t l) {
        if (!take("not")) {
            return level(l + 1);
        }
        deeper();
        FormulaNode node{FormulaNode::Kind::unary};
        node.word = "not";
        node.of = {level(l)};
        --depth_;
        return node;
    }
    FormulaNode unary() {
        if (take("-")) {
            deeper();
            FormulaNode node{FormulaNode::Kind::unary};
            node.word = "-";
            node.of = {unary()};
            --depth_;
            return node;
        }
        FormulaNode base = atom();
        if (!take("^")) {
            return base;
        }
        deeper();
        FormulaNode power{FormulaNode::Kind::binary};
        power.word = "^";
        power.of = {std::move(base), unary()};
        --depth_;
        return power;
    }
    FormulaNode atom() {
        skip_spaces();
        if (take("(")) {
            deeper();
            FormulaNode inside = level(0);
            --depth_;
            need(")");
            return inside;
        }
        FormulaNode node;
        if (take("\"")) {
            node.kind = FormulaNode::Kind::text;
            node.word = quoted();
            return node;
        }
        if (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) {
            const auto [end, error] =
                std::from_chars(text_.data() + at_, text_.data() + text_.size(), node.number);
            if (error != std::errc{}) {
                refuse("a number cannot be read");
            }
            at_ = static_cast<std::size_t>(end - text_.data());
            return node;
        }
        node.word = word();
        if (node.word.empty()) {
            refuse(at_ < text_.size()
                       ? fmt::format("\"{}\" is not expected here", text_.substr(at_))
                       : "it ends too early");
        }
        return named(std::move(node));
    }
    FormulaNode named(FormulaNode node) {
        if (node.word == "true" || node.word == "false") {
            node.number = node.word == "true" ? 1 : 0;
            return node;
        }
        if (take("(")) {
            return called(std::move(node));
        }
        node.kind = FormulaNode::Kind::name;
        node.changes = changes();
        return node;
    }
    FormulaNode called(FormulaNode node) {
        deeper();
        if (node.word == "cell") {
            node.kind = FormulaNode::Kind::cell;
            node.word = word();
            need(",");
            node.row = cell_word();
            need(",");
            node.column = cell_word();
            need(")");
            node.changes = changes();
        } else {
            if (std::find(functions.begin(), functions.end(), node.word) == functions.end()) {
                refuse(fmt::format("there is no function {}; there are {} and cell", node.word,
                                   fmt::join(functions, ", ")));
            }
            node.kind = FormulaNode::Kind::call;
            do {
                node.of.push_back(level(0));
            } while (take(","));
            need(")");
            const bool many = node.word == "min" || node.word == "max";
            if (many ? node.of.size() < 2 : node.of.size() != 1) {
                refuse(fmt::format("{} takes {}", node.word,
                                   many ? "two or more values" : "one value"));
            }
        }
        --depth_;
        return node;
    }
    /// A row's or a column's name: up to the comma or bracket, or in quotes.
    std::string cell_word() {
        skip_spaces();
        if (take("\"")) {
            return quoted();
        }
        const std::size_t from = at_;
        at_ = std::min(text_.find_first_of(",)", at_), text_.size());
        std::string inside(text_.substr(from, at_ - from));
        inside.erase(inside.find_last_not_of(' ') + 1);
        return inside;
    }
    std::string changes() {
        if (at_ >= text_.size() || text_[at_] != '[') {
            return {};
        }
        const std::size_t end = text_.find(']', at_);
        if (end == std::string_view::npos) {
            refuse("\"]\" is missing");
        }
        const std::string inside(text_.substr(at_ + 1, end - at_ - 1));
        at_ = end + 1;
        return inside;
    }
    void deeper() {
        if (++depth_ > deepest) {
            refuse("brackets nest too deep");
        }
    }

    std::string_view text_;
    const Place& place_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace

Formula::Formula(std::string text, Place place) : text_(std::move(text)), place_(std::move(place)) {
    root_ = std::make_shared<const FormulaNode>(Parser(text_, place_).whole());
}

}  // namespace nibble
