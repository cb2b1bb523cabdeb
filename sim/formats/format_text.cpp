#include "sim/formats/format_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/core/text.hpp"
#include "sim/formats/codebooks.hpp"

namespace nibble {
std::string bits_text(std::uint32_t code, int bits) {
    return fmt::format("{:0{}b}", code, bits);
}

std::string number_text(double value, int digits) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (value < 0) {
        return "−" + number_text(-value, digits);
    }
    if (std::isinf(value)) {
        return "infinity";
    }
    const std::string text = format_number(value, digits);
    const auto e = text.find('e');
    if (e == std::string::npos) {
        return text;
    }
    static constexpr std::array<const char*, 10> raised = {"⁰", "¹", "²", "³", "⁴",
                                                           "⁵", "⁶", "⁷", "⁸", "⁹"};
    const int exponent = std::stoi(text.substr(e + 1));
    std::string power = exponent < 0 ? "⁻" : "";
    for (const char digit : std::to_string(std::abs(exponent))) {
        power += raised.at(static_cast<std::size_t>(digit - '0'));
    }
    return text.substr(0, e) + " × 10" + power;
}

int telling_digits(const ScaledFormat& f, double value) {
    const Neighbourhood n = f.neighbourhood(value);
    const double steps = std::abs(n.value) / n.ulp;
    return steps > 1 ? std::clamp(2 + static_cast<int>(std::log10(steps)), 4, 10) : 4;
}

std::string percent(double share, int digits) {
    return number_text(100 * share, digits) + "\u00a0%";  // never parted by a line break
}

double relative_error(double value, double stored) {
    return value == 0 ? std::abs(stored) : std::abs((stored - value) / value);
}

std::string format_finding(const ScaledFormat& f, double value) {
    const double stored = f.stored(value);
    const int digits = telling_digits(f, value);
    const std::string v = number_text(value, digits), s = number_text(stored, digits),
                      name = f.name();
    // A share of the range tells nothing where the range spans dozens of powers of ten.
    constexpr double telling_share = 1e-3;
    const std::string count = format_count(static_cast<double>(f.numbers->count()));
    const std::string crowd =
        f.half_share() >= telling_share
            ? fmt::format("half of its {} numbers lie within {} of its range", count,
                          percent(f.half_share()))
            : fmt::format("half of its {} numbers lie between {} and {}", count,
                          number_text(std::max(f.lowest(), -f.half_range()), 3),
                          number_text(f.half_range(), 3));
    const FloatFormat* number = f.numbers->as_float();
    if (value == 0 && number && !number->has_zero) {
        return fmt::format("{} has no zero: the nearest number is 2^{}, {}", name,
                           std::ilogb(f.smallest()), s);
    }
    if (std::isnan(stored)) {
        return fmt::format("{} has no place in {}: it becomes NaN; {}", v, name, crowd);
    }
    if (value > f.largest() || value < f.lowest()) {
        return fmt::format("{} is beyond {}, which ends at {}: it becomes {}", v, name,
                           number_text(value > 0 ? f.largest() : f.lowest()), s);
    }
    if (stored == 0 && value != 0) {
        return fmt::format("{} vanishes in {}: the numbers next to zero are ±{}", v, name,
                           number_text(f.smallest()));
    }
    if (stored == value) {
        return fmt::format("{} is a number of {}; {}", v, name, crowd);
    }
    return fmt::format("{} becomes {} in {}, {} off; {}", v, s, name,
                       percent(relative_error(value, stored)), crowd);
}

Table nf4_table() {
    Table table{"nf4_levels", {{"code"}, {"derived"}, {"published"}, {"difference"}}, {}};
    const auto derived = derive_nf4();
    for (std::size_t code = 0; code < derived.size(); ++code) {
        const double published = formats::nf4_levels[code];
        table.rows.push_back(
            {static_cast<std::int64_t>(code), derived[code], published, derived[code] - published});
    }
    return table;
}

std::vector<Equation> format_equations(const ScaledFormat& f, double value) {
    const std::uint32_t code = f.encode(value);
    const std::string stored = number_text(f.stored(value), std::max(6, telling_digits(f, value)));
    const bool scaled = f.scale != 1;
    const std::string x = scaled ? "X " : "", times = scaled ? number_text(f.scale, 6) + " · " : "";
    Equation equation;
    equation.note = fmt::format("code {}", code);
    if (scaled && !f.block) {
        equation.note += fmt::format("; X = {} / {}", number_text(f.largest()),
                                     number_text(f.numbers->largest()));
    }
    if (const FloatFormat* ff = f.numbers->as_float()) {
        const std::uint32_t magnitude = code & ff->magnitude_mask();
        const std::uint32_t e = magnitude >> ff->mantissa_bits;
        const std::uint32_t m = magnitude & ((1U << ff->mantissa_bits) - 1);
        const bool subnormal = e == 0 && ff->has_zero;
        const std::uint32_t steps = 1U << ff->mantissa_bits;
        const std::string sign =
            ff->is_signed ? fmt::format("(-1)^{{{}}} · ", (code & ff->sign_bit()) != 0 ? 1 : 0)
                          : "";
        const std::string sign_symbol = ff->is_signed ? "(-1)^{s} " : "";
        const std::string fraction_symbol =
            ff->mantissa_bits == 0 ? ""
                                   : fmt::format(" ({}m / {})", subnormal ? "" : "1 + ", steps);
        const std::string fraction =
            ff->mantissa_bits == 0
                ? ""
                : fmt::format(" · ({}{} / {})", subnormal ? "" : "1 + ", m, steps);
        equation.symbols = fmt::format("{}{}2^{{{} - {}}}{}", x, sign_symbol, subnormal ? "1" : "e",
                                       ff->bias, fraction_symbol);
        equation.values = magnitude > ff->largest_code()
                              ? stored
                              : fmt::format("{} = {}{}2^{{{} - {}}}{}", stored, times, sign,
                                            subnormal ? 1 : e, ff->bias, fraction);
    } else if (f.numbers->as_integer()) {
        equation.symbols = "X · code";
        equation.values =
            fmt::format("{} = {}{}", stored, times, number_text(f.numbers->decode(code), 6));
    } else {
        equation.symbols = "X · level_{code}";
        equation.values =
            fmt::format("{} = {}{}", stored, times, number_text(f.numbers->decode(code), 6));
    }
    std::vector<Equation> equations = {std::move(equation)};
    if (f.block) {
        const bool power = f.block->scale_is_power_of_two;
        const int emax = f.numbers->as_float()->largest_exponent();
        equations.push_back(
            {power ? fmt::format("X = 2^{{floor(log_{{2}} max|v|) - {}}}", emax)
                   : fmt::format("X = E4M3(max|v| / {})", number_text(f.numbers->largest())),
             fmt::format("X = {}", number_text(f.scale, 6)),
             f.tensor_scale == 1 ? fmt::format("shared by {} values", f.block->block_size)
                                 : fmt::format("shared by {} values, times {} for the tensor",
                                               f.block->block_size, number_text(f.tensor_scale))});
    }
    return equations;
}

Table code_table(const ScaledFormat& f) {
    const int bits = f.numbers->bits();
    NIBBLE_ASSERT(bits <= 8, "wide formats have too many codes to list");
    Table table{"codes", {{"code"}, {"bits"}, {"number"}, {"value"}}, {}};
    const auto cell = [](double x) {
        return std::isfinite(x) ? Table::Cell(x) : Table::Cell(number_text(x));
    };
    for (std::uint32_t code = 0; code < (1U << bits); ++code) {
        const double number = f.numbers->decode(code);
        table.rows.push_back({static_cast<std::int64_t>(code), bits_text(code, bits), cell(number),
                              cell(number * f.scale)});
    }
    return table;
}

}  // namespace nibble
