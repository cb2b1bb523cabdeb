// The loop that both kinds of tokenizer share: merge the best pair of neighbours until none is
// left.
#pragma once

#include <queue>
#include <string_view>
#include <vector>

namespace nibble {

/// A stretch of the text that is one symbol.
struct Symbol {
    std::size_t begin, length;
};

/// Merges neighbours while `priority(left, right)`, two adjacent stretches of text, gives a number
/// (larger is better; the leftmost pair among equals) and not NaN. n log n in the symbols.
template <class Priority>
std::vector<Symbol> merge_pieces(std::string_view text, std::vector<Symbol> symbols,
                                 const Priority& priority) {
    struct Pair {
        double priority;
        std::size_t left, right;                // places in `symbols`
        std::size_t left_length, right_length;  // stale when they have changed since
        bool operator<(const Pair& other) const {
            return priority != other.priority ? priority < other.priority : left > other.left;
        }
    };
    const std::size_t none = symbols.size();
    std::vector<std::size_t> next(symbols.size()), previous(symbols.size());
    std::priority_queue<Pair> best;
    const auto offer = [&](std::size_t l, std::size_t r) {
        if (l == none || r == none) {
            return;
        }
        const double p = priority(text.substr(symbols[l].begin, symbols[l].length),
                                  text.substr(symbols[r].begin, symbols[r].length));
        if (p == p) {
            best.push({p, l, r, symbols[l].length, symbols[r].length});
        }
    };
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        next[i] = i + 1;
        previous[i] = i == 0 ? none : i - 1;
        offer(previous[i], i);
    }
    while (!best.empty()) {
        const Pair pair = best.top();
        best.pop();
        if (symbols[pair.left].length != pair.left_length ||
            symbols[pair.right].length != pair.right_length) {
            continue;
        }
        symbols[pair.left].length += symbols[pair.right].length;
        symbols[pair.right].length = 0;
        next[pair.left] = next[pair.right];
        if (next[pair.left] != none) {
            previous[next[pair.left]] = pair.left;
        }
        offer(previous[pair.left], pair.left);
        offer(pair.left, next[pair.left]);
    }
    std::vector<Symbol> merged;
    for (std::size_t i = 0; i < symbols.size(); i = next[i]) {
        merged.push_back(symbols[i]);
    }
    return merged;
}

}  // namespace nibble
