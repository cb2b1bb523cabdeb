#include "sim/quant/gptq.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>

#include "kernels/feedback/ops.hpp"
#include "sim/core/arithmetic.hpp"
#include "sim/core/parallel.hpp"
#include "sim/core/stopwatch.hpp"
#include "sim/quant/inverse_factor.hpp"

namespace nibble {
namespace {

constexpr Index strip = static_cast<Index>(kernels::feedback_rows);
constexpr Index large_tile = 96;  // rows: as the product's kernel likes them
constexpr Index many_rows = 768;  // from here on large tiles leave no thread idle

struct Block {
    Index first, last;       // steps
    Packed<float> trailing;  // (last - first, n - last) U of the later columns
};

/// What all tiles of rows share.
struct Plan {
    const GptqOptions& options;
    View<const float> weights;
    std::vector<Index> order;
    std::vector<bool> dead;  // (column)
    Matrix<float> factor;    // U
    std::vector<Block> blocks;

    Index n() const { return weights.cols; }
    Index length() const { return options.format.group_length(n()); }
    /// Whether groups get their parameters on the way.
    bool moving_groups() const { return options.format.group_size > 0 && !options.static_groups; }
    Index group_at(Index step) const {
        return (moving_groups() ? step : order[extent(step)]) / length();
    }
};

/// Ends of blocks: every block_size steps, and before a group that would not fit.
std::vector<Block> cut(const Plan& plan) {
    const Index n = plan.n(), g = plan.length();
    std::vector<Block> blocks;
    for (Index first = 0; first < n;) {
        Index last = std::min(n, first + plan.options.block_size);
        const Index start = (last - 1) / g * g;  // of the group of the last column
        if (plan.moving_groups() && !plan.options.reference_groups && start > first &&
            std::min(n, start + g) > last) {
            last = start;
        }
        blocks.push_back({first, last, {}});
        first = last;
    }
    return blocks;
}

/// Some rows on their way through all blocks.
class Tile {
public:
    Tile(const Plan& plan, Index first_row, Index rows, IntegerWeights& out, GptqTrace* trace)
        : plan_(plan), first_(first_row), rows_(rows), out_(out), trace_(trace) {
        padded_ = ceil_div(rows, strip) * strip;
        weights_.resize(rows, plan.n());
        for (Index r = 0; r < rows; ++r) {
            const float* from = plan.weights.row(first_ + r);
            for (Index i = 0; i < plan.n(); ++i) {
                const Index column = plan.order[extent(i)];
                weights_(r, i) = plan.dead[extent(column)] ? 0.0F : from[column];
            }
            if (trace) {
                std::copy_n(weights_.row(r), plan.n(), trace->weights.row(first_ + r));
            }
        }
        const Index groups = out.groups();
        scales_.assign(extent(groups * padded_), 1.0F);
        stored_.assign(extent(groups * padded_), 1.0F);
        zeros_.assign(extent(groups * padded_), 0.0F);
    }

    void run() {
        if (!plan_.moving_groups()) {
            fix_groups();
        }
        for (const Block& block : plan_.blocks) {
            sweep(block);
            if (block.last < plan_.n()) {
                Matrix<float>& e = errors_;
                for (float& v : e.values()) {
                    v = -v;
                }
                multiply_packed<float>(
                    View<const float>(e.row(0), rows_, block.last - block.first, 1, padded_),
                    block.trailing,
                    weights_.view().column_range(block.last, plan_.n() - block.last), true);
            }
        }
        keep_scales();
    }

private:
    float* scale(Index group) { return scales_.data() + group * padded_; }
    /// What checkpoints keep. Errors are fed forward under the scale in FP32, as the references do.
    float* stored(Index group) { return stored_.data() + group * padded_; }
    float* zero(Index group) { return zeros_.data() + group * padded_; }

    void set_group(Index group, Index row, float low, float high) {
        const GroupScale s = plan_.options.format.group_scale(low, high);
        scale(group)[row] = s.scale;
        stored(group)[row] = s.stored;
        zero(group)[row] = s.zero;
    }

    /// Parameters that nothing on the way changes: of whole rows, or of static groups.
    void fix_groups() {
        const bool whole_rows = plan_.options.format.group_size == 0;
        for (Index r = 0; r < rows_; ++r) {
            const float* row = plan_.weights.row(first_ + r);
            for (Index g = 0; g < out_.groups(); ++g) {
                const Index begin = g * plan_.length();
                const Index end = std::min(plan_.n(), begin + plan_.length());
                float low = std::numeric_limits<float>::infinity(), high = -low;
                for (Index c = begin; c < end; ++c) {
                    const float w = plan_.dead[extent(c)] && !whole_rows ? 0.0F : row[c];
                    low = std::min(low, w);
                    high = std::max(high, w);
                }
                set_group(g, r, low, high);
            }
        }
    }

    /// Parameters of the group whose first column is next. `block_weights_` is up to date inside
    /// the block; weights_ is so for groups that begin with it.
    void begin_group(const Block& block, Index step) {
        const Index end = std::min(plan_.n(), step + plan_.length());
        const bool outer = step == block.first || plan_.options.reference_groups;
        for (Index r = 0; r < rows_; ++r) {
            float low = std::numeric_limits<float>::infinity(), high = -low;
            for (Index i = step; i < end; ++i) {
                const float w = outer ? weights_(r, i) : block_weights_(i - block.first, r);
                low = std::min(low, w);
                high = std::max(high, w);
            }
            set_group(step / plan_.length(), r, low, high);
        }
    }

    void sweep(const Block& block) {
        const Index count = block.last - block.first;
        block_weights_.resize(count, padded_);
        codes_.resize(count, padded_);
        errors_.resize(count, padded_);
        std::fill(block_weights_.values().begin(), block_weights_.values().end(), 0.0F);
        for (Index r = 0; r < rows_; ++r) {
            for (Index i = 0; i < count; ++i) {
                block_weights_(i, r) = weights_(r, block.first + i);
            }
        }
        for (Index first = block.first; first < block.last;) {
            Index last = block.last;
            if (plan_.moving_groups()) {
                if (first % plan_.length() == 0) {
                    begin_group(block, first);
                }
                last = std::min(last, (first / plan_.length() + 1) * plan_.length());
            }
            round_columns(block, first, last);
            first = last;
        }
        keep_codes(block);
    }

    void round_columns(const Block& block, Index first, Index last) {
        const Index count = block.last - block.first;
        grids_.resize(extent(count));
        for (Index at = 0; at < padded_; at += strip) {
            for (Index i = first; i < last; ++i) {
                const Index g = plan_.group_at(i);
                grids_[extent(i - block.first)] = {scale(g) + at, zero(g) + at};
            }
            kernels::feed_errors_forward({block_weights_.row(0) + at, codes_.row(0) + at,
                                          errors_.row(0) + at, extent(padded_)},
                                         extent(first - block.first), extent(last - block.first),
                                         extent(count), plan_.factor.row(block.first) + block.first,
                                         extent(plan_.n()), grids_.data(),
                                         plan_.options.format.max_code());
        }
    }

    void keep_codes(const Block& block) {
        for (Index r = 0; r < rows_; ++r) {
            std::uint8_t* codes = out_.codes.data() + (first_ + r) * plan_.n();
            for (Index i = block.first; i < block.last; ++i) {
                codes[plan_.order[extent(i)]] =
                    static_cast<std::uint8_t>(codes_(i - block.first, r));
                if (trace_) {
                    trace_->errors(first_ + r, i) = errors_(i - block.first, r);
                }
            }
        }
    }

    void keep_scales() {
        const Index groups = out_.groups();
        for (Index g = 0; g < groups; ++g) {
            for (Index r = 0; r < rows_; ++r) {
                out_.scales[extent((first_ + r) * groups + g)] = stored(g)[r];
                out_.zeros[extent((first_ + r) * groups + g)] = zero(g)[r];
            }
        }
    }

    const Plan& plan_;
    Index first_, rows_, padded_;
    IntegerWeights& out_;
    GptqTrace* trace_;
    Matrix<float> weights_;                         // (rows, n) in the order of steps
    Matrix<float> block_weights_, codes_, errors_;  // (columns of the block, padded rows)
    std::vector<float> scales_, stored_, zeros_;    // (group, padded rows)
    std::vector<kernels::ColumnGrid> grids_;        // (columns of the block)
};

/// H in the order of the steps; fills in the plan's order and dead columns.
Matrix<float> make_hessian(View<const float> gram, Plan& plan) {
    const Index n = plan.n();
    std::vector<float> diagonal(extent(n));
    plan.dead.resize(extent(n));
    for (Index i = 0; i < n; ++i) {
        plan.dead[extent(i)] = gram(i, i) == 0;
        diagonal[extent(i)] = plan.dead[extent(i)] ? 1.0F : 2 * gram(i, i);
    }
    plan.order.resize(extent(n));
    std::iota(plan.order.begin(), plan.order.end(), Index{0});
    if (plan.options.act_order) {
        std::stable_sort(plan.order.begin(), plan.order.end(), [&](Index a, Index b) {
            return diagonal[extent(a)] > diagonal[extent(b)];
        });
    }
    Matrix<float> h(n, n);
    parallel_for(extent(n), 64, [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<Index>(begin); i < static_cast<Index>(end); ++i) {
            const Index row = plan.order[extent(i)];
            for (Index j = 0; j < n; ++j) {
                h(i, j) = 2 * gram(row, plan.order[extent(j)]);
            }
            h(i, i) = diagonal[extent(row)];
        }
    });
    return h;
}

double mean_diagonal(const Matrix<float>& h) {
    double sum = 0;
    for (Index i = 0; i < h.rows(); ++i) {
        sum += static_cast<double>(h(i, i));
    }
    return sum / static_cast<double>(h.rows());
}

void begin_trace(const Plan& plan, GptqTrace& trace) {
    trace.order = plan.order;
    trace.factor = plan.factor;
    trace.weights.resize(plan.weights.rows, plan.n());
    trace.errors.resize(plan.weights.rows, plan.n());
}

void finish_trace(GptqTrace& trace) {
    trace.loss.assign(trace.order.size(), 0.0);
    for (Index r = 0; r < trace.errors.rows(); ++r) {
        for (Index i = 0; i < trace.errors.cols(); ++i) {
            const auto e = static_cast<double>(trace.errors(r, i));
            trace.loss[extent(i)] += e * e;
        }
    }
}

}  // namespace

GptqResult gptq(View<const float> weights, View<const float> gram, const GptqOptions& options,
                GptqTrace* trace) {
    NIBBLE_ASSERT(gram.rows == weights.cols && gram.cols == weights.cols,
                  "the Gram matrix is that of the layer's input");
    Plan plan{options, weights, {}, {}, {}, {}};
    GptqResult result{.weights = IntegerWeights(options.format, weights.rows, weights.cols),
                      .order = {},
                      .times = {}};

    auto begin = std::chrono::steady_clock::now();
    const Matrix<float> h = make_hessian(gram, plan);
    result.damping = options.damping * mean_diagonal(h);
    InverseFactor factor = inverse_factor(h.view(), result.damping);
    plan.factor = std::move(factor.upper);
    result.in_double = factor.in_double;
    result.times.factor = seconds_since(begin);

    begin = std::chrono::steady_clock::now();
    plan.blocks = cut(plan);
    parallel_for(plan.blocks.size(), 1, [&](std::size_t first, std::size_t last) {
        for (std::size_t b = first; b < last; ++b) {
            Block& block = plan.blocks[b];
            if (block.last == plan.n()) {
                continue;
            }
            block.trailing.assign(plan.factor.view()
                                      .row_range(block.first, block.last - block.first)
                                      .column_range(block.last, plan.n() - block.last));
        }
    });
    if (plan.moving_groups()) {
        for (Index i = 0; i < plan.n(); ++i) {
            result.weights.group_of[extent(plan.order[extent(i)])] =
                static_cast<std::int32_t>(i / plan.length());
        }
    }
    if (trace) {
        begin_trace(plan, *trace);
    }
    const Index tile = weights.rows >= many_rows ? large_tile : strip;
    parallel_for(extent(weights.rows), extent(tile), [&](std::size_t first, std::size_t last) {
        Tile(plan, static_cast<Index>(first), static_cast<Index>(last - first), result.weights,
             trace)
            .run();
    });
    if (trace) {
        finish_trace(*trace);
    }
    result.dead = std::count(plan.dead.begin(), plan.dead.end(), true);
    result.order = std::move(plan.order);
    result.times.sweep = seconds_since(begin);
    return result;
}

Matrix<float> GptqTrace::after(Index steps) const {
    Matrix<float> w = weights;
    if (steps == 0) {
        return w;
    }
    Packed<float> right;
    right.assign(factor.view().row_range(0, steps));
    // W - E U: a rounded column is left at its level, because U is triangular.
    Matrix<float> fed(w.rows(), w.cols());
    parallel_for(extent(w.rows()), 32, [&](std::size_t begin, std::size_t end) {
        const auto first = static_cast<Index>(begin), count = static_cast<Index>(end - begin);
        multiply_packed<float>(errors.view().row_range(first, count).column_range(0, steps), right,
                               fed.view().row_range(first, count));
    });
    for (std::size_t i = 0; i < w.values().size(); ++i) {
        w.values()[i] -= fed.values()[i];
    }
    return w;
}

}  // namespace nibble
