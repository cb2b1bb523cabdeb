// One pass over a tensor: extremes, mean, standard deviation, and what is not a number.
//
// Pieces are summed on their own in double, around their own mean, and merged in order (Chan,
// Golub and LeVeque 1979, eq. 2.1): no cancellation when the mean is large, and the same bits for
// any number of threads. Left out: values above 1e150, whose squares, and above 1e303, whose sums,
// leave a double's range.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "sim/core/parallel.hpp"
#include "sim/tensor/tensor_file.hpp"

namespace nibble {
namespace {

// Small enough to stay in the cache between the two sweeps over it.
constexpr std::size_t piece_elements = 1 << 14;
// Independent sums, so that the compiler may use vector registers; the order is still fixed.
constexpr std::size_t lanes = 8;

struct Moments {
    std::int64_t finite = 0, nan = 0, inf = 0;
    double min = std::numeric_limits<double>::infinity();
    double max = -std::numeric_limits<double>::infinity();
    double mean = 0;
    double squares = 0;  // sum of squared deviations from the mean
};

/// Folds value after value into `lanes` independent results, then those into one.
template <class Result, class T, class Fold, class Join>
Result in_lanes(const std::vector<T>& values, Result start, const Fold& fold, const Join& join) {
    std::array<Result, lanes> results;
    results.fill(start);
    const std::size_t whole = values.size() / lanes * lanes;
    for (std::size_t i = 0; i < whole; i += lanes) {
        for (std::size_t k = 0; k < lanes; ++k) {
            results[k] = fold(results[k], values[i + k]);
        }
    }
    for (std::size_t i = whole; i < values.size(); ++i) {
        results[i - whole] = fold(results[i - whole], values[i]);
    }
    for (const Result lane : results) {
        start = join(start, lane);
    }
    return start;
}

template <class T, class Term>
double sum_of(const std::vector<T>& values, const Term& term) {
    return in_lanes(
        values, 0.0, [&](double sum, T v) { return sum + term(static_cast<double>(v)); },
        std::plus<>());
}

template <class T>
bool is_finite(T value) {
    return std::abs(value) <= std::numeric_limits<T>::max();
}

/// Without an early end, which would keep it from vector registers.
template <class T>
bool all_finite(const std::vector<T>& values) {
    return in_lanes(
        values, true, [](bool so_far, T v) { return so_far & is_finite(v); }, std::bit_and<>());
}

template <class T>
Moments moments_of(std::vector<T>& values) {
    Moments m;
    if (!all_finite(values)) {
        m.nan = std::count_if(values.begin(), values.end(), [](T v) { return std::isnan(v); });
        m.inf = std::count_if(values.begin(), values.end(), [](T v) { return std::isinf(v); });
        std::erase_if(values, [](T v) { return !is_finite(v); });
    }
    m.finite = std::ssize(values);
    if (values.empty()) {
        return m;
    }
    const auto smaller = [](T a, T b) { return b < a ? b : a; };
    const auto larger = [](T a, T b) { return a < b ? b : a; };
    m.min = static_cast<double>(in_lanes(values, values[0], smaller, smaller));
    m.max = static_cast<double>(in_lanes(values, values[0], larger, larger));
    m.mean = sum_of(values, [](double v) { return v; }) / static_cast<double>(m.finite);
    m.squares = sum_of(values, [mean = m.mean](double v) { return (v - mean) * (v - mean); });
    return m;
}

Moments merge(Moments a, Moments b) {
    b.nan += a.nan;
    b.inf += a.inf;
    if (a.finite == 0) {
        return b;
    }
    a.nan = b.nan;
    a.inf = b.inf;
    if (b.finite == 0) {
        return a;
    }
    const auto na = static_cast<double>(a.finite), nb = static_cast<double>(b.finite);
    const double apart = b.mean - a.mean;
    a.min = std::min(a.min, b.min);
    a.max = std::max(a.max, b.max);
    a.mean += apart * (nb / (na + nb));
    a.squares += b.squares + apart * apart * (na * (nb / (na + nb)));
    a.finite += b.finite;
    return a;
}

template <class T>
Moments moments(const TensorFile& file, const TensorInfo& tensor) {
    file.read(tensor, 0, std::span<T>());  // refuses the type even where nothing is to be read
    return parallel_reduce(
        static_cast<std::size_t>(tensor.elements()), piece_elements, Moments(),
        [&](std::size_t begin, std::size_t end) {
            std::vector<T> values(end - begin);
            file.read(tensor, static_cast<std::int64_t>(begin), std::span<T>(values));
            return moments_of(values);
        },
        merge);
}

/// Whether a float holds every value of the type.
bool fits_float(DType dtype) {
    return dtype != DType::f64 && dtype != DType::i32 && dtype != DType::u32 &&
           dtype != DType::i64 && dtype != DType::u64;
}

}  // namespace

TensorSummary summarize(const TensorFile& file, const TensorInfo& tensor) {
    const Moments m =
        fits_float(tensor.dtype) ? moments<float>(file, tensor) : moments<double>(file, tensor);
    TensorSummary summary;
    summary.nan_count = m.nan;
    summary.inf_count = m.inf;
    if (m.finite == 0) {
        const double none = std::numeric_limits<double>::quiet_NaN();
        summary.min = summary.max = summary.mean = summary.stddev = none;
        return summary;
    }
    summary.min = m.min;
    summary.max = m.max;
    summary.mean = m.mean;
    summary.stddev = std::sqrt(m.squares / static_cast<double>(m.finite));
    return summary;
}

}  // namespace nibble
