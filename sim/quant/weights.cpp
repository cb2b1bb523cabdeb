#include "sim/quant/weights.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <mutex>

#include "sim/core/parallel.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

/// Beyond these, squared errors overflow or vanish in the float lanes that sum them.
constexpr double largest_magnitude = 1e15, smallest_magnitude = 1e-15;

struct Moments {
    double sum = 0, squares = 0, largest = 0;
    std::size_t first_bad = std::numeric_limits<std::size_t>::max();  // index in values
};

/// Rows a piece of parallel work takes, for pieces of about 64 Ki weights.
std::size_t row_grain(std::size_t cols) {
    return std::max<std::size_t>(1, (std::size_t{1} << 16) / cols);
}

Moments moments(const WeightSample& s) {
    const auto of_rows = [&](std::size_t begin, std::size_t end) {
        Moments m;
        for (std::size_t i = begin * s.cols; i < end * s.cols; ++i) {
            const auto x = static_cast<double>(s.values[i]);
            if (!std::isfinite(x)) {
                m.first_bad = std::min(m.first_bad, i);
                continue;
            }
            m.sum += x;
            m.squares += x * x;
            m.largest = std::max(m.largest, std::abs(x));
        }
        return m;
    };
    const auto fold = [](Moments a, const Moments& b) {
        a.sum += b.sum;
        a.squares += b.squares;
        a.largest = std::max(a.largest, b.largest);
        a.first_bad = std::min(a.first_bad, b.first_bad);
        return a;
    };
    return parallel_reduce(s.rows.size(), row_grain(s.cols), Moments{}, of_rows, fold);
}

void refuse_bad(const WeightSource& source, const WeightSample& s, const Moments& m) {
    if (m.first_bad < s.values.size()) {
        throw Error(Error::Code::bad_param,
                    fmt::format("\"{}\" holds {} at row {}, column {}", source.name,
                                format_number(static_cast<double>(s.values[m.first_bad])),
                                s.rows[m.first_bad / s.cols], m.first_bad % s.cols),
                    "quantizers need finite weights: choose another tensor");
    }
    if (m.largest > largest_magnitude || (m.largest > 0 && m.largest < smallest_magnitude)) {
        throw Error(Error::Code::bad_param,
                    fmt::format("\"{}\" reaches {}: its squared errors do not fit FP32",
                                source.name, format_number(m.largest)),
                    "rescale the tensor");
    }
    if (m.largest == 0) {
        throw Error(Error::Code::bad_param, fmt::format("every weight of \"{}\" is 0", source.name),
                    "choose a tensor with something to lose");
    }
}

std::vector<double> make_histogram(const WeightSample& s) {
    using Counts = std::vector<double>;
    const double scale = 1 / s.sigma;
    const auto of_rows = [&](std::size_t begin, std::size_t end) {
        Counts counts(histogram_bins, 0.0);
        for (std::size_t i = begin * s.cols; i < end * s.cols; ++i) {
            counts[histogram_bin(static_cast<double>(s.values[i]) * scale)] += 1;
        }
        return counts;
    };
    const auto fold = [](Counts a, const Counts& b) {
        for (std::size_t i = 0; i < b.size(); ++i) {
            a[i] += b[i];
        }
        return a;
    };
    return parallel_reduce(s.rows.size(), 16 * row_grain(s.cols), Counts(histogram_bins, 0.0),
                           of_rows, fold);
}

}  // namespace

std::size_t histogram_bin(double value_in_sigma) {
    constexpr double half = histogram_bins / 2.0;
    const double bin = value_in_sigma * histogram_bins_per_sigma + half;
    return static_cast<std::size_t>(std::clamp(bin, 0.0, histogram_bins - 1.0));
}

WeightSample sample_weights(const WeightSource& source, std::size_t stride,
                            const RunContext& context) {
    WeightSample s;
    s.stride = stride;
    s.cols = source.cols;
    for (std::size_t r = 0; r < source.rows; r += stride) {
        s.rows.push_back(r);
    }
    s.values.resize(s.rows.size() * s.cols);
    std::mutex reporting;
    std::size_t done = 0;
    parallel_for(s.rows.size(), row_grain(s.cols), [&](std::size_t begin, std::size_t end) {
        context.check();
        for (std::size_t i = begin; i < end; ++i) {
            source.read(s.rows[i], 0, std::span(s.values).subspan(i * s.cols, s.cols));
        }
        const std::lock_guard lock(reporting);
        done += end - begin;
        context.progress(0.8 * static_cast<double>(done) / static_cast<double>(s.rows.size()));
    });
    const Moments m = moments(s);
    refuse_bad(source, s, m);
    if (!source.synthetic) {
        const auto count = static_cast<double>(s.values.size());
        const double mean = m.sum / count, square = m.squares / count;
        const double variance = square - mean * mean;
        // A constant tensor has no spread; its own size is the next best unit.
        s.sigma = std::sqrt(variance > 1e-12 * square ? variance : square);
    }
    s.histogram = make_histogram(s);
    return s;
}

bool Outliers::touches(std::size_t row) const {
    return kind == OutlierKind::columns || is_special(row);
}

bool Outliers::is_special(std::size_t row) const {
    return (kind == OutlierKind::weight || kind == OutlierKind::rows) &&
           std::find(rows.begin(), rows.end(), row) != rows.end();
}

void Outliers::apply(std::size_t row, std::size_t first, std::span<float> values) const {
    if (!touches(row)) {
        return;
    }
    const auto factor = static_cast<float>(magnitude);
    if (kind == OutlierKind::rows) {
        for (float& v : values) {
            v *= factor;
        }
        return;
    }
    for (const std::size_t c : cols) {
        if (c >= first && c < first + values.size()) {
            float& v = values[c - first];
            v = kind == OutlierKind::weight ? static_cast<float>(magnitude * sigma) : v * factor;
        }
    }
}

Outliers place_outliers(OutlierKind kind, double magnitude, double sigma, std::size_t row,
                        std::size_t col, std::size_t count, std::size_t rows, std::size_t cols) {
    const auto spread = [](std::size_t first, std::size_t wanted, std::size_t size) {
        std::vector<std::size_t> places;
        const std::size_t n = std::min(wanted, size);
        for (std::size_t i = 0; i < n; ++i) {
            places.push_back((first + i * size / n) % size);
        }
        std::sort(places.begin(), places.end());
        return places;
    };
    const bool one = kind == OutlierKind::weight;
    return {kind, magnitude, sigma, spread(std::min(row, rows - 1), one ? 1 : count, rows),
            spread(std::min(col, cols - 1), one ? 1 : count, cols)};
}

}  // namespace nibble
