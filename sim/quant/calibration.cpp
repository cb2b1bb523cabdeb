#include "sim/quant/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

constexpr std::size_t entropy_bins = 2048;
constexpr int mse_steps = 256;  // over four decades below the largest magnitude
constexpr double mse_decades = 4;
constexpr int refinements = 40;  // each shrinks the bracket to 0.62 of its width
constexpr double golden = 0.6180339887498949;
constexpr double missing_mass = 1e-9;  // what an empty level counts as under a full bin

std::size_t lowest(const std::vector<double>& costs) {
    return static_cast<std::size_t>(std::min_element(costs.begin(), costs.end()) - costs.begin());
}

/// sum p ln(p / q) between the first `kept` bins, which take what lies beyond them into their last,
/// and the same bins after their contents were spread evenly over `levels` runs of them.
double divergence(const std::vector<double>& bins, std::size_t kept, std::size_t levels) {
    double beyond = 0, inside = 0;
    for (std::size_t i = 0; i < bins.size(); ++i) {
        (i < kept ? inside : beyond) += bins[i];
    }
    double sum = 0;
    for (std::size_t level = 0; level < levels; ++level) {
        const std::size_t begin = level * kept / levels, end = (level + 1) * kept / levels;
        double mass = 0;
        std::size_t filled = 0;  // empty bins stay empty: they held nothing to be rounded
        for (std::size_t i = begin; i < end; ++i) {
            mass += bins[i];
            filled += bins[i] > 0 ? 1 : 0;
        }
        for (std::size_t i = begin; i < end; ++i) {
            const double p = (bins[i] + (i + 1 == kept ? beyond : 0)) / (inside + beyond);
            const double q =
                bins[i] > 0 && inside > 0 ? mass / static_cast<double>(filled) / inside : 0;
            sum += p > 0 ? p * std::log(p / std::max(q, missing_mass)) : 0;
        }
    }
    return sum;
}

}  // namespace

Magnitudes::Magnitudes(std::span<const float> values) {
    if (values.empty()) {
        throw Error(Error::Code::bad_param, "there are no values to calibrate on",
                    "give at least one");
    }
    sorted_.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isfinite(values[i])) {
            throw Error(
                Error::Code::bad_param,
                fmt::format("value {} is {}", i, format_number(static_cast<double>(values[i]))),
                "calibration needs finite numbers");
        }
        sorted_.push_back(std::abs(values[i]));
    }
    std::sort(sorted_.begin(), sorted_.end());
    sums_.push_back(0);
    squares_.push_back(0);
    for (const float v : sorted_) {
        const auto x = static_cast<double>(v);
        sums_.push_back(sums_.back() + x);
        squares_.push_back(squares_.back() + x * x);
    }
}

double Magnitudes::quantile(double share) const {
    const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted_.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, sorted_.size() - 1);
    const double part = at - static_cast<double>(below);
    return static_cast<double>(sorted_[below]) * (1 - part) +
           static_cast<double>(sorted_[above]) * part;
}

std::size_t Magnitudes::first_above(double value) const {
    return static_cast<std::size_t>(
        std::upper_bound(sorted_.begin(), sorted_.end(), value,
                         [](double v, float x) { return v < static_cast<double>(x); }) -
        sorted_.begin());
}

double Magnitudes::share_above(double threshold) const {
    return static_cast<double>(sorted_.size() - first_above(threshold)) /
           static_cast<double>(sorted_.size());
}

ClipErrors Magnitudes::errors(double threshold, int bits) const {
    NIBBLE_ASSERT(threshold > 0 && bits >= 2 && bits <= 16, "a threshold that codes can be cut at");
    const int top = (1 << (bits - 1)) - 1;
    const double step = threshold / top;
    // Sum over magnitudes begin .. end - 1 of (x - level)^2.
    const auto squared = [&](std::size_t begin, std::size_t end, double level) {
        const double sum = squares_[end] - squares_[begin] -
                           2 * level * (sums_[end] - sums_[begin]) +
                           level * level * static_cast<double>(end - begin);
        return std::max(0.0, sum);
    };
    ClipErrors errors;
    const std::size_t inside = first_above(threshold);
    std::size_t begin = 0;
    for (int code = 0; code <= top && begin < inside; ++code) {
        const std::size_t end =
            code == top ? inside : std::min(inside, first_above((code + 0.5) * step));
        errors.rounding += squared(begin, end, code * step);
        begin = end;
    }
    errors.clipping = squared(inside, sorted_.size(), threshold);
    const auto count = static_cast<double>(sorted_.size());
    return {errors.clipping / count, errors.rounding / count};
}

std::vector<double> Magnitudes::histogram(std::size_t bins) const {
    std::vector<double> counts(bins);
    const double width = largest() / static_cast<double>(bins);
    for (const float v : sorted_) {
        const auto bin = width > 0 ? static_cast<std::size_t>(static_cast<double>(v) / width) : 0;
        counts[std::min(bin, bins - 1)] += 1;
    }
    return counts;
}

ClipChoice min_max_clip(const Magnitudes& values) {
    return {values.largest(), {}, {}};
}

ClipChoice percentile_clip(const Magnitudes& values, double share) {
    return {values.quantile(share), {}, {}};
}

ClipChoice mse_clip(const Magnitudes& values, int bits) {
    ClipChoice choice{values.largest(), {}, {}};
    if (values.largest() == 0) {
        return choice;
    }
    const auto cost = [&](double threshold) { return values.errors(threshold, bits).total(); };
    for (int i = mse_steps; i >= 0; --i) {
        choice.thresholds.push_back(values.largest() * std::pow(10, -mse_decades * i / mse_steps));
        choice.costs.push_back(cost(choice.thresholds.back()));
    }
    const std::size_t best = lowest(choice.costs);
    double low = choice.thresholds[best > 0 ? best - 1 : best];
    double high = choice.thresholds[std::min(best + 1, choice.thresholds.size() - 1)];
    for (int i = 0; i < refinements; ++i) {
        const double left = high - golden * (high - low), right = low + golden * (high - low);
        (cost(left) < cost(right) ? high : low) = cost(left) < cost(right) ? right : left;
    }
    const double between = (low + high) / 2;
    choice.threshold = cost(between) < choice.costs[best] ? between : choice.thresholds[best];
    return choice;
}

ClipChoice entropy_clip(const Magnitudes& values, int bits) {
    ClipChoice choice{values.largest(), {}, {}};
    const std::size_t levels = std::size_t{1} << (bits - 1);
    if (values.largest() == 0 || levels >= entropy_bins) {
        return choice;  // nothing to cut, or more levels than the histogram can tell apart
    }
    const std::vector<double> bins = values.histogram(entropy_bins);
    const double width = values.largest() / entropy_bins;
    for (std::size_t kept = levels; kept <= entropy_bins; ++kept) {
        choice.thresholds.push_back(static_cast<double>(kept) * width);
        choice.costs.push_back(divergence(bins, kept, levels));
    }
    choice.threshold = choice.thresholds[lowest(choice.costs)];
    return choice;
}

ClipChoice loss_clip(std::vector<double> thresholds, const std::function<double(double)>& loss) {
    NIBBLE_ASSERT(!thresholds.empty(), "some threshold is tried");
    ClipChoice choice;
    std::sort(thresholds.begin(), thresholds.end());
    for (const double threshold : thresholds) {
        choice.costs.push_back(loss(threshold));
    }
    choice.threshold = thresholds[lowest(choice.costs)];
    choice.thresholds = std::move(thresholds);
    return choice;
}

}  // namespace nibble
