#include "viz/figure/ticks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <optional>

#include "sim/core/text.hpp"

namespace nibble {
namespace {

constexpr int most_ticks = 10;
constexpr std::string_view thin_space = "\u2009";

/// 2^53, 10^15: beyond this many steps from zero, neighbouring ticks are the same double.
constexpr double most_steps_from_zero = 4e15;

/// First and last k with k * step inside the limits. The slack keeps a tick that lies on a limit
/// but for rounding.
std::pair<double, double> inside(std::pair<double, double> limits, double step) {
    const double slack = 1e-9 * (limits.second - limits.first) / step;
    return {std::ceil(limits.first / step - slack), std::floor(limits.second / step + slack)};
}

struct Factor {
    double scale = 1;     // labels show value / scale
    std::string suffix;   // behind each label: " k", " GiB", " %"
    std::string in_name;  // in the axis' name: "10⁶"
};

/// The one factor that all labels of a linear axis share.
Factor factor_of(NumberStyle style, double largest) {
    const bool percent = style == NumberStyle::percent;
    if (largest == 0) {
        return {1, percent ? " %" : "", {}};
    }
    if (style == NumberStyle::bytes) {
        static constexpr std::array<const char*, 6> units = {" B",   " KiB", " MiB",
                                                             " GiB", " TiB", " PiB"};
        const double k = std::clamp(std::floor(std::log2(largest) / 10 + 1e-9), 0.0, 5.0);
        return {std::exp2(10 * k), units.at(static_cast<std::size_t>(k)), {}};
    }
    const double exponent = std::floor(std::log10(largest) + 1e-9);
    if (style == NumberStyle::si) {
        static constexpr std::array<const char*, 11> prefixes = {" f", " p", " n", " µ", " m", "",
                                                                 " k", " M", " G", " T", " P"};
        const double k = std::clamp(std::floor(exponent / 3), -5.0, 5.0);
        return {std::pow(10.0, 3 * k), prefixes.at(static_cast<std::size_t>(k + 5)), {}};
    }
    const double shown = percent ? exponent + 2 : exponent;
    Factor factor = {percent ? 0.01 : 1, percent ? " %" : "", {}};
    if (shown >= 5 || shown <= -4) {
        factor.scale *= std::pow(10.0, shown);
        factor.in_name = power_of(10, static_cast<int>(shown));
    }
    return factor;
}

/// Decimals that tell multiples of `step` apart.
int decimals_of(double step) {
    for (int d = 0; d < 15; ++d) {
        const double scaled = step * std::pow(10.0, d);
        if (std::abs(scaled - std::round(scaled)) < 1e-6 * scaled) {
            return d;
        }
    }
    return 15;
}

/// 12345 -> "12 345" with thin spaces. Four digits stay together unless a neighbour on the axis has
/// more (`least` = 4).
std::string grouped(const std::string& digits, std::size_t least = 5) {
    const std::size_t first = digits.find_first_of("0123456789");
    const std::size_t end = std::min(digits.find('.'), digits.size());
    if (end - first < least) {
        return digits;
    }
    std::string text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > first && i < end && (end - i) % 3 == 0) {
            text += thin_space;
        }
        text += digits[i];
    }
    return text;
}

AxisTicks linear_ticks_with(NumberStyle style, std::pair<double, double> limits, double step) {
    const auto [first, last] = inside(limits, step);
    const double largest = std::max(std::abs(limits.first), std::abs(limits.second));
    const Factor factor = factor_of(style, largest);
    const int decimals = decimals_of(step / factor.scale);
    const std::size_t least_grouped = largest / factor.scale >= 1e4 ? 4 : 5;
    AxisTicks ticks;
    ticks.factor = factor.in_name;
    for (double k = first; k <= last; ++k) {
        const double value = k * step;
        const std::string text =
            k == 0 ? std::string("0")
                   : grouped(fmt::format("{:.{}f}", value / factor.scale, decimals), least_grouped);
        const bool bare_zero = k == 0 && style != NumberStyle::percent;
        ticks.major.push_back(
            {k == 0 ? 0.0 : value, with_minus(text) + (bare_zero ? std::string() : factor.suffix)});
    }
    return ticks;
}

/// Steps from fine to coarse that give two to ten ticks or fewer, for the span.
std::vector<double> steps_for(NumberStyle style, double span) {
    std::vector<double> steps;
    if (style == NumberStyle::bytes) {
        for (double k = std::floor(std::log2(span / most_ticks)); k < std::log2(span) + 1; ++k) {
            steps.push_back(std::exp2(std::max(k, 0.0)));
        }
        return steps;
    }
    const double finest = std::floor(std::log10(span / most_ticks));
    for (double k = finest; k <= finest + 2; ++k) {
        for (const double m : {1.0, 2.0, 2.5, 5.0}) {
            steps.push_back(k < 0 ? m / std::pow(10.0, -k) : m * std::pow(10.0, k));
        }
    }
    return steps;
}

bool labels_fit(const AxisTicks& ticks, std::pair<double, double> limits, float length,
                const LabelRoom& room, bool log) {
    const auto position = [&](double v) {
        const double share =
            log ? std::log(v / limits.first) / std::log(limits.second / limits.first)
                : (v - limits.first) / (limits.second - limits.first);
        return share * length;
    };
    for (std::size_t i = 1; i < ticks.major.size(); ++i) {
        const auto &a = ticks.major[i - 1], &b = ticks.major[i];
        const double apart = position(b.value) - position(a.value);
        if (apart < (room(a.label) + room(b.label)) / 2) {
            return false;
        }
    }
    return true;
}

/// Evenly spaced values, on a linear axis or zoomed into part of a logarithmic one.
AxisTicks linear_ticks(NumberStyle style, std::pair<double, double> limits, float length,
                       const LabelRoom& room, bool log) {
    const double span = limits.second - limits.first;
    const double largest = std::max(std::abs(limits.first), std::abs(limits.second));
    std::optional<AxisTicks> fallback;
    for (const double step : steps_for(style, span)) {
        const auto [first, last] = inside(limits, step);
        const double count = last - first + 1;
        if (count > most_ticks || largest / step > most_steps_from_zero) {
            continue;
        }
        AxisTicks ticks = linear_ticks_with(style, limits, step);
        if (count < 1 || (count < 2 && fallback)) {
            break;
        }
        if (labels_fit(ticks, limits, length, room, log)) {
            return ticks;
        }
        fallback = std::move(ticks);
    }
    if (!fallback) {
        return {};
    }
    // Not even two labels fit: the tick nearest the middle stands for the axis.
    const auto middle = fallback->major.begin() + std::ptrdiff_t(fallback->major.size() / 2);
    fallback->major = {*middle};
    return *fallback;
}

std::string log_label(int base, int exponent, NumberStyle style, bool plain) {
    const double value = std::pow(double(base), exponent);
    if (style != NumberStyle::plain) {
        return format_value(value, style, 4);
    }
    if (plain || (base == 10 && std::abs(exponent) <= 1)) {
        return grouped(fmt::format("{:.{}f}", value, std::max(0, -exponent)), 4);
    }
    return power_of(base, exponent);
}

/// Powers of `base`, every `stride`-th of them.
AxisTicks power_ticks(int base, NumberStyle style, int low, int high, int stride) {
    const double smallest = std::pow(base, low), largest = std::pow(base, high);
    const bool plain =
        base == 2 ? smallest >= 1 && largest < 1e6 : smallest >= 1e-3 && largest <= 1e4;
    AxisTicks ticks;
    const int first = static_cast<int>(std::ceil(double(low) / stride)) * stride;
    for (int e = first; e <= high; e += stride) {
        ticks.major.push_back({std::pow(base, e), log_label(base, e, style, plain)});
    }
    return ticks;
}

/// 2 .. 9 times each decade inside the limits.
std::vector<double> minor_decades(std::pair<double, double> limits) {
    std::vector<double> minor;
    const int low = static_cast<int>(std::floor(std::log10(limits.first)));
    const int high = static_cast<int>(std::ceil(std::log10(limits.second)));
    for (int e = low; e < high && high - low <= 12; ++e) {
        for (int m = 2; m <= 9; ++m) {
            const double value = m * std::pow(10.0, e);
            if (value >= limits.first && value <= limits.second) {
                minor.push_back(value);
            }
        }
    }
    return minor;
}

/// Within one or two decades: 1, 2, 5 of each, or 1, 3.
std::optional<AxisTicks> mantissa_ticks(NumberStyle style, std::pair<double, double> limits,
                                        float length, const LabelRoom& room) {
    const int low = static_cast<int>(std::floor(std::log10(limits.first)));
    const int high = static_cast<int>(std::ceil(std::log10(limits.second)));
    const bool plain = limits.first >= 1e-4 && limits.second <= 1e5;
    for (const auto& mantissas : {std::vector<int>{1, 2, 5}, std::vector<int>{1, 3}}) {
        AxisTicks ticks;
        for (int e = low; e <= high; ++e) {
            for (const int m : mantissas) {
                const double value = m * std::pow(10.0, e);
                if (value < limits.first * (1 - 1e-9) || value > limits.second * (1 + 1e-9)) {
                    continue;
                }
                std::string label = style != NumberStyle::plain ? format_value(value, style, 4)
                                    : plain
                                        ? grouped(fmt::format("{:.{}f}", value, std::max(0, -e)))
                                    : m == 1 ? power_of(10, e)
                                             : fmt::format("{}·{}", m, power_of(10, e));
                ticks.major.push_back({value, std::move(label)});
            }
        }
        const bool enough = ticks.major.size() >= 2 && ticks.major.size() <= most_ticks;
        if (enough && labels_fit(ticks, limits, length, room, true)) {
            return ticks;
        }
    }
    return std::nullopt;
}

AxisTicks log_ticks(const Axis& axis, std::pair<double, double> limits, float length,
                    const LabelRoom& room) {
    const bool binary = axis.scale == Scale::log2 || axis.style == NumberStyle::bytes;
    const int base = binary ? 2 : 10;
    const double per_e = std::log(double(base));
    const int low = static_cast<int>(std::ceil(std::log(limits.first) / per_e - 1e-9));
    const int high = static_cast<int>(std::floor(std::log(limits.second) / per_e + 1e-9));
    const std::vector<double> minor = binary ? std::vector<double>{} : minor_decades(limits);
    if (!binary && high - low < 2) {
        if (auto ticks = mantissa_ticks(axis.style, limits, length, room)) {
            ticks->minor = minor;
            return *ticks;
        }
    }
    if (high - low >= 1) {
        for (int stride = 1; stride <= high - low; stride = stride < 4 ? stride + 1 : stride * 2) {
            AxisTicks ticks = power_ticks(base, axis.style, low, high, stride);
            if (ticks.major.size() >= 2 && ticks.major.size() <= most_ticks &&
                labels_fit(ticks, limits, length, room, true)) {
                ticks.minor = minor;
                return ticks;
            }
        }
    }
    // Zoomed into less than a step of the base: evenly spaced numbers say more than one power.
    if (high - low < 1) {
        return linear_ticks(axis.style, limits, length, room, true);
    }
    AxisTicks ticks = power_ticks(base, axis.style, low, high, 1);
    ticks.major = {ticks.major[ticks.major.size() / 2]};
    ticks.minor = minor;
    return ticks;
}

}  // namespace

std::string with_minus(std::string number) {
    for (std::size_t at = 0; (at = number.find('-', at)) != std::string::npos;) {
        number.replace(at, 1, "\u2212");
        at += 3;
    }
    return number;
}

std::string power_of(int base, int exponent) {
    static constexpr std::array<const char*, 10> raised = {"⁰", "¹", "²", "³", "⁴",
                                                           "⁵", "⁶", "⁷", "⁸", "⁹"};
    std::string text = std::to_string(base) + (exponent < 0 ? "⁻" : "");
    for (const char digit : std::to_string(std::abs(exponent))) {
        text += raised.at(static_cast<std::size_t>(digit - '0'));
    }
    return text;
}

std::string format_value(double value, NumberStyle style, int digits) {
    std::string text;
    switch (style) {
        case NumberStyle::plain:
            text = format_number(value, digits);
            break;
        case NumberStyle::si:
            text = format_si(value, digits);
            break;
        case NumberStyle::bytes:
            text = format_bytes(value, digits);
            break;
        case NumberStyle::percent:
            text = format_number(value * 100, digits) + " %";
            break;
    }
    while (!text.empty() && text.back() == ' ') {
        text.pop_back();
    }
    if (const auto e = text.find('e');
        style == NumberStyle::plain && e != std::string::npos && std::isfinite(value)) {
        text = text.substr(0, e) + "·" + power_of(10, std::stoi(text.substr(e + 1)));
    }
    return with_minus(text);
}

AxisTicks make_ticks(const Axis& axis, std::pair<double, double> limits, float length,
                     const LabelRoom& room) {
    if (!axis.named_ticks.empty()) {
        AxisTicks ticks;
        for (const auto& [value, label] : axis.named_ticks) {
            if (value >= limits.first && value <= limits.second) {
                ticks.major.push_back({value, label});
            }
        }
        std::sort(ticks.major.begin(), ticks.major.end(),
                  [](const auto& a, const auto& b) { return a.value < b.value; });
        return ticks;
    }
    return axis.scale == Scale::linear ? linear_ticks(axis.style, limits, length, room, false)
                                       : log_ticks(axis, limits, length, room);
}

}  // namespace nibble
