#include "sim/quant/quantizer_sweep.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <tuple>

#include "sim/core/arithmetic.hpp"
#include "sim/core/parallel.hpp"
#include "sim/quant/quantizer_map.hpp"
#include "sim/quant/quantizer_rows.hpp"

namespace nibble::quant {
namespace {

constexpr std::size_t group_bins = 256;

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

/// Weights that go to a device at once; the processor takes row after row while it is in cache.
constexpr std::size_t weights_at_once = std::size_t{1} << 20;

/// Rows of tiles that one thread works on, and the visits that fall into them.
struct Chunk {
    std::size_t first_tile_row, tile_rows;
    std::size_t first_visit, visits;
};

/// What one thread needs for a chunk.
struct Buffers {
    kernels::DeviceWeights weights;
    std::vector<float> rows, back;                  // (row of the batch, column)
    std::vector<kernels::RoundingError> of_rows;    // (row of the batch)
    std::vector<kernels::RoundingError> of_groups;  // (row of the batch, group)
    Scales scales;                                  // (row of the batch, group)
    TileSums chosen_tiles, tensor_tiles;

    Buffers(const kernels::Device& device, const kernels::GroupShape& batch, const TileSums& tiles)
        : weights(device, batch),
          back(batch.values()),
          of_rows(batch.rows),
          of_groups(batch.groups()),
          chosen_tiles(tiles),
          tensor_tiles(tiles) {}
};

/// Where a preview may go. The emulator is too slow for one; the processor gives the same bits.
const kernels::Device& device_of(const RunContext& context) {
    const bool too_slow = context.preview && context.device == kernels::Machine::emulated;
    return kernels::device(too_slow ? kernels::Machine::cpu : context.device);
}

/// One sweep: what all its rows share, and what they fill.
class Sweep {
public:
    Sweep(const WeightSource& source, const WeightSample& sample, const Outliers& outliers,
          const Quantizer& chosen, const RunContext& context)
        : source_(source),
          sample_(sample),
          chosen_(chosen),
          context_(context),
          device_(device_of(context)),
          rows_(source, sample, outliers),
          cases_(make_cases(chosen)),
          run_(chosen.run_length(source.cols)),
          per_row_(chosen.groups_per_row(source.cols)),
          batch_(device_.machine() == kernels::Machine::cpu
                     ? 1
                     : std::min(rows_.count(),
                                std::max<std::size_t>(1, weights_at_once / source.cols))) {}

    void fill(Data& data);

private:
    void find_ranges();
    void prepare_tensor_scales();
    std::vector<Chunk> cut(const ErrorMap& map) const;
    Partial sweep_chunk(ErrorMap& map, const Chunk& chunk);
    void quantize_batch(std::size_t first, std::size_t count, Buffers& b, Partial& partial);
    void measure_group_errors(Data& data) const;

    const WeightSource& source_;
    const WeightSample& sample_;
    const Quantizer chosen_;
    const RunContext& context_;
    const kernels::Device& device_;
    const VisitedRows rows_;
    const Cases cases_;
    const std::size_t run_, per_row_;         // weights a group, groups a row
    const std::size_t batch_;                 // rows that go to the device at once
    std::vector<float> low_, high_, stored_;  // (visit, group)
    float tensor_low_ = 0, tensor_high_ = 0;
    DoubleQuantized extents_;
    std::vector<Scales> tensor_scales_;                 // (case), a batch's groups of equal scales
    std::vector<float> chosen_errors_, tensor_errors_;  // (visit, group), squared
    std::mutex reporting_;
    std::size_t done_ = 0;
};

void Sweep::find_ranges() {
    low_.resize(rows_.count() * per_row_);
    high_.resize(low_.size());
    const std::size_t grain =
        std::max(batch_, std::max<std::size_t>(1, (std::size_t{1} << 16) / source_.cols));
    parallel_for(rows_.count(), grain, [&](std::size_t begin, std::size_t end) {
        context_.check();
        kernels::DeviceWeights weights(device_, {batch_, source_.cols, run_});
        std::vector<float> scratch;
        for (std::size_t i = begin; i < end; i += batch_) {
            const std::size_t count = std::min(batch_, end - i);
            weights.load(rows_.rows(i, count, scratch));
            kernels::group_ranges(weights, std::span(low_).subspan(i * per_row_, count * per_row_),
                                  std::span(high_).subspan(i * per_row_, count * per_row_));
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

void Sweep::prepare_tensor_scales() {
    tensor_scales_.resize(cases_.all.size());
    for (std::size_t c = 0; c < cases_.all.size(); ++c) {
        const Quantizer& q = cases_.all[c];
        if (q.granularity != Granularity::tensor) {
            continue;
        }
        const std::size_t groups = batch_ * per_row_;
        const std::vector<float> low(groups, tensor_low_), high(groups, tensor_high_);
        make_scales(q, low, high, {}, tensor_scales_[c]);
    }
}

/// A row of tiles is a chunk; for a device that is better kept busy, as many as make a batch.
std::vector<Chunk> Sweep::cut(const ErrorMap& map) const {
    std::vector<Chunk> chunks;
    const auto& visits = rows_.visits();
    std::size_t visit = 0;
    for (std::size_t tile_row = 0; tile_row < map.rows; ++tile_row) {
        const std::size_t first = visit;
        while (visit < visits.size() && visits[visit].row < (tile_row + 1) * map.tile_rows) {
            ++visit;
        }
        const std::size_t count = visit - first;
        if (batch_ > 1 && !chunks.empty() && chunks.back().visits + count <= batch_) {
            ++chunks.back().tile_rows;
            chunks.back().visits += count;
        } else {
            chunks.push_back({tile_row, 1, first, count});
        }
    }
    return chunks;
}

void Sweep::quantize_batch(std::size_t first, std::size_t count, Buffers& b, Partial& partial) {
    const std::size_t cols = source_.cols, at = first * per_row_, groups = count * per_row_;
    const std::span<const float> values = rows_.rows(first, count, b.rows);
    const std::span<const float> low(low_), high(high_), stored(stored_);
    b.weights.load(values);
    for (std::size_t c = 0; c < cases_.all.size(); ++c) {
        const Quantizer& q = cases_.all[c];
        const bool own_scales = q.granularity != Granularity::tensor;
        if (own_scales) {
            make_scales(q, low.subspan(at, groups), high.subspan(at, groups),
                        stored.empty() ? stored : stored.subspan(at, groups), b.scales);
        }
        const bool shown = c == cases_.chosen || c == cases_.tensor;
        kernels::quantize(b.weights, (own_scales ? b.scales : tensor_scales_[c]).view(), q.grid(),
                          shown ? kernels::MatrixOut{b.of_rows, b.of_groups, {}, b.back}
                                : kernels::MatrixOut{.rows = b.of_rows});
        Totals& t = partial.totals[c];
        for (std::size_t i = 0; i < count; ++i) {
            const double weight = rows_.visits()[first + i].weight;
            t.squared_error += weight * b.of_rows[i].squared;
            t.zeros += weight * static_cast<double>(b.of_rows[i].zeros);
            t.largest_error = std::max(t.largest_error, static_cast<double>(b.of_rows[i].largest));
        }
        if (!shown) {
            continue;
        }
        auto& errors = c == cases_.chosen ? chosen_errors_ : tensor_errors_;
        for (std::size_t g = 0; g < groups; ++g) {
            errors[at + g] = static_cast<float>(b.of_groups[g].squared);
        }
        for (std::size_t k = 0; k < values.size(); ++k) {
            b.back[k] -= values[k];
        }
        for (std::size_t i = 0; i < count; ++i) {
            const Visit& v = rows_.visits()[first + i];
            (c == cases_.chosen ? b.chosen_tiles : b.tensor_tiles)
                .add(v.row, v.weight, std::span(b.back).subspan(i * cols, cols));
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        partial.signal +=
            rows_.visits()[first + i].weight * sum_of_squares(values.subspan(i * cols, cols));
    }
}

Partial Sweep::sweep_chunk(ErrorMap& map, const Chunk& chunk) {
    Partial partial{std::vector<Totals>(cases_.all.size()), 0};
    Buffers b(device_, {batch_, source_.cols, run_},
              TileSums(map, chunk.first_tile_row, chunk.tile_rows));
    const std::size_t end = chunk.first_visit + chunk.visits;
    for (std::size_t i = chunk.first_visit; i < end; i += batch_) {
        context_.check();
        quantize_batch(i, std::min(batch_, end - i), b, partial);
    }
    b.chosen_tiles.write(map.chosen, source_.cols, sample_.sigma);
    (cases_.chosen == cases_.tensor ? b.chosen_tiles : b.tensor_tiles)
        .write(map.tensor, source_.cols, sample_.sigma);
    const std::lock_guard lock(reporting_);
    done_ += chunk.tile_rows;
    context_.progress(0.8 + 0.2 * static_cast<double>(done_) / static_cast<double>(map.rows));
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
        const std::size_t g = k % per_row_, row = rows_.visits()[k / per_row_].row;
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
        data.worst_groups.push_back({rows_.visits()[k / per_row_].row, k % per_row_,
                                     static_cast<double>(chosen_errors_[k]),
                                     static_cast<double>(tensor_errors_[k])});
    }
}

void Sweep::fill(Data& data) {
    find_ranges();
    prepare_tensor_scales();
    data.map = blank_map(source_.rows, source_.cols, sample_.stride);
    chosen_errors_.resize(rows_.count() * per_row_);
    tensor_errors_.resize(chosen_errors_.size());
    const std::vector<Chunk> chunks = cut(data.map);
    const Partial sums = parallel_reduce(
        chunks.size(), 1, Partial{std::vector<Totals>(cases_.all.size()), 0},
        [&](std::size_t i, std::size_t) { return sweep_chunk(data.map, chunks[i]); }, merged);
    if (cases_.chosen == cases_.tensor) {
        tensor_errors_ = chosen_errors_;
    }
    for (const Visit& v : rows_.visits()) {
        data.rows.push_back(v.row);
    }
    if (!(sums.signal > 0)) {
        throw Error(Error::Code::bad_param, "every weight is 0 with these outliers",
                    "raise --outlier");
    }
    data.low = tensor_low_;
    data.high = tensor_high_;
    std::tie(data.others_low, data.others_high) = rows_.range_of_others(low_, high_);
    data.signal = sums.signal;
    data.chosen_totals = sums.totals[cases_.chosen];
    data.tensor_totals = sums.totals[cases_.tensor];
    for (std::size_t i = 0; i < data.chosen_by_bits.size(); ++i) {
        data.chosen_by_bits[i] = sums.totals[cases_.chosen_by_bits[i]].squared_error;
        data.tensor_by_bits[i] = sums.totals[cases_.tensor_by_bits[i]].squared_error;
    }
    measure_group_errors(data);
    data.histogram = rows_.histogram();
    data.rate = measure_rate(sample_, chosen_, context_);
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
    data.device = context.device;
    data.stride = sample.stride;
    data.sigma = sample.sigma;
    data.source = std::move(source);
    Sweep(*data.source, sample, outliers, data.chosen, context).fill(data);
    return data;
}

}  // namespace nibble::quant
