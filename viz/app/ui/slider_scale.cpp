#include "viz/app/ui/slider_scale.hpp"

#include <algorithm>
#include <cmath>

#include "sim/core/text.hpp"
#include "viz/app/session.hpp"

namespace nibble {
namespace {

constexpr double pixels = 280;  // travel of a slider: values closer than this share look the same

/// Log scales that start at zero have one linear step below their smallest visible value.
double log_floor(const Range& range) {
    return range.min > 0 ? range.min : std::min(1.0, range.max) * 1e-3;
}

double power_of_two(const Range& range, double value) {
    if (value <= 0) {
        return range.min;
    }
    return std::clamp(std::exp2(std::round(std::log2(value))), range.min, range.max);
}

}  // namespace

double rounded(double value, double step) {
    if (!(step > 0)) {
        return value;
    }
    // Division by a whole power of ten keeps 0.3 as 0.3, where a product would give 0.30000000004.
    const double digits = std::floor(std::log10(step));
    const double unit = std::pow(10.0, std::abs(digits));
    return digits < 0 ? std::round(value * unit) / unit : std::round(value / unit) * unit;
}

double number_of(const Value& value) {
    const auto* whole = std::get_if<std::int64_t>(&value);
    return whole ? static_cast<double>(*whole) : std::get<double>(value);
}

double share_of(const ParamInfo& param, double value) {
    const Range r = param.range.travel();
    if (!(r.max > r.min)) {
        return 0;
    }
    double share = (value - r.min) / (r.max - r.min);
    if (r.scale != Scale::linear && r.max > 0) {
        const double low = log_floor(r);
        share = value <= low ? 0 : std::log(value / low) / std::log(r.max / low);
    }
    return std::clamp(share, 0.0, 1.0);
}

Value value_at(const ParamInfo& param, double share) {
    const Range r = param.range.travel();
    share = std::clamp(share, 0.0, 1.0);
    if (share == 0 || share == 1) {
        return clamped(param, share == 0 ? r.min : r.max);
    }
    if (r.scale == Scale::linear || !(r.max > 0)) {
        const double value = r.min + share * (r.max - r.min);
        return clamped(param, param.type == ParamType::integer
                                  ? value
                                  : rounded(value, (r.max - r.min) / pixels));
    }
    const double low = log_floor(r);
    const double value = low * std::pow(r.max / low, share);
    if (r.scale == Scale::log2 && param.type == ParamType::integer) {
        return clamped(param, power_of_two(r, value));
    }
    return clamped(param, rounded(value, value * std::log(r.max / low) / pixels));
}

Value stepped(const ParamInfo& param, double value, int steps) {
    const Range r = param.range.travel();
    if (r.scale == Scale::log2) {
        const double exponent = value > 0 ? std::log2(value) : std::log2(log_floor(r));
        // From 48 one step up is 64, and one down is 32.
        const double from = steps > 0 ? std::floor(exponent + 1e-9) : std::ceil(exponent - 1e-9);
        return clamped(param, std::exp2(from + (std::abs(steps) > 1 ? steps / 5 : steps)));
    }
    if (param.type == ParamType::integer && r.scale == Scale::linear) {
        const double step = std::max(1.0, std::round((r.max - r.min) / 100));
        return clamped(param,
                       value + steps * (std::abs(steps) > 1 || r.max - r.min > 200 ? step : 1));
    }
    if (r.scale == Scale::linear) {
        const double step = (r.max - r.min) / 100;
        return clamped(param, rounded(value + steps * step, step));
    }
    const double low = log_floor(r);
    const double factor = std::pow(r.max / low, steps / 100.0);
    const double next = (param.range.min > 0 ? value : std::max(value, low)) * factor;
    const Value moved = clamped(param, rounded(next, next * std::log(r.max / low) / 1000));
    // A whole number moves by at least one.
    const bool stuck = param.type == ParamType::integer && number_of(moved) == value;
    return stuck ? clamped(param, value + (steps > 0 ? 1 : -1)) : moved;
}

std::string shown_value(const ParamInfo& param, const Value& value) {
    const double number = number_of(value);
    std::string text = param.type == ParamType::integer ? to_text(value) : format_number(number, 4);
    return param.unit_name.empty() ? text : text + " " + param.unit_name;
}

}  // namespace nibble
