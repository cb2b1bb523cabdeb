#include "viz/figure/math_text.hpp"

#include <cctype>
#include <utility>

namespace nibble {
namespace {

std::size_t bytes_of_character(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/// Latin or Greek; Greek is U+0391 to U+03C9, the lead bytes CE and CF.
bool is_letter(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    return (character.size() == 1 && std::isalpha(first)) ||
           (character.size() == 2 && (first == 0xCE || first == 0xCF));
}

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::vector<MathRun> read() {
        while (at_ < text_.size()) {
            const std::string_view c = text_.substr(at_, bytes_of_character(text_[at_]));
            const bool script = (c == "_" || c == "^") && text_.substr(at_ + 1, 1) == "{";
            if (script) {
                level_ = c == "_" ? -1 : 1;
                at_ += 2;
            } else if (c == "}" && level_ != 0) {
                level_ = 0;
                at_ += 1;
            } else if (const std::size_t end = end_of_exponent(); end > 0) {
                add("×10", false);
                const int level = std::exchange(level_, 1);
                for (at_ += 1; at_ < end; ++at_) {
                    if (text_[at_] != '+' && !(text_[at_] == '0' && leads(end))) {
                        add(text_[at_] == '-' ? "\u2212" : text_.substr(at_, 1), false);
                    }
                }
                level_ = level;
            } else if (is_letter(c)) {
                read_word();
            } else {
                add(c == "-" ? "\u2212" : c, false);
                at_ += c.size();
            }
        }
        return runs_;
    }

private:
    /// Where the exponent of a number such as 8.8e-07 ends, when `at_` is at its e; else 0.
    std::size_t end_of_exponent() const {
        const auto digit = [&](std::size_t i) {
            return i < text_.size() && std::isdigit(static_cast<unsigned char>(text_[i])) != 0;
        };
        if (level_ != 0 || text_[at_] != 'e' || at_ == 0 || !digit(at_ - 1)) {
            return 0;
        }
        std::size_t end = at_ + 1;
        end += end < text_.size() && (text_[end] == '-' || text_[end] == '+') ? 1 : 0;
        if (!digit(end)) {
            return 0;
        }
        while (digit(end)) {
            ++end;
        }
        return end;
    }
    /// Whether the zero at `at_` stands before another digit of the exponent, and none before it.
    bool leads(std::size_t end) const {
        return at_ + 1 < end && !std::isdigit(static_cast<unsigned char>(text_[at_ - 1]));
    }

    void read_word() {
        std::size_t end = at_, letters = 0;
        while (end < text_.size()) {
            const std::string_view c = text_.substr(end, bytes_of_character(text_[end]));
            if (!is_letter(c)) {
                break;
            }
            end += c.size();
            ++letters;
        }
        add(text_.substr(at_, end - at_), letters == 1);
        at_ = end;
    }
    void add(std::string_view text, bool italic) {
        if (!runs_.empty() && runs_.back().level == level_ && runs_.back().italic == italic) {
            runs_.back().text += text;
        } else {
            runs_.push_back({std::string(text), level_, italic});
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int level_ = 0;
    std::vector<MathRun> runs_;
};

}  // namespace

std::vector<MathRun> math_runs(std::string_view text) {
    return Reader(text).read();
}

}  // namespace nibble
