#include "sim/speculative/chi_square.hpp"

#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

constexpr double fewest_expected = 5;
constexpr double precision = 1e-15;
constexpr int most_terms = 100000;  // about sqrt(a) are needed; a is half the degrees of freedom

/// x^a e^-x / Gamma(a), the factor that both expansions share.
double front(double a, double x) {
    return std::exp(a * std::log(x) - x - std::lgamma(a));
}

/// P(a, x) = front * sum of x^n / (a (a + 1) ... (a + n)) (Abramowitz and Stegun 6.5.29).
double lower_by_series(double a, double x) {
    double term = 1 / a, sum = term;
    for (int n = 1; n < most_terms && term > sum * precision; ++n) {
        term *= x / (a + n);
        sum += term;
    }
    return front(a, x) * sum;
}

/// Q(a, x) = front / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)) (6.5.31 in its even form), by the
/// method of Lentz.
double upper_by_fraction(double a, double x) {
    const double tiny = std::numeric_limits<double>::min() / precision;
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, value = d;
    for (int n = 1; n < most_terms; ++n) {
        const double numerator = -n * (n - a);
        b += 2;
        d = numerator * d + b;
        d = 1 / (std::abs(d) < tiny ? tiny : d);
        c = b + numerator / c;
        c = std::abs(c) < tiny ? tiny : c;
        value *= c * d;
        if (std::abs(c * d - 1) < precision) {
            break;
        }
    }
    return front(a, x) * value;
}

}  // namespace

double chi_square_tail(double value, std::int64_t degrees) {
    const double a = static_cast<double>(degrees) / 2, x = value / 2;
    if (degrees <= 0 || !(x > 0)) {
        return 1;
    }
    if (std::isinf(x)) {
        return 0;
    }
    return x < a + 1 ? 1 - lower_by_series(a, x) : upper_by_fraction(a, x);
}

ChiSquare chi_square_test(std::span<const std::int64_t> counts, std::span<const double> expected) {
    const std::int64_t draws = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    if (counts.size() != expected.size() || draws <= 0) {
        throw Error(Error::Code::bad_param,
                    fmt::format("{} counts with {} draws in all cannot be tested against {} "
                                "probabilities",
                                counts.size(), draws, expected.size()),
                    "give one count a probability, and at least one draw");
    }
    ChiSquare result;
    std::int64_t cells = 0;
    double rare = 0, rare_counted = 0;
    const auto add = [&](double observed, double wanted) {
        if (wanted > 0) {
            result.value += (observed - wanted) * (observed - wanted) / wanted;
            ++cells;
        } else if (observed > 0) {
            result.value = std::numeric_limits<double>::infinity();
            ++cells;
        }
    };
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const double wanted = expected[i] * static_cast<double>(draws);
        const auto observed = static_cast<double>(counts[i]);
        if (wanted >= fewest_expected || wanted <= 0) {
            add(observed, wanted);
        } else {
            rare += wanted;
            rare_counted += observed;
        }
    }
    add(rare_counted, rare);
    result.degrees = cells - 1;
    result.p_value = chi_square_tail(result.value, result.degrees);
    if (std::isinf(result.value)) {
        result.p_value = 0;
    }
    return result;
}

}  // namespace nibble
