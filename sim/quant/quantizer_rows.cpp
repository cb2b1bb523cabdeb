#include "sim/quant/quantizer_rows.hpp"

#include <algorithm>
#include <limits>

namespace nibble::quant {

VisitedRows::VisitedRows(const WeightSource& source, const WeightSample& sample,
                         const Outliers& outliers)
    : source_(source),
      sample_(sample),
      outliers_(outliers),
      visits_(plan_visits(source, sample, outliers)) {}

std::span<const float> VisitedRows::row(std::size_t i, std::vector<float>& scratch) const {
    const Visit& visit = visits_[i];
    if (is_sampled(visit) && !outliers_.touches(visit.row)) {
        return sample_.row(visit.slot);
    }
    scratch.resize(source_.cols);
    if (is_sampled(visit)) {
        const auto values = sample_.row(visit.slot);
        std::copy(values.begin(), values.end(), scratch.begin());
    } else {
        source_.read(visit.row, 0, scratch);
    }
    outliers_.apply(visit.row, 0, scratch);
    return scratch;
}

std::span<const float> VisitedRows::rows(std::size_t first, std::size_t wanted,
                                         std::vector<float>& scratch) const {
    if (wanted == 1) {
        return row(first, scratch);
    }
    scratch.resize(wanted * source_.cols);
    std::vector<float> one;
    for (std::size_t i = 0; i < wanted; ++i) {
        const auto values = row(first + i, one);
        std::copy(values.begin(), values.end(),
                  scratch.begin() + static_cast<std::ptrdiff_t>(i * source_.cols));
    }
    return scratch;
}

std::pair<float, float> VisitedRows::range_of_others(std::span<const float> low,
                                                     std::span<const float> high) const {
    const float infinity = std::numeric_limits<float>::infinity();
    std::pair<float, float> range = {infinity, -infinity};
    const auto include = [&](float from, float to) {
        range = {std::min(range.first, from), std::max(range.second, to)};
    };
    const std::size_t per_row = low.size() / visits_.size();
    std::vector<float> scratch;
    for (std::size_t i = 0; i < visits_.size() && outliers_.kind == OutlierKind::weight; ++i) {
        if (!outliers_.touches(visits_[i].row)) {
            for (std::size_t k = i * per_row; k < (i + 1) * per_row; ++k) {
                include(low[k], high[k]);
            }
            continue;
        }
        const std::span<const float> values = row(i, scratch);
        for (std::size_t c = 0; c < values.size(); ++c) {
            if (c != outliers_.cols.front()) {
                include(values[c], values[c]);
            }
        }
    }
    const float nan = std::numeric_limits<float>::quiet_NaN();
    return range.first <= range.second ? range : std::pair{nan, nan};
}

std::vector<double> VisitedRows::histogram() const {
    std::vector<double> counts = sample_.histogram;
    const double to_sigma = 1 / sample_.sigma;
    std::vector<float> scratch;
    for (std::size_t i = 0; i < visits_.size(); ++i) {
        const Visit& visit = visits_[i];
        if (!outliers_.touches(visit.row)) {
            continue;
        }
        const std::span<const float> now = row(i, scratch);
        const auto move = [&](std::size_t c) {
            if (is_sampled(visit)) {
                const auto old = static_cast<double>(sample_.row(visit.slot)[c]);
                counts[histogram_bin(old * to_sigma)] -= 1;
            }
            counts[histogram_bin(static_cast<double>(now[c]) * to_sigma)] += 1;
        };
        if (outliers_.kind == OutlierKind::rows) {
            for (std::size_t c = 0; c < now.size(); ++c) {
                move(c);
            }
        } else {
            for (const std::size_t c : outliers_.cols) {
                move(c);
            }
        }
    }
    return counts;
}

}  // namespace nibble::quant
