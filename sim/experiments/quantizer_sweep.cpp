#include "sim/experiments/quantizer_sweep.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>

#include "sim/core/parallel.hpp"
#include "sim/experiments/quantizer_plan.hpp"

namespace nibble::quantizer_lab {
namespace {

constexpr std::size_t map_rows = 64, map_cols = 256;  // tiles at most
constexpr std::size_t group_bins = 256;

std::size_t ceil_div(std::size_t a, std::size_t b) {
    return (a + b - 1) / b;
}

struct Partial {
    std::vector<Totals> totals;  // (case)
    double signal = 0;
};

Partial merged(Partial a, const Partial& b) {
    for (std::size_t i = 0; i < b.totals.size(); ++i) {
        a.totals[i].squared_error += b.totals[i].squared_error;
        a.totals[i].zeros += b.totals[i].zeros;
        a.totals[i].largest_error = std::max(a.totals[i].largest_error, b.totals[i].largest_error);
    }
    a.signal += b.signal;
    return a;
}

/// What one thread needs for a row of tiles.
struct Buffers {
    std::vector<float> row, back;  // (column)
    std::vector<kernels::RoundingError> groups;
    Scales scales;
    std::size_t tile_cols;
    std::vector<double> chosen_tiles, tensor_tiles;  // summed squared errors

    Buffers(const ErrorMap& map, std::size_t cols, std::size_t groups_per_row)
        : back(cols),
          groups(groups_per_row),
          tile_cols(map.tile_cols),
          chosen_tiles(map.cols, 0.0),
          tensor_tiles(map.cols, 0.0) {}
};

/// One sweep: what all its rows share, and what they fill.
class Sweep {
public:
    Sweep(const WeightSource& source, const WeightSample& sample, const Outliers& outliers,
          const Quantizer& chosen, const RunContext& context)
        : source_(source),
          sample_(sample),
          outliers_(outliers),
          chosen_(chosen),
          context_(context),
          visits_(plan_visits(source, sample, outliers)),
          cases_(make_cases(chosen)),
          run_(chosen.run_length(source.cols)),
          per_row_(chosen.groups_per_row(source.cols)) {}

    void fill(Data& data);

private:
    /// The weights of a visited row with the outliers in place; `scratch` is used when needed.
    std::span<const float> row(const Visit& visit, std::vector<float>& scratch) const;
    void find_ranges();
    void measure_others(Data& data) const;
    void prepare_tensor_scales();
    void shape_map(ErrorMap& map) const;
    Partial sweep_tile_row(ErrorMap& map, std::size_t tile_row);
    void quantize_visit(std::size_t i, Buffers& b, Partial& partial);
    void measure_group_errors(Data& data) const;
    std::vector<double> histogram() const;
    double weights_per_second() const;

    const WeightSource& source_;
    const WeightSample& sample_;
    const Outliers& outliers_;
    const Quantizer chosen_;
    const RunContext& context_;
    const std::vector<Visit> visits_;
    const Cases cases_;
    const std::size_t run_, per_row_;         // weights a group, groups a row
    std::vector<float> low_, high_, stored_;  // (visit, group)
    float tensor_low_ = 0, tensor_high_ = 0;
    DoubleQuantized extents_;
    std::vector<Scales> tensor_scales_;                 // (case), one row's groups of equal scales
    std::vector<float> chosen_errors_, tensor_errors_;  // (visit, group), squared
    std::mutex reporting_;
    std::size_t done_ = 0;
};

std::span<const float> Sweep::row(const Visit& visit, std::vector<float>& scratch) const {
    const bool sampled = visit.slot < sample_.rows.size();
    if (sampled && !outliers_.touches(visit.row)) {
        return sample_.row(visit.slot);
    }
    scratch.resize(source_.cols);
    if (sampled) {
        const auto values = sample_.row(visit.slot);
        std::copy(values.begin(), values.end(), scratch.begin());
    } else {
        source_.read(visit.row, 0, scratch);
    }
    outliers_.apply(visit.row, 0, scratch);
    return scratch;
}

void Sweep::find_ranges() {
    low_.resize(visits_.size() * per_row_);
    high_.resize(low_.size());
    const std::size_t grain = std::max<std::size_t>(1, (std::size_t{1} << 16) / source_.cols);
    parallel_for(visits_.size(), grain, [&](std::size_t begin, std::size_t end) {
        context_.check();
        std::vector<float> scratch;
        for (std::size_t i = begin; i < end; ++i) {
            kernels::group_ranges(row(visits_[i], scratch), run_,
                                  std::span(low_).subspan(i * per_row_, per_row_),
                                  std::span(high_).subspan(i * per_row_, per_row_));
        }
    });
    tensor_low_ = *std::min_element(low_.begin(), low_.end());
    tensor_high_ = *std::max_element(high_.begin(), high_.end());
    if (chosen_.scale_format == ScaleFormat::double_quantized) {
        std::vector<float> extents(low_.size());
        for (std::size_t i = 0; i < extents.size(); ++i) {
            extents[i] = chosen_.extent(low_[i], high_[i]);
        }
        extents_ = DoubleQuantized(extents);
        stored_.resize(extents.size());
        for (std::size_t i = 0; i < stored_.size(); ++i) {
            stored_[i] = extents_.at(i);
        }
    }
}

void Sweep::measure_others(Data& data) const {
    const float infinity = std::numeric_limits<float>::infinity();
    float low = infinity, high = -infinity;
    const auto include = [&](float from, float to) {
        low = std::min(low, from);
        high = std::max(high, to);
    };
    for (std::size_t i = 0; i < visits_.size() && outliers_.kind == OutlierKind::weight; ++i) {
        if (!outliers_.touches(visits_[i].row)) {
            for (std::size_t k = i * per_row_; k < (i + 1) * per_row_; ++k) {
                include(low_[k], high_[k]);
            }
            continue;
        }
        std::vector<float> scratch;
        const std::span<const float> values = row(visits_[i], scratch);
        for (std::size_t c = 0; c < values.size(); ++c) {
            if (c != outliers_.cols.front()) {
                include(values[c], values[c]);
            }
        }
    }
    const bool any = low <= high;
    data.others_low = any ? low : std::numeric_limits<float>::quiet_NaN();
    data.others_high = any ? high : data.others_low;
}

void Sweep::prepare_tensor_scales() {
    tensor_scales_.resize(cases_.all.size());
    for (std::size_t c = 0; c < cases_.all.size(); ++c) {
        const Quantizer& q = cases_.all[c];
        if (q.granularity != Granularity::tensor) {
            continue;
        }
        const std::vector<float> low(per_row_, tensor_low_), high(per_row_, tensor_high_);
        make_scales(q, low, high, {}, tensor_scales_[c]);
    }
}

void Sweep::shape_map(ErrorMap& map) const {
    map.tile_rows = ceil_div(ceil_div(source_.rows, map_rows), sample_.stride) * sample_.stride;
    map.tile_cols = ceil_div(source_.cols, map_cols);
    map.rows = ceil_div(source_.rows, map.tile_rows);
    map.cols = ceil_div(source_.cols, map.tile_cols);
    map.chosen.assign(map.rows * map.cols, std::numeric_limits<float>::quiet_NaN());
    map.tensor = map.chosen;
}

/// In eight lanes, so that compilers vectorise it, and in double from 1024 values on.
double sum_of_squares(std::span<const float> values) {
    constexpr std::size_t lanes = 8, longest = 1024;
    double total = 0;
    for (std::size_t begin = 0; begin < values.size(); begin += longest) {
        const auto piece = values.subspan(begin, std::min(longest, values.size() - begin));
        std::array<float, lanes> sums = {};
        std::size_t i = 0;
        for (; i + lanes <= piece.size(); i += lanes) {
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                sums[lane] += piece[i + lane] * piece[i + lane];
            }
        }
        for (; i < piece.size(); ++i) {
            sums[i % lanes] += piece[i] * piece[i];
        }
        for (const float sum : sums) {
            total += static_cast<double>(sum);
        }
    }
    return total;
}

void Sweep::quantize_visit(std::size_t i, Buffers& b, Partial& partial) {
    const Visit& visit = visits_[i];
    const std::span<const float> values = row(visit, b.row);
    const std::size_t at = i * per_row_;
    const std::span<const float> low(low_), high(high_), stored(stored_);
    for (std::size_t c = 0; c < cases_.all.size(); ++c) {
        const Quantizer& q = cases_.all[c];
        const bool own_scales = q.granularity != Granularity::tensor;
        if (own_scales) {
            make_scales(q, low.subspan(at, per_row_), high.subspan(at, per_row_),
                        stored.empty() ? stored : stored.subspan(at, per_row_), b.scales);
        }
        const bool shown = c == cases_.chosen || c == cases_.tensor;
        const kernels::RoundingError e =
            quantize(q, values, run_, own_scales ? b.scales : tensor_scales_[c],
                     shown ? kernels::QuantizeOut{{}, b.back, b.groups} : kernels::QuantizeOut{});
        Totals& t = partial.totals[c];
        t.squared_error += visit.weight * e.squared;
        t.zeros += visit.weight * static_cast<double>(e.zeros);
        t.largest_error = std::max(t.largest_error, static_cast<double>(e.largest));
        if (!shown) {
            continue;
        }
        auto& errors = c == cases_.chosen ? chosen_errors_ : tensor_errors_;
        for (std::size_t g = 0; g < per_row_; ++g) {
            errors[at + g] = static_cast<float>(b.groups[g].squared);
        }
        for (std::size_t col = 0; col < values.size(); ++col) {
            b.back[col] -= values[col];
        }
        auto& tiles = c == cases_.chosen ? b.chosen_tiles : b.tensor_tiles;
        for (std::size_t tile = 0; tile < tiles.size(); ++tile) {
            const std::size_t first = tile * b.tile_cols;
            const std::size_t cols = std::min(b.tile_cols, values.size() - first);
            tiles[tile] += visit.weight * sum_of_squares(std::span(b.back).subspan(first, cols));
        }
    }
    partial.signal += visit.weight * sum_of_squares(values);
}

Partial Sweep::sweep_tile_row(ErrorMap& map, std::size_t tile_row) {
    context_.check();
    Partial partial{std::vector<Totals>(cases_.all.size()), 0};
    Buffers b(map, source_.cols, per_row_);
    const auto before = [](const Visit& v, std::size_t row) { return v.row < row; };
    const auto first =
        std::lower_bound(visits_.begin(), visits_.end(), tile_row * map.tile_rows, before);
    const auto last =
        std::lower_bound(first, visits_.end(), (tile_row + 1) * map.tile_rows, before);
    double rows_in_tile = 0;
    for (auto visit = first; visit != last; ++visit) {
        quantize_visit(static_cast<std::size_t>(visit - visits_.begin()), b, partial);
        rows_in_tile += visit->weight;
    }
    if (cases_.chosen == cases_.tensor) {
        b.tensor_tiles = b.chosen_tiles;
    }
    for (std::size_t t = 0; t < map.cols && rows_in_tile > 0; ++t) {
        const std::size_t cols = std::min(map.tile_cols, source_.cols - t * map.tile_cols);
        const double to_mean = 1 / (rows_in_tile * static_cast<double>(cols));
        const std::size_t cell = tile_row * map.cols + t;
        map.chosen[cell] =
            static_cast<float>(std::sqrt(b.chosen_tiles[t] * to_mean) / sample_.sigma);
        map.tensor[cell] =
            static_cast<float>(std::sqrt(b.tensor_tiles[t] * to_mean) / sample_.sigma);
    }
    const std::lock_guard lock(reporting_);
    context_.progress(0.8 + 0.2 * static_cast<double>(++done_) / static_cast<double>(map.rows));
    return partial;
}

void Sweep::measure_group_errors(Data& data) const {
    const std::size_t all = data.groups();
    // Where rows are left out, a bin reaches from one to the next.
    const std::size_t whole = sample_.stride > 1 ? sample_.stride * per_row_ : 1;
    data.groups_per_bin = ceil_div(ceil_div(all, group_bins), whole) * whole;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    data.chosen_by_group.assign(ceil_div(all, data.groups_per_bin), nan);
    data.tensor_by_group = data.chosen_by_group;
    const auto raise = [](double& to, double value) {
        to = std::isnan(to) ? value : std::max(to, value);
    };
    const double unit = sample_.sigma * sample_.sigma;
    std::vector<std::size_t> order(chosen_errors_.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
        order[k] = k;
        const std::size_t g = k % per_row_, row = visits_[k / per_row_].row;
        const std::size_t size = std::min(run_, source_.cols - g * run_);
        const std::size_t bin = (row * per_row_ + g) / data.groups_per_bin;
        const double scale = 1 / (static_cast<double>(size) * unit);
        raise(data.chosen_by_group[bin], static_cast<double>(chosen_errors_[k]) * scale);
        raise(data.tensor_by_group[bin], static_cast<double>(tensor_errors_[k]) * scale);
    }
    const std::size_t kept = std::min(order.size(), groups_in_table);
    const auto worse = [&](std::size_t a, std::size_t b) {
        return chosen_errors_[a] != chosen_errors_[b] ? chosen_errors_[a] > chosen_errors_[b]
                                                      : a < b;
    };
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                      worse);
    for (std::size_t i = 0; i < kept; ++i) {
        const std::size_t k = order[i];
        data.worst_groups.push_back({visits_[k / per_row_].row, k % per_row_,
                                     static_cast<double>(chosen_errors_[k]),
                                     static_cast<double>(tensor_errors_[k])});
    }
}

/// The base's histogram with every weight that an outlier changed moved to its new bin.
std::vector<double> Sweep::histogram() const {
    std::vector<double> counts = sample_.histogram;
    const double to_sigma = 1 / sample_.sigma;
    std::vector<float> scratch;
    for (const Visit& visit : visits_) {
        if (!outliers_.touches(visit.row)) {
            continue;
        }
        const std::span<const float> now = row(visit, scratch);
        const bool sampled = visit.slot < sample_.rows.size();
        const auto move = [&](std::size_t c) {
            if (sampled) {
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

/// Times ranges, scales and codes of the chosen quantizer, best of a few passes over the first
/// rows. FP32 in, one code out for each.
double Sweep::weights_per_second() const {
    using Clock = std::chrono::steady_clock;
    const std::size_t wanted = std::size_t{1} << (context_.preview ? 18 : 22);
    const std::size_t rows =
        std::min(sample_.rows.size(), std::max<std::size_t>(1, wanted / source_.cols));
    Quantizer timed = chosen_;
    if (timed.scale_format == ScaleFormat::double_quantized) {
        timed.scale_format = ScaleFormat::fp32;
    }
    const std::size_t grain =
        std::max<std::size_t>(1, ceil_div(std::size_t{1} << 17, source_.cols));
    double best = std::numeric_limits<double>::infinity();
    for (int pass = 0; pass < 3; ++pass) {
        const auto begin = Clock::now();
        parallel_for(rows, grain, [&](std::size_t from, std::size_t to) {
            std::vector<std::int16_t> codes(source_.cols);
            std::vector<float> low(per_row_), high(per_row_);
            Scales scales;
            for (std::size_t i = from; i < to; ++i) {
                kernels::group_ranges(sample_.row(i), run_, low, high);
                make_scales(timed, low, high, {}, scales);
                quantize(timed, sample_.row(i), run_, scales, {codes, {}, {}});
            }
        });
        best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
    }
    return static_cast<double>(rows * source_.cols) / std::max(best, 1e-9);
}

void Sweep::fill(Data& data) {
    find_ranges();
    prepare_tensor_scales();
    shape_map(data.map);
    chosen_errors_.resize(visits_.size() * per_row_);
    tensor_errors_.resize(chosen_errors_.size());
    const Partial sums = parallel_reduce(
        data.map.rows, 1, Partial{std::vector<Totals>(cases_.all.size()), 0},
        [&](std::size_t tile_row, std::size_t) { return sweep_tile_row(data.map, tile_row); },
        merged);
    if (cases_.chosen == cases_.tensor) {
        tensor_errors_ = chosen_errors_;
    }
    for (const Visit& v : visits_) {
        data.rows.push_back(v.row);
    }
    if (!(sums.signal > 0)) {
        throw Error(Error::Code::bad_param, "every weight is 0 with these outliers",
                    "raise --outlier");
    }
    data.low = tensor_low_;
    data.high = tensor_high_;
    measure_others(data);
    data.signal = sums.signal;
    data.chosen_totals = sums.totals[cases_.chosen];
    data.tensor_totals = sums.totals[cases_.tensor];
    for (std::size_t i = 0; i < data.chosen_by_bits.size(); ++i) {
        data.chosen_by_bits[i] = sums.totals[cases_.chosen_by_bits[i]].squared_error;
        data.tensor_by_bits[i] = sums.totals[cases_.tensor_by_bits[i]].squared_error;
    }
    measure_group_errors(data);
    data.histogram = histogram();
    data.weights_per_second = weights_per_second();
    data.stored_extents = std::move(extents_);
}

}  // namespace

double Data::sqnr(double squared_error) const {
    return 10 * std::log10(signal / squared_error);
}

Data sweep(std::shared_ptr<const WeightSource> source, const WeightSample& sample,
           const Outliers& outliers, const Quantizer& chosen, const RunContext& context) {
    Data data;
    data.outliers = outliers;
    data.chosen = chosen.granularity == Granularity::tensor ? per_tensor(chosen) : chosen;
    data.tensor = per_tensor(chosen);
    data.stride = sample.stride;
    data.sigma = sample.sigma;
    data.source = std::move(source);
    Sweep(*data.source, sample, outliers, data.chosen, context).fill(data);
    return data;
}

}  // namespace nibble::quantizer_lab
