// Typed answers: numbers with units, and short texts against patterns.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <optional>

#include "sim/core/error.hpp"
#include "viz/lesson/answers.hpp"
#include "viz/lesson/fields.hpp"

namespace nibble {
namespace {

struct Prefix {
    std::string_view sign;
    double factor;
};
constexpr std::array<Prefix, 16> prefixes = {{{"", 1},
                                              {"n", 1e-9},
                                              {"µ", 1e-6},
                                              {"μ", 1e-6},
                                              {"u", 1e-6},
                                              {"m", 1e-3},
                                              {"k", 1e3},
                                              {"K", 1e3},
                                              {"M", 1e6},
                                              {"G", 1e9},
                                              {"T", 1e12},
                                              {"P", 1e15},
                                              {"Ki", 0x1p10},
                                              {"Mi", 0x1p20},
                                              {"Gi", 0x1p30},
                                              {"Ti", 0x1p40}}};

/// Units that take a prefix; what follows them ("/s") stays.
constexpr std::array<std::string_view, 4> bases = {"FLOP", "s", "B", "W"};

/// 0.001 and "s" of "ms"; nothing for a unit that is not built so.
std::optional<std::pair<double, std::string_view>> split_unit(std::string_view unit) {
    for (const Prefix& p : prefixes) {
        if (!unit.starts_with(p.sign)) {
            continue;
        }
        const std::string_view rest = unit.substr(p.sign.size());
        const std::string_view base = rest.substr(0, std::min(rest.find('/'), rest.size()));
        if (std::find(bases.begin(), bases.end(), base) != bases.end()) {
            return std::pair(p.factor, rest);
        }
    }
    return std::nullopt;
}

/// Small letters, one space where there were many, none at the ends.
std::string folded(std::string_view text) {
    std::string out;
    for (const char c : trimmed(text)) {
        const bool space = c == ' ' || c == '\t' || c == '\n' || c == '-';
        if (space && !out.empty() && out.back() == ' ') {
            continue;
        }
        out += space ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

/// Whether all of `text` fits `pattern`; time is proportional to the product of their lengths.
bool fits_pattern(std::string_view text, std::string_view pattern) {
    std::size_t t = 0, p = 0, star = std::string_view::npos, from = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

double read_quantity(std::string_view typed, std::string_view unit) {
    const std::string text(trimmed(typed));
    const std::string expected = unit.empty()
                                     ? "a number, such as 4.5"
                                     : fmt::format("a number in {0}, such as 4.5 {0}", unit);
    const auto refuse = [&](const std::string& why) {
        throw Error(Error::Code::bad_param, fmt::format("\"{}\" {}", text.substr(0, 60), why),
                    expected);
    };
    std::string_view rest = text;
    if (rest.starts_with("+") || rest.starts_with("≈") || rest.starts_with("~")) {
        rest.remove_prefix(rest.starts_with("≈") ? 3 : 1);
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    }
    double value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc{} || !std::isfinite(value)) {
        refuse("is no number");
    }
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (rest.starts_with(",")) {
        refuse("has a comma");
    }
    const std::string given(trimmed(rest));
    if (given.empty() || given == unit) {
        return value;
    }
    const auto from = split_unit(given), to = split_unit(unit);
    if (!from || !to || from->second != to->second) {
        refuse(fmt::format("is in \"{}\"", given));
    }
    return value * from->first / to->first;
}

bool fits(std::string_view text, const std::vector<std::string>& patterns) {
    const std::string given = folded(text);
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& p) { return fits_pattern(given, folded(p)); });
}

}  // namespace nibble
