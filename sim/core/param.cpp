#include "sim/core/param.hpp"

#include <cctype>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/core/nearest.hpp"
#include "sim/core/text.hpp"
#include "sim/core/utf8.hpp"

namespace nibble {
namespace {

std::string flag(const ParamInfo& p) {
    return "--" + p.name;
}

[[noreturn]] void refuse(const ParamInfo& p, const std::string& shown, const std::string& why) {
    throw Error(Error::Code::bad_param, fmt::format("{} = {} {}", p.name, shown, why),
                fmt::format("{} takes {}", flag(p), p.accepts()));
}

void check_range(const ParamInfo& p, double value, const std::string& shown) {
    if (!(value >= p.range.min && value <= p.range.max)) {  // also refuses NaN
        refuse(p, shown, "is out of range");
    }
}

void check_choice(const ParamInfo& p, const std::string& name) {
    std::vector<std::string> names;
    for (const Choice& c : p.choices) {
        if (c.name == name) {
            return;
        }
        names.push_back(c.name);
    }
    // A choice with suffixes also takes the path of a file that ends in one.
    for (const std::string& suffix : p.suffixes) {
        if (name.ends_with(suffix)) {
            return;
        }
    }
    constexpr std::size_t listed = 12, named = 4;
    if (names.size() > listed) {
        throw Error(
            Error::Code::bad_param,
            fmt::format("{} = \"{}\" is not one of the {}", p.name, name, names.size()),
            fmt::format("the nearest are {}", fmt::join(nearest_names(name, names, named), ", ")));
    }
    const std::string near = nearest(name, names);
    throw Error(Error::Code::bad_param, fmt::format("{} = \"{}\" is not a choice", p.name, name),
                fmt::format("{} takes {}{}", flag(p), p.accepts(),
                            near.empty() ? "" : "; did you mean " + near + "?"));
}

template <class Number>
bool parse_whole(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Value ParamInfo::checked(const Value& value) const {
    const std::string shown = to_text(value);
    switch (type) {
        case ParamType::boolean:
            if (std::holds_alternative<bool>(value)) {
                return value;
            }
            break;
        case ParamType::integer:
            if (const auto* i = std::get_if<std::int64_t>(&value)) {
                check_range(*this, static_cast<double>(*i), shown);
                return value;
            }
            break;
        case ParamType::real:
            if (const auto* i = std::get_if<std::int64_t>(&value)) {
                check_range(*this, static_cast<double>(*i), shown);
                return static_cast<double>(*i);
            }
            if (const auto* d = std::get_if<double>(&value)) {
                check_range(*this, *d, shown);
                return value;
            }
            break;
        case ParamType::choice:
            if (const auto* s = std::get_if<std::string>(&value)) {
                check_choice(*this, *s);
                return value;
            }
            break;
        case ParamType::text:
        case ParamType::file:
            if (const auto* s = std::get_if<std::string>(&value)) {
                if (!is_utf8(*s) || s->find('\0') != std::string::npos) {
                    refuse(*this, "(bytes)", "is not UTF-8 text");
                }
                return value;
            }
            break;
    }
    refuse(*this, shown, "has the wrong type");
}

Value ParamInfo::parsed(std::string_view text) const {
    const std::string shown = fmt::format("\"{}\"", text);
    switch (type) {
        case ParamType::boolean:
            if (text == "true" || text == "1" || text == "on" || text == "yes") {
                return true;
            }
            if (text == "false" || text == "0" || text == "off" || text == "no") {
                return false;
            }
            refuse(*this, shown, "is not true or false");
        case ParamType::integer: {
            std::int64_t i = 0;
            if (!parse_whole(text, i)) {
                refuse(*this, shown, "is not a whole number");
            }
            return checked(i);
        }
        case ParamType::real: {
            double d = 0;
            if (!parse_whole(text, d)) {
                refuse(*this, shown, "is not a number");
            }
            return checked(d);
        }
        case ParamType::choice:
        case ParamType::text:
        case ParamType::file:
            return checked(std::string(text));
    }
    broken_invariant("type", "a parameter type is not handled", __FILE__, __LINE__);
}

std::string ParamInfo::accepts() const {
    switch (type) {
        case ParamType::boolean:
            return "true or false";
        case ParamType::integer:
        case ParamType::real: {
            const bool whole = type == ParamType::integer;
            const auto end = [&](double v) {
                return whole ? fmt::format("{:.0f}", v) : format_number(v, 6);
            };
            return fmt::format("{}{} to {}{}{}", whole ? "" : "a number from ", end(range.min),
                               end(range.max), unit_name.empty() ? "" : " ", unit_name);
        }
        case ParamType::choice: {
            std::string names;
            for (const Choice& c : choices) {
                names += (names.empty() ? "" : ", ") + c.name;
            }
            return "one of " + names +
                   (suffixes.empty() ? ""
                                     : fmt::format(", or a file: {}", fmt::join(suffixes, ", ")));
        }
        case ParamType::text:
            return "text";
        case ParamType::file:
            return fmt::format("a file: {}", fmt::join(suffixes, ", "));
    }
    return {};
}

std::string to_text(const Value& value) {
    return std::visit(
        [](const auto& v) -> std::string {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<T, std::string>) {
                return v;
            } else if constexpr (std::is_same_v<T, bool>) {
                return v ? "true" : "false";
            } else {
                return fmt::format("{}", v);  // shortest text that reads back to the same bits
            }
        },
        value);
}

std::string words_of(std::string_view name) {
    std::string words(name);
    for (char& c : words) {
        c = c == '_' || c == '-' ? ' ' : c;
    }
    if (!words.empty()) {
        words[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(words[0])));
    }
    return words;
}

}  // namespace nibble
