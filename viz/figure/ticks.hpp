// Where an axis is marked and what stands there.
//
// Linear axes step by 1, 2, 2.5 or 5 times a power of ten, binary bytes by powers of two, log axes
// by decades or doublings. All labels of an axis share one precision and one factor, so that the
// eye compares digits, not formats.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/figure.hpp"

namespace nibble {

struct AxisTicks {
    struct Tick {
        double value = 0;
        std::string label;
    };
    std::vector<Tick> major;    // increasing, inside the limits
    std::vector<double> minor;  // of log axes: unlabelled
    std::string factor;         // taken out of every label: "10⁶"; belongs in the axis' name
};

/// How much of the axis' length, in points, a label needs, the gap to the next one included.
using LabelRoom = std::function<float(const std::string&)>;

/// Ticks for `limits` (low < high; both above zero on a log axis) along `length` points, as many as
/// fit without labels touching, at most ten. NumberStyle::percent takes shares: 0.5 is "50 %".
AxisTicks make_ticks(const Axis& axis, std::pair<double, double> limits, float length,
                     const LabelRoom& room);

/// `value` written to `digits` significant digits in the axis' style, for hover texts.
std::string format_value(double value, NumberStyle style, int digits = 4);

/// "10⁻³"
std::string power_of(int base, int exponent);

/// ASCII minus signs before digits turned into U+2212, which is as wide as a digit.
std::string with_minus(std::string number);

}  // namespace nibble
