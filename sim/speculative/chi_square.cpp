#include "sim/speculative/chi_square.hpp"

#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

constexpr double fewest_expected = 5;

}  // namespace

double chi_square_tail(double value, std::int64_t degrees) {
    if (degrees <= 0 || !(value > 0)) {
        return 1;
    }
    if (std::isinf(value)) {
        return 0;
    }
    const boost::math::chi_squared distribution(static_cast<double>(degrees));
    return boost::math::cdf(boost::math::complement(distribution, value));
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
