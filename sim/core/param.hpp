// One declaration per knob. Slider, flag, JSON key, help text, range test and fuzz test read it.
//
// A parameter struct holds plain fields with their defaults; its Schema adds what a person needs:
// range, unit and a sentence. The default is never repeated, it is read from P{}.
//
//     struct Params { int bits = 4; Scheme scheme = Scheme::absmax; };
//     const Schema<Params> schema = {
//         integer("bits", &Params::bits, {2, 8}).label("Bits per code").unit("bit")
//             .help("Fewer bits, coarser levels: each one removed doubles the step."),
//         choice("scheme", &Params::scheme, {{"absmax", "absmax"}, {"zero_point", "zero point"}})
//             .help("Whether the levels are centred on zero."),
//     };
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace nibble {

/// What a parameter can hold. A choice is its name, a file its path.
using Value = std::variant<bool, std::int64_t, double, std::string>;
/// One value per parameter, in schema order.
using ParamValues = std::vector<Value>;

enum class ParamType { boolean, integer, real, choice, text, file };

/// `data` changes what run() computes, `view` only what show() draws from it.
enum class ParamRole { data, view };

/// How a slider travels. `log2` on an integer makes the slider stop at powers of two; any integer
/// in the range can still be typed.
enum class Scale { linear, log10, log2 };

struct Range {
    double min = 0, max = 1;  // both ends allowed
    Scale scale = Scale::linear;
    /// The part that a slider travels, where the whole is too wide to be dragged through; the rest
    /// is reached by typing, by a handle and from the command line.
    std::optional<std::pair<double, double>> slider = {};

    Range travel() const {
        return slider ? Range{slider->first, slider->second, scale, {}} : *this;
    }
};

struct Choice {
    std::string name;   // the flag's value and the JSON string
    std::string label;  // what the button says
};

/// A parameter with its struct erased: all that the window, the command line and the tests need.
struct ParamInfo {
    std::string name;  // snake_case: the C++ field, the JSON key and --flag in one
    ParamType type = ParamType::real;
    Range range;                        // of integers and reals
    std::vector<Choice> choices;        // of a choice
    std::vector<std::string> suffixes;  // of a file: ".npy", ...
    Value default_value;
    std::string title;  // what the slider says; the name in words when not given
    std::string unit_name;
    std::string sentence;   // what moves on the figure when this grows
    std::string tensor_of;  // of a text: the file parameter whose tensor it names
    ParamRole role = ParamRole::data;
    bool is_advanced = false;  // behind "More parameters"

    /// Throws Error::bad_param when `value` has another type (an integer serves for a real) or lies
    /// outside the range or the choices; the hint names the flag and what it takes.
    /// Returns the value in this parameter's own type.
    Value checked(const Value& value) const;
    /// The value written on a command line or in a text field. Throws as checked() does.
    Value parsed(std::string_view text) const;
    /// "2 to 8 bit", "absmax, zero_point": for help and for errors.
    std::string accepts() const;
};

/// A value as a command line or a text field would take it; parsed() reads it back unchanged.
std::string to_text(const Value& value);

/// A ParamInfo that can read and write the field of P it stands for.
template <class P>
struct Param : ParamInfo {
    std::function<Value(const P&)> get;
    std::function<void(P&, const Value&)> set;  // expects a checked value
    std::function<bool(const P&)> is_relevant = [](const P&) { return true; };

    Param&& label(std::string text) && {
        title = std::move(text);
        return std::move(*this);
    }
    Param&& unit(std::string text) && {
        unit_name = std::move(text);
        return std::move(*this);
    }
    Param&& help(std::string text) && {
        sentence = std::move(text);
        return std::move(*this);
    }
    /// Names a tensor of the file that another parameter holds: the window then lists them.
    Param&& tensor_in(std::string file_param) && {
        tensor_of = std::move(file_param);
        return std::move(*this);
    }
    /// Changes only what is drawn: moving it never runs the experiment again.
    Param&& view() && {
        role = ParamRole::view;
        return std::move(*this);
    }
    Param&& advanced() && {
        is_advanced = true;
        return std::move(*this);
    }
    /// Shown only where it has an effect: .when([](const Params& p) { return p.groups; }).
    Param&& when(std::function<bool(const P&)> relevant) && {
        is_relevant = std::move(relevant);
        return std::move(*this);
    }
};

template <class P>
using Schema = std::vector<Param<P>>;

/// "group_size" -> "Group size".
std::string words_of(std::string_view name);

namespace detail {

template <class P, class Field, class Stored>
Param<P> make_param(std::string name, Field P::*field, ParamType type) {
    Param<P> p;
    p.title = words_of(name);
    p.name = std::move(name);
    p.type = type;
    p.get = [field](const P& params) { return Value(static_cast<Stored>(params.*field)); };
    p.set = [field](P& params, const Value& v) {
        params.*field = static_cast<Field>(std::get<Stored>(v));
    };
    p.default_value = p.get(P{});
    return p;
}

}  // namespace detail

template <class P, class Int>
requires std::is_integral_v<Int> Param<P> integer(std::string name, Int P::*field, Range range) {
    auto p = detail::make_param<P, Int, std::int64_t>(std::move(name), field, ParamType::integer);
    p.range = range;
    return p;
}

template <class P>
Param<P> real(std::string name, double P::*field, Range range) {
    auto p = detail::make_param<P, double, double>(std::move(name), field, ParamType::real);
    p.range = range;
    return p;
}

template <class P>
Param<P> boolean(std::string name, bool P::*field) {
    return detail::make_param<P, bool, bool>(std::move(name), field, ParamType::boolean);
}

/// Free text: a tensor's name, a prompt.
template <class P>
Param<P> text(std::string name, std::string P::*field) {
    return detail::make_param<P, std::string, std::string>(std::move(name), field, ParamType::text);
}

/// A path to a file of the reader's; empty means none.
template <class P>
Param<P> file(std::string name, std::string P::*field, std::vector<std::string> suffixes) {
    auto p =
        detail::make_param<P, std::string, std::string>(std::move(name), field, ParamType::file);
    p.suffixes = std::move(suffixes);
    return p;
}

/// An enum whose enumerators count up from zero in the order of `choices`.
template <class P, class Enum>
requires std::is_enum_v<Enum> Param<P> choice(std::string name, Enum P::*field,
                                              std::vector<Choice> choices) {
    Param<P> p;
    p.title = words_of(name);
    p.name = std::move(name);
    p.type = ParamType::choice;
    p.choices = choices;
    p.get = [field, choices](const P& params) {
        return Value(choices.at(static_cast<std::size_t>(params.*field)).name);
    };
    p.set = [field, choices](P& params, const Value& v) {
        for (std::size_t i = 0; i < choices.size(); ++i) {
            if (choices[i].name == std::get<std::string>(v)) {
                params.*field = static_cast<Enum>(i);
            }
        }
    };
    p.default_value = p.get(P{});
    return p;
}

}  // namespace nibble
