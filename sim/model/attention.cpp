#include "sim/model/attention.hpp"

#include <Eigen/Dense>
#include <cmath>

#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

constexpr Index query_block = 64;  // 64 x 256 scores are 64 KiB

template <class S>
using Row = Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>>;
template <class S>
using ConstRow = Eigen::Map<const Eigen::Array<S, 1, Eigen::Dynamic>>;

struct SeenKeys {
    Index first, last;
};

/// The keys that the query at `position` sees.
SeenKeys seen(const ModelConfig& config, Index position) {
    const Index window = config.sliding_window;
    return {window > 0 ? std::max<Index>(0, position - window + 1) : 0, position + 1};
}

/// Scores become probabilities, zero outside what each query sees. With `given` log sums they are
/// used, else they are computed and stored.
template <class S>
void softmax_rows(const ModelConfig& config, Index first_position, View<S> scores, S scale,
                  View<S> log_sums, bool given) {
    for (Index i = 0; i < scores.rows; ++i) {
        const SeenKeys range = seen(config, first_position + i);
        Row<S> all(scores.row(i), scores.cols);
        all.head(range.first).setZero();
        all.tail(scores.cols - range.last).setZero();
        auto row = all.segment(range.first, range.last - range.first);
        if (given) {
            row = (row * scale - log_sums(i, 0)).exp();
            continue;
        }
        const S top = row.maxCoeff() * scale;
        row = (row * scale - top).exp();
        const S sum = row.sum();
        row *= 1 / sum;
        log_sums(i, 0) = top + std::log(sum);
    }
}

/// Buffers of one task; kept by its thread.
template <class S>
struct Scratch {
    Packed<S> keys, keys_as_rows, values, values_transposed, queries, grads;
    Matrix<S> scores, grad_scores;
    static Scratch& mine() {
        thread_local Scratch scratch;
        return scratch;
    }
};

template <class S>
S score_scale(const ModelConfig& config) {
    return static_cast<S>(1 / std::sqrt(static_cast<double>(config.head_dim)));
}

/// One head of one segment.
template <class S>
void attend_head(const ModelConfig& config, View<const S> q, const Segment<S>& segment, Index head,
                 View<S> out, View<S> log_sums, Matrix<S>* map) {
    const Index dim = config.head_dim, kv = head / (config.heads / config.kv_heads);
    const View<const S> keys = segment.keys.column_range(kv * dim, dim);
    const View<const S> values = segment.values.column_range(kv * dim, dim);
    const View<const S> queries =
        q.row_range(segment.first_query, segment.queries).column_range(head * dim, dim);
    const View<S> mixed =
        out.row_range(segment.first_query, segment.queries).column_range(head * dim, dim);
    const View<S> sums =
        log_sums.row_range(segment.first_query, segment.queries).column_range(head, 1);
    Scratch<S>& scratch = Scratch<S>::mine();
    scratch.keys.assign(keys.transposed());
    scratch.values.assign(values);
    for (Index first = 0; first < segment.queries; first += query_block) {
        const Index count = std::min(query_block, segment.queries - first);
        const Index limit = segment.past + first + count;
        scratch.scores.resize(count, limit);
        const View<S> scores = scratch.scores.view();
        multiply_packed<S>(queries.row_range(first, count), scratch.keys, scores);
        softmax_rows(config, segment.past + first, scores, score_scale<S>(config),
                     sums.row_range(first, count), false);
        multiply_packed<S>(scores, scratch.values, mixed.row_range(first, count));
        if (map) {
            for (Index i = 0; i < count; ++i) {
                std::copy_n(scores.row(i), limit, map->row(first + i));
                std::fill(map->row(first + i) + limit, map->row(first + i) + map->cols(), S{0});
            }
        }
    }
}

/// One query of one head: no packing, which would cost more than the product.
template <class S>
void attend_single(const ModelConfig& config, const S* q, const Segment<S>& segment, Index head,
                   S* out, S* log_sum) {
    using RowMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    using Rows = Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>;
    const Index dim = config.head_dim, kv = head / (config.heads / config.kv_heads);
    const SeenKeys range = seen(config, segment.past);
    const Index count = range.last - range.first;
    const Rows keys(segment.keys.row(range.first) + kv * dim, count, dim,
                    Eigen::OuterStride<>(segment.keys.row_step));
    const Rows values(segment.values.row(range.first) + kv * dim, count, dim,
                      Eigen::OuterStride<>(segment.values.row_step));
    const Eigen::Map<const Eigen::Matrix<S, Eigen::Dynamic, 1>> query(q, dim);
    Eigen::Array<S, Eigen::Dynamic, 1> p = (keys * query).array() * score_scale<S>(config);
    const S top = p.maxCoeff();
    p = (p - top).exp();
    const S sum = p.sum();
    *log_sum = top + std::log(sum);
    Eigen::Map<Eigen::Matrix<S, 1, Eigen::Dynamic>>(out, dim).noalias() =
        (p.matrix() / sum).transpose() * values;
}

template <class S>
void backward_of_group(const ModelConfig& config, View<const S> q, const Segment<S>& segment,
                       Index kv, View<const S> out, View<const S> log_sums, View<const S> d_out,
                       View<S> dq, View<S> dk, View<S> dv) {
    const Index dim = config.head_dim, group = config.heads / config.kv_heads;
    const S scale = score_scale<S>(config);
    const auto own = [&](auto matrix, Index head) {
        return matrix.row_range(segment.first_query, segment.queries).column_range(head * dim, dim);
    };
    const View<const S> keys = segment.keys.column_range(kv * dim, dim);
    const View<const S> values = segment.values.column_range(kv * dim, dim);
    Scratch<S>& scratch = Scratch<S>::mine();
    scratch.keys.assign(keys.transposed());
    scratch.keys_as_rows.assign(keys);
    scratch.values_transposed.assign(values.transposed());
    const View<S> own_dk = own(dk, kv), own_dv = own(dv, kv);
    for (Index i = 0; i < segment.queries; ++i) {
        std::fill_n(own_dk.row(i), dim, S{0});
        std::fill_n(own_dv.row(i), dim, S{0});
    }
    for (Index head = kv * group; head < (kv + 1) * group; ++head) {
        for (Index first = 0; first < segment.queries; first += query_block) {
            const Index count = std::min(query_block, segment.queries - first);
            const Index limit = first + count;
            const View<const S> queries = own(q, head).row_range(first, count);
            const View<const S> grads = own(d_out, head).row_range(first, count);
            const View<const S> mixed = own(out, head).row_range(first, count);
            Matrix<S> sums(count, 1);
            for (Index i = 0; i < count; ++i) {
                sums(i, 0) = log_sums(segment.first_query + first + i, head);
            }
            scratch.scores.resize(count, limit);
            scratch.grad_scores.resize(count, limit);
            const View<S> p = scratch.scores.view(), dp = scratch.grad_scores.view();
            multiply_packed<S>(queries, scratch.keys, p);
            softmax_rows(config, first, p, scale, sums.view(), true);
            multiply_packed<S>(grads, scratch.values_transposed, dp);
            scratch.grads.assign(grads);
            multiply_packed<S>(View<const S>(p).transposed(), scratch.grads,
                               own_dv.row_range(0, limit), true);
            for (Index i = 0; i < count; ++i) {
                // sum_j p dp, which is also the product of the row's output and its gradient
                const S mean =
                    (ConstRow<S>(mixed.row(i), dim) * ConstRow<S>(grads.row(i), dim)).sum();
                Row<S> ds(dp.row(i), limit);
                ds = Row<S>(p.row(i), limit) * (ds - mean) * scale;
            }
            multiply_packed<S>(dp, scratch.keys_as_rows, own(dq, head).row_range(first, count));
            scratch.queries.assign(queries);
            multiply_packed<S>(View<const S>(dp).transposed(), scratch.queries,
                               own_dk.row_range(0, limit), true);
        }
    }
}

}  // namespace

template <class S>
RotaryTable<S>::RotaryTable(const ModelConfig& config, Index first_position, Index count)
    : first(first_position) {
    const std::vector<double> frequencies = rotary_frequencies(config);
    const Index half = config.head_dim / 2;
    cosine.resize(count, half);
    sine.resize(count, half);
    parallel_for(static_cast<std::size_t>(count), 64, [&](std::size_t begin, std::size_t end) {
        for (auto p = static_cast<Index>(begin); p < static_cast<Index>(end); ++p) {
            for (Index i = 0; i < half; ++i) {
                const double angle = static_cast<double>(first_position + p) *
                                     frequencies[static_cast<std::size_t>(i)];
                cosine(p, i) = static_cast<S>(std::cos(angle));
                sine(p, i) = static_cast<S>(std::sin(angle));
            }
        }
    });
}

template <class S>
void rotate(const RotaryTable<S>& table, const ModelConfig& config, Index heads,
            std::span<const Index> positions, View<S> x, int sign) {
    const Index half = config.head_dim / 2;
    const bool halves = config.rotary_pairs == RotaryPairs::halves;
    const Index first_step = halves ? 1 : 2, second = halves ? half : 1;
    parallel_for(static_cast<std::size_t>(x.rows), 64, [&](std::size_t begin, std::size_t end) {
        for (std::size_t r = begin; r < end; ++r) {
            const S* cosine = table.cosine.row(positions[r] - table.first);
            const S* sine = table.sine.row(positions[r] - table.first);
            for (Index head = 0; head < heads; ++head) {
                S* a = x.row(static_cast<Index>(r)) + head * config.head_dim;
                for (Index i = 0; i < half; ++i) {
                    S& even = a[i * first_step];
                    S& odd = a[i * first_step + second];
                    const S s = sign > 0 ? sine[i] : -sine[i];
                    const S turned = even * cosine[i] - odd * s;
                    odd = odd * cosine[i] + even * s;
                    even = turned;
                }
            }
        }
    });
}

template <class S>
void attend(const ModelConfig& config, View<const S> q, std::span<const Segment<S>> segments,
            View<S> out, View<S> log_sums, const AttentionMap<S>& map) {
    const Index tasks = static_cast<Index>(segments.size()) * config.heads;
    const auto task = [&](Index t) {
        const Index s = t / config.heads, head = t % config.heads;
        const Segment<S>& segment = segments[static_cast<std::size_t>(s)];
        if (map) {
            Matrix<S> whole(segment.queries, segment.past + segment.queries);
            attend_head(config, q, segment, head, out, log_sums, &whole);
            map(s, head, whole.view());
        } else if (segment.queries == 1) {
            attend_single(config, q.row(segment.first_query) + head * config.head_dim, segment,
                          head, out.row(segment.first_query) + head * config.head_dim,
                          &log_sums(segment.first_query, head));
        } else {
            attend_head<S>(config, q, segment, head, out, log_sums, nullptr);
        }
    };
    if (map) {  // one caller's function, so one call at a time and in order
        for (Index t = 0; t < tasks; ++t) {
            task(t);
        }
        return;
    }
    parallel_for(static_cast<std::size_t>(tasks), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t t = begin; t < end; ++t) {
            task(static_cast<Index>(t));
        }
    });
}

template <class S>
void attend_backward(const ModelConfig& config, View<const S> q,
                     std::span<const Segment<S>> segments, View<const S> out,
                     View<const S> log_sums, View<const S> d_out, View<S> dq, View<S> dk,
                     View<S> dv) {
    const auto groups = static_cast<std::size_t>(config.kv_heads);
    parallel_for(segments.size() * groups, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t t = begin; t < end; ++t) {
            backward_of_group(config, q, segments[t / groups], static_cast<Index>(t % groups), out,
                              log_sums, d_out, dq, dk, dv);
        }
    });
}

#define NIBBLE_INSTANTIATE(S)                                                                      \
    template struct RotaryTable<S>;                                                                \
    template void rotate(const RotaryTable<S>&, const ModelConfig&, Index, std::span<const Index>, \
                         View<S>, int);                                                            \
    template void attend(const ModelConfig&, View<const S>, std::span<const Segment<S>>, View<S>,  \
                         View<S>, const AttentionMap<S>&);                                         \
    template void attend_backward(const ModelConfig&, View<const S>, std::span<const Segment<S>>,  \
                                  View<const S>, View<const S>, View<const S>, View<S>, View<S>,   \
                                  View<S>);
NIBBLE_INSTANTIATE(float)
NIBBLE_INSTANTIATE(double)
#undef NIBBLE_INSTANTIATE

}  // namespace nibble
