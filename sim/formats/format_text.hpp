// A format around one value in words, equations and tables.
#pragma once

#include <string>
#include <vector>

#include "sim/core/outcome.hpp"
#include "sim/formats/scaled_format.hpp"

namespace nibble {

/// "−0.3125", "1.2 × 10⁻⁷", "infinity", "NaN": at most `digits` significant digits.
std::string number_text(double value, int digits = 4);
/// How many digits it takes to tell the number that `value` becomes from its neighbours; 4 to 10.
int telling_digits(const ScaledFormat& format, double value);
/// The lowest `bits` bits, the highest first.
std::string bits_text(std::uint32_t code, int bits);
/// "4.2 %" for a share of 0.042.
std::string percent(double share, int digits = 2);
/// |stored - value| / |value|; for zero, |stored|.
double relative_error(double value, double stored);

/// What becomes of the value, and how the format spends its numbers.
std::string format_finding(const ScaledFormat& format, double value);

/// The code's meaning, with its bits in it. Block formats: a second one for the shared scale.
std::vector<Equation> format_equations(const ScaledFormat& format, double value);

/// Every code of a format of at most 8 bits: bits, number, and the value under the scale.
Table code_table(const ScaledFormat& format);

/// NF4 level by level: derived, published, and the difference.
Table nf4_table();

}  // namespace nibble
