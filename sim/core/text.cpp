#include "sim/core/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <numeric>

namespace nibble {
namespace {

std::string not_finite(double value) {
    return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

/// Drops trailing zeros after a decimal point: "4.500" -> "4.5".
std::string trimmed(std::string text) {
    if (text.find('.') == std::string::npos) {
        return text;
    }
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') {
        text.pop_back();
    }
    return text == "-0" ? "0" : text;
}

/// `digits` significant digits without an exponent.
std::string fixed(double value, int digits) {
    const int magnitude =
        value == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-12));
    return trimmed(fmt::format("{:.{}f}", value, std::max(0, digits - 1 - magnitude)));
}

}  // namespace

std::string format_number(double value, int digits) {
    if (!std::isfinite(value)) {
        return not_finite(value);
    }
    const double size = std::abs(value);
    if (size != 0 && (size < 1e-4 || size >= 1e7)) {
        std::string text = fmt::format("{:.{}e}", value, digits - 1);
        const auto e = text.find('e');
        return trimmed(text.substr(0, e)) + text.substr(e);
    }
    return fixed(value, digits);
}

std::string format_count(double value) {
    if (!std::isfinite(value)) {
        return not_finite(value);
    }
    std::string text = fmt::format("{:.0f}", value);
    const std::size_t first = text.front() == '-' ? 1 : 0;
    for (std::size_t end = text.size(); end > first + 3;) {
        end -= 3;
        text.insert(end, "\u2009");
    }
    return text;
}

std::string format_si(double value, int digits) {
    if (!std::isfinite(value)) {
        return not_finite(value);
    }
    static constexpr std::array<const char*, 11> prefixes = {"f", "p", "n", "µ", "m", "",
                                                             "k", "M", "G", "T", "P"};
    if (value == 0) {
        return "0 ";
    }
    int step = static_cast<int>(std::floor(std::log10(std::abs(value)) / 3 + 1e-12));
    step = std::clamp(step, -5, 5);
    double scaled = value / std::pow(1000.0, step);
    if (std::abs(scaled) >= 999.5 && step < 5) {  // 999.9 k reads better as 1 M
        scaled /= 1000;
        ++step;
    }
    return fixed(scaled, digits) + " " + prefixes.at(static_cast<std::size_t>(step + 5));
}

std::string format_bytes(double bytes, int digits) {
    if (!std::isfinite(bytes)) {
        return not_finite(bytes);
    }
    static constexpr std::array<const char*, 6> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    std::size_t step = 0;
    while (std::abs(bytes) >= 1024 && step + 1 < units.size()) {
        bytes /= 1024;
        ++step;
    }
    return fixed(bytes, std::max(digits, bytes >= 1000 ? 4 : digits)) + " " + units.at(step);
}

int edit_distance(std::string_view a, std::string_view b) {
    std::vector<int> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 0; i < a.size(); ++i) {
        int diagonal = row[0];
        row[0] = static_cast<int>(i) + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const int replace = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
    std::string best;
    int best_distance = static_cast<int>(std::max<std::size_t>(2, name.size() / 2)) + 1;
    for (const std::string& candidate : candidates) {
        const bool prefix = name.size() >= 3 && candidate.starts_with(name);
        const int distance = prefix ? 1 : edit_distance(name, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

}  // namespace nibble
