// The splitting rules that models publish as regular expressions, written out: each function takes
// the longest word that its expression would match at a place.
#include "sim/core/utf8.hpp"
#include "sim/model/tokenizer.hpp"

namespace nibble {
namespace {

class Cursor {
public:
    explicit Cursor(std::string_view text) : text_(text) {}

    bool at_end(std::size_t at) const { return at >= text_.size(); }
    CharClass kind(std::size_t at) const { return class_of(next_character(text_, at)); }
    bool is(std::size_t at, CharClass wanted) const { return !at_end(at) && kind(at) == wanted; }
    bool is_break(std::size_t at) const {
        return !at_end(at) && (text_[at] == '\n' || text_[at] == '\r');
    }
    bool is_blank(std::size_t at) const { return !at_end(at) && text_[at] == ' '; }
    std::size_t after(std::size_t at) const { return next_character(text_, at), at; }
    /// End of the run of this kind from `at` on, at most `most` characters.
    std::size_t run(std::size_t at, CharClass wanted, std::size_t most = SIZE_MAX) const {
        for (std::size_t n = 0; n < most && is(at, wanted); ++n) {
            at = after(at);
        }
        return at;
    }
    /// End of 's, 't, 're, 've, 'm, 'll or 'd at this place; the place itself when there is none.
    std::size_t contraction(std::size_t at, bool any_case) const {
        if (at_end(at) || text_[at] != '\'') {
            return at;
        }
        for (const std::string_view ending : {"s", "t", "re", "ve", "m", "ll", "d"}) {
            bool same = at + 1 + ending.size() <= text_.size();
            for (std::size_t i = 0; same && i < ending.size(); ++i) {
                const char c = text_[at + 1 + i];
                same = c == ending[i] || (any_case && c == ending[i] - 'a' + 'A');
            }
            if (same) {
                return at + 1 + ending.size();
            }
        }
        return at;
    }
    /// \s+(?!\S)|\s+ : a run of space leaves its last character to the word that follows.
    std::size_t space(std::size_t at) const {
        std::size_t end = at, last = at;
        while (is(end, CharClass::space)) {
            last = end;
            end = after(end);
        }
        return at_end(end) || last == at ? end : last;
    }

private:
    std::string_view text_;
};

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t gpt2_word(const Cursor& c, std::size_t at) {
    if (const std::size_t end = c.contraction(at, false); end > at) {
        return end;
    }
    const std::size_t start = c.is_blank(at) ? at + 1 : at;
    for (const CharClass kind : {CharClass::letter, CharClass::number, CharClass::other}) {
        if (c.is(start, kind)) {
            return c.run(start, kind);
        }
    }
    return c.space(at);
}

/// (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
/// \s+(?!\S)|\s+ with n = 3 (Llama 3) or 1 (Qwen 2)
std::size_t llama3_word(const Cursor& c, std::size_t at, std::size_t most_digits) {
    if (const std::size_t end = c.contraction(at, true); end > at) {
        return end;
    }
    if (c.is(at, CharClass::letter)) {
        return c.run(at, CharClass::letter);
    }
    if (c.is(at, CharClass::number)) {
        return c.run(at, CharClass::number, most_digits);
    }
    if (!c.is_break(at) && c.is(c.after(at), CharClass::letter)) {
        return c.run(c.after(at), CharClass::letter);
    }
    const std::size_t start = c.is_blank(at) ? at + 1 : at;
    if (c.is(start, CharClass::other)) {
        std::size_t end = c.run(start, CharClass::other);
        while (c.is_break(end)) {
            ++end;
        }
        return end;
    }
    std::size_t after_break = at;
    for (std::size_t i = at; c.is(i, CharClass::space); i = c.after(i)) {
        if (c.is_break(i)) {
            after_break = i + 1;
        }
    }
    return after_break > at ? after_break : c.space(at);
}

/// Every digit alone, what lies between them together.
std::size_t digit_word(const Cursor& c, std::size_t at) {
    if (c.is(at, CharClass::number)) {
        return c.after(at);
    }
    while (!c.at_end(at) && !c.is(at, CharClass::number)) {
        at = c.after(at);
    }
    return at;
}

std::size_t word_end(SplitStep step, const Cursor& cursor, std::size_t at) {
    switch (step) {
        case SplitStep::gpt2:
            return gpt2_word(cursor, at);
        case SplitStep::llama3:
            return llama3_word(cursor, at, 3);
        case SplitStep::qwen2:
            return llama3_word(cursor, at, 1);
        case SplitStep::digits:
            break;
    }
    return digit_word(cursor, at);
}

}  // namespace

std::vector<std::string_view> split_words(std::string_view text, std::span<const SplitStep> steps) {
    std::vector<std::string_view> words = {text};
    for (const SplitStep step : steps) {
        std::vector<std::string_view> finer;
        for (const std::string_view word : words) {
            const Cursor cursor(word);
            for (std::size_t at = 0; at < word.size();) {
                const std::size_t end = word_end(step, cursor, at);
                NIBBLE_ASSERT(end > at, "every rule takes at least one character");
                finer.push_back(word.substr(at, end - at));
                at = end;
            }
        }
        words = std::move(finer);
    }
    return words;
}

}  // namespace nibble
