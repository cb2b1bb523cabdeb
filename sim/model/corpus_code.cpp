// Code: functions of a small language with nested blocks. Every block closes by its own name, and
// every variable that is read was declared in a block that is still open.
#include <algorithm>
#include <fmt/format.h>

#include "sim/model/corpus.hpp"

namespace nibble {
namespace {

using Words = std::vector<std::string>;

const Words verbs = {"count", "find",  "merge", "scale", "split", "rank",
                     "trace", "build", "check", "pack",  "blend", "shift"};
const Words nouns = {"_rows",  "_nodes",  "_items", "_edges", "_words", "_cells",
                     "_pairs", "_blocks", "_pages", "_lines", "_bits",  "_keys"};
const Words variables = {"alpha", "beta",   "gamma",  "delta",  "index", "total", "limit",
                         "width", "height", "depth",  "left",   "right", "first", "last",
                         "size",  "step",   "offset", "weight", "score", "value"};
const Words comparisons = {" < ", " > ", " == "};
const Words operators = {" + ", " - ", " * "};
constexpr std::size_t deepest = 3, longest = 30;

class Program {
public:
    explicit Program(Writer& writer) : writer_(writer) {}

    void write() {
        writer_.say("fn ");
        const std::string verb = verbs[writer_.pick(verbs)];
        const std::string title = verb + nouns[writer_.pick(nouns)];
        writer_.say("(");
        declare();
        static const Words more = {", ", ")\n"};
        if (writer_.pick(more) == 0) {
            declare();
            writer_.say(")\n");
        }
        block(1);
        writer_.say("  return ");
        writer_.pick(names_);
        writer_.say("\nend fn " + title + "\n");
    }

private:
    void declare() {
        Words left;
        for (const std::string& v : variables) {
            if (std::find(names_.begin(), names_.end(), v) == names_.end()) {
                left.push_back(v);
            }
        }
        names_.push_back(left[writer_.pick(left)]);
    }

    /// A variable in sight or a digit; no variable is spelled like the beginning of another.
    void operand() {
        static const std::string numbers = "0123456789";
        Words options = names_;
        std::vector<double> weights(names_.size(), 1.0);
        for (const char digit : numbers) {
            options.emplace_back(1, digit);
            weights.push_back(0.1);
        }
        writer_.pick(options, weights);
    }

    void expression() {
        operand();
        Words options = operators;
        options.emplace_back("\n");
        static const std::vector<double> weights = {0.5, 0.5, 0.5, 1};
        if (writer_.pick(options, weights) < operators.size()) {
            operand();
            writer_.say("\n");
        }
    }

    void condition() {
        writer_.pick(names_);
        writer_.pick(comparisons);
        operand();
        writer_.say("\n");
    }

    void open(std::size_t depth, const std::string& closing) {
        const std::size_t in_sight = names_.size();
        block(depth + 1);
        names_.resize(in_sight);
        writer_.say(std::string(2 * depth, ' ') + "end " + closing + "\n");
    }

    /// Statements until the one that ends the block. At the deepest level blocks do not open, and
    /// when the program is long enough nothing does but the end.
    void block(std::size_t depth) {
        const std::string indent(2 * depth, ' ');
        for (std::size_t i = 0;; ++i) {
            const bool full = statements_ >= longest || names_.size() + 1 >= variables.size();
            const double nested = full || depth >= deepest ? 0 : 1, flat = full ? 0 : 1;
            // A semicolon line ends a block, so that every choice shows where it is made.
            const Words options = {indent + "let ",   indent + "set ", indent + "if ",
                                   indent + "while ", indent + "for ", indent + "print ",
                                   indent + ";\n"};
            const double weights[] = {1.4 * flat,
                                      1.2 * flat,
                                      0.8 * nested,
                                      0.5 * nested,
                                      0.5 * nested,
                                      0.6 * flat,
                                      i == 0 && !full ? 0.0 : 1.6};
            const std::size_t kind = writer_.pick(options, weights);
            ++statements_;
            if (kind == 6) {
                return;
            }
            statement(kind, depth);
        }
    }

    void statement(std::size_t kind, std::size_t depth) {
        static const Words closings = {"", "", "if", "while", "for", ""};
        if (kind == 0) {
            const std::size_t in_sight = names_.size();
            declare();
            const std::string name = names_.back();
            names_.resize(in_sight);  // not yet in sight of its own value
            writer_.say(" = ");
            expression();
            names_.push_back(name);
        } else if (kind == 1) {
            writer_.pick(names_);
            writer_.say(" = ");
            expression();
        } else if (kind == 5) {
            writer_.pick(names_);
            writer_.say("\n");
        } else if (kind == 4) {
            const std::size_t in_sight = names_.size();
            declare();
            const std::string name = names_.back();
            names_.resize(in_sight);
            writer_.say(" in 0 .. ");
            operand();
            writer_.say("\n");
            names_.push_back(name);
            open(depth, "for " + name);
            names_.resize(in_sight);
        } else {
            condition();
            open(depth, closings[kind]);
        }
    }

    Writer& writer_;
    Words names_;
    std::size_t statements_ = 0;
};

}  // namespace

void write_code(Writer& writer) {
    Program(writer).write();
}

}  // namespace nibble
