#include "viz/cli/grid.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <string>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

constexpr int default_steps = 10;  // of a range of reals without a step: eleven values

[[noreturn]] void refuse(const ParamInfo& p, std::string_view item, const std::string& why,
                         const std::string& hint) {
    throw Error(Error::Code::bad_param, fmt::format("{} = \"{}\" {}", p.name, item, why), hint);
}

[[noreturn]] void refuse_size(const ParamInfo& p, std::string_view item, double count) {
    refuse(p, item, fmt::format("gives {:.0f} values", count),
           fmt::format("a sweep takes at most {}; choose a larger step", most_grid_points));
}

/// Items between commas; "\," is a comma inside one.
std::vector<std::string> items_of(std::string_view text) {
    std::vector<std::string> items(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
            items.back() += text[++i];
        } else if (text[i] == ',') {
            items.emplace_back();
        } else {
            items.back() += text[i];
        }
    }
    return items;
}

double number_of(const Value& value) {
    const auto* whole = std::get_if<std::int64_t>(&value);
    return whole ? static_cast<double>(*whole) : std::get<double>(value);
}

/// The value that a person would have written: 0.1 * 3 becomes 0.3.
double tidy(double value) {
    const std::string text = fmt::format("{:.12g}", value);
    double tidied = 0;
    std::from_chars(text.data(), text.data() + text.size(), tidied);
    return tidied;
}

Value value_of(const ParamInfo& p, double number) {
    return p.type == ParamType::integer
               ? p.checked(static_cast<std::int64_t>(std::llround(number)))
               : p.checked(std::clamp(tidy(number), p.range.min, p.range.max));
}

/// "a..b", "a..b:step" or "a..b:xfactor" taken apart.
struct Span {
    Value from, to;
    std::optional<double> step, factor;
};

double step_of(const ParamInfo& p, std::string_view item, std::string_view text) {
    double step = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(step)) {
        refuse(p, item, fmt::format("has no step \"{}\"", text),
               "write from..to:step, or from..to:x2 to double");
    }
    return step;
}

Span span_of(const ParamInfo& p, std::string_view item) {
    const auto dots = item.find("..");
    const auto colon = item.find(':', dots);
    const std::string_view to = item.substr(dots + 2, colon - dots - 2);
    Span span{p.parsed(item.substr(0, dots)), p.parsed(to), {}, {}};
    if (colon == std::string_view::npos) {
        return span;
    }
    const std::string_view step = item.substr(colon + 1);
    if (step.starts_with('x')) {
        span.factor = step_of(p, item, step.substr(1));
        if (*span.factor <= 1 || number_of(span.from) <= 0 || number_of(span.to) <= 0) {
            refuse(p, item, "cannot be multiplied through",
                   "both ends must be above 0 and the factor above 1");
        }
        return span;
    }
    span.step = step_of(p, item, step);
    if (*span.step <= 0) {
        refuse(p, item, "has a step that is not above 0", "from..to may run downwards by itself");
    }
    if (p.type == ParamType::integer && *span.step != std::floor(*span.step)) {
        refuse(p, item, "has a step that is not whole", "write from..to:2");
    }
    return span;
}

/// The values of a range, both ends included when the steps meet them.
std::vector<Value> expanded(const ParamInfo& p, std::string_view item) {
    const Span span = span_of(p, item);
    const double from = number_of(span.from), to = number_of(span.to);
    const double direction = to < from ? -1 : 1;
    double steps = 0;
    if (span.factor) {
        steps = std::abs(std::log(to / from)) / std::log(*span.factor);
    } else if (span.step) {
        steps = std::abs(to - from) / *span.step;
    } else {
        steps = p.type == ParamType::integer ? std::abs(to - from) : from == to ? 0 : default_steps;
    }
    steps = std::floor(steps + 1e-9);  // 0..1:0.1 takes ten steps, whatever 0.1 is in binary
    if (steps + 1 > static_cast<double>(most_grid_points)) {
        refuse_size(p, item, steps + 1);
    }
    const double step = span.step                      ? *span.step
                        : p.type == ParamType::integer ? 1
                                                       : std::abs(to - from) / default_steps;
    std::vector<Value> values;
    for (int i = 0; i <= static_cast<int>(steps); ++i) {
        double number = from + direction * i * step;
        if (span.factor) {
            number = from * std::pow(*span.factor, direction * i);
        } else if (std::abs(number) < 1e-9 * step) {
            number = 0;  // -0.3 + 3 * 0.1 means zero
        }
        values.push_back(value_of(p, number));
    }
    return values;
}

std::vector<Value> all_of(const ParamInfo& p) {
    std::vector<Value> values;
    if (p.type == ParamType::boolean) {
        return {false, true};
    }
    for (const Choice& c : p.choices) {
        values.emplace_back(c.name);
    }
    if (p.type == ParamType::integer) {
        return expanded(p, fmt::format("{:.0f}..{:.0f}", p.range.min, p.range.max));
    }
    if (values.empty()) {
        refuse(p, "all", "is no list",
               fmt::format("--{} takes {}; write the values with commas", p.name, p.accepts()));
    }
    return values;
}

std::vector<Value> values_of(const ParamInfo& p, const std::string& item) {
    const bool is_text = p.type == ParamType::text || p.type == ParamType::file;
    const bool is_number = p.type == ParamType::integer || p.type == ParamType::real;
    if (item == "all" && !is_text) {
        return all_of(p);
    }
    if (is_number && item.find("..") != std::string::npos) {
        return expanded(p, item);
    }
    try {
        return {p.parsed(item)};
    } catch (const Error& e) {
        if (is_number && item.find_first_of("-:", 1) != std::string::npos) {
            throw Error(e.code(), e.what(), e.hint() + "; a range is written from..to");
        }
        throw;
    }
}

}  // namespace

std::vector<Value> parse_axis(const ParamInfo& param, std::string_view text) {
    std::vector<Value> values;
    std::set<Value> seen;
    for (const std::string& item : items_of(text)) {
        for (const Value& value : values_of(param, item)) {
            if (seen.insert(value).second) {
                values.push_back(value);
            }
        }
        if (values.size() > most_grid_points) {
            refuse_size(param, text, static_cast<double>(values.size()));
        }
    }
    return values;
}

Grid::Grid(std::vector<GridAxis> axes) : axes_(std::move(axes)) {
    double points = 1;
    for (const GridAxis& axis : axes_) {
        NIBBLE_ASSERT(!axis.values.empty(), "an axis has a value");
        points *= static_cast<double>(axis.values.size());
    }
    if (points > static_cast<double>(most_grid_points)) {
        const auto longest = std::max_element(
            axes_.begin(), axes_.end(),
            [](const auto& a, const auto& b) { return a.values.size() < b.values.size(); });
        throw Error(
            Error::Code::bad_param,
            fmt::format("the grid has {:.0f} points, more than {}", points, most_grid_points),
            fmt::format("--{} alone has {} values", longest->param.name, longest->values.size()));
    }
    points_ = static_cast<std::size_t>(points);
}

std::vector<Value> Grid::at(std::size_t point) const {
    NIBBLE_ASSERT(point < points_, "a point of the grid");
    std::vector<Value> values(axes_.size());
    for (std::size_t i = axes_.size(); i-- > 0;) {
        const auto& choices = axes_[i].values;
        values[i] = choices[point % choices.size()];
        point /= choices.size();
    }
    return values;
}

}  // namespace nibble
