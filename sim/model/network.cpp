#include "sim/model/network.hpp"

#include <fmt/format.h>

#include "sim/core/parallel.hpp"
#include "sim/model/layer_math.hpp"
#include "sim/model/layer_trace.hpp"

namespace nibble {
namespace {

template <class S>
void see(const Hooks<S>& hooks, Index layer, Site site, Matrix<S>& input) {
    if (hooks.on_input) {
        hooks.on_input(layer, site, input.view());
    }
}

/// Runs the layers and leaves the residual stream in x.
template <class S>
void forward(const Model<S>& model, const Rows& rows, Matrix<S>& x, KvCache<S>* cache, Index past,
             const Hooks<S>& hooks) {
    embed(model, rows, x);
    const Index last = *std::max_element(rows.positions.begin(), rows.positions.end());
    const RotaryTable<S> table(model.config, past, last + 1 - past);
    LayerTrace<S> trace;
    const Index layers = hooks.last_layer < 0 ? model.config.layers
                                              : std::min(model.config.layers, hooks.last_layer + 1);
    for (Index l = 0; l < layers; ++l) {
        forward_layer(model, l, rows, table, trace, x, cache, past, hooks);
    }
}

template <class S>
void multiply_rows(const Rows& rows, const Matrix<S>& in, View<const S> weights, Matrix<S>& out) {
    if (rows.is_tree()) {
        multiply_rows_alike<S>(in.view(), weights.transposed(), out.view());
    } else {
        multiply<S>(in.view(), weights.transposed(), out.view());
    }
}

/// Attention of the rows of a tree, each over the sequence and its ancestors: these are put behind
/// the sequence in the cache, where a row finds them as if nothing else had been drafted. Leaves
/// every row of the tree behind the sequence, in order.
template <class S>
void attend_tree(const ModelConfig& config, const Rows& rows, LayerTrace<S>& t, KvCache<S>& cache,
                 Index layer, Index past) {
    const View<S> keys = cache.keys(layer), values = cache.values(layer);
    const auto place = [&](Index row, Index position) {
        std::copy_n(t.k.row(row), t.k.cols(), keys.row(position));
        std::copy_n(t.v.row(row), t.v.cols(), values.row(position));
    };
    for (Index i = 0; i < t.q.rows(); ++i) {
        const Index position = rows.positions[static_cast<std::size_t>(i)];
        for (Index row = i; row >= 0; row = rows.parents[static_cast<std::size_t>(row)]) {
            place(row, rows.positions[static_cast<std::size_t>(row)]);
        }
        const Segment<S> segment{i, 1, position, keys.row_range(0, position + 1),
                                 values.row_range(0, position + 1)};
        attend<S>(config, t.q.view(), std::span(&segment, 1), t.mixed.view(), t.log_sums.view());
    }
    for (Index i = 0; i < t.q.rows(); ++i) {
        place(i, past + i);
    }
}

}  // namespace

std::string_view name(Site site) {
    static constexpr std::string_view names[] = {"attention_in", "attention_out", "mlp_in",
                                                 "mlp_out", "head_in"};
    return names[static_cast<std::size_t>(site)];
}

Site site_of(Linear kind) {
    switch (kind) {
        case Linear::q:
        case Linear::k:
        case Linear::v:
            return Site::attention_in;
        case Linear::o:
            return Site::attention_out;
        case Linear::gate:
        case Linear::up:
            return Site::mlp_in;
        case Linear::down:
            return Site::mlp_out;
        case Linear::head:
            break;
    }
    return Site::head_in;
}

template <class S>
KvCache<S>::KvCache(const ModelConfig& config)
    : layers_(config.layers),
      width_(config.kv_width()),
      keys_(static_cast<std::size_t>(config.layers)),
      values_(static_cast<std::size_t>(config.layers)) {}

template <class S>
void KvCache<S>::truncate(Index length) {
    NIBBLE_ASSERT(length >= 0 && length <= length_, "a cache is cut, not lengthened");
    length_ = length;
}

template <class S>
void KvCache<S>::keep(Index first, std::span<const Index> rows) {
    Index to = first;
    for (const Index row : rows) {
        NIBBLE_ASSERT(first + row >= to && first + row < length_, "kept positions increase");
        for (std::size_t l = 0; l < keys_.size(); ++l) {
            std::copy_n(keys_[l].row(first + row), width_, keys_[l].row(to));
            std::copy_n(values_[l].row(first + row), width_, values_[l].row(to));
        }
        ++to;
    }
    truncate(to);
}

template <class S>
View<S> KvCache<S>::keys(Index layer) {
    return View<S>(keys_[static_cast<std::size_t>(layer)].row(0), length_, width_);
}

template <class S>
View<S> KvCache<S>::values(Index layer) {
    return View<S>(values_[static_cast<std::size_t>(layer)].row(0), length_, width_);
}

template <class S>
std::size_t KvCache<S>::bytes() const {
    return static_cast<std::size_t>(2 * layers_ * length_ * width_) * sizeof(S);
}

template <class S>
void KvCache<S>::grow(Index positions) {
    length_ += positions;
    if (length_ > capacity_) {
        capacity_ = std::max(length_, 2 * capacity_);
        for (std::size_t l = 0; l < keys_.size(); ++l) {
            keys_[l].resize(capacity_, width_);
            values_[l].resize(capacity_, width_);
        }
    }
}

void check_tokens(const ModelConfig& config, std::span<const std::int32_t> ids) {
    if (ids.empty()) {
        throw Error(Error::Code::bad_param, "there are no tokens", "give at least one");
    }
    for (const std::int32_t id : ids) {
        if (id < 0 || id >= config.vocab) {
            throw Error(Error::Code::bad_param,
                        fmt::format("token id {} is not in the model's vocabulary", id),
                        fmt::format("ids run from 0 to {}; were these made by another model's "
                                    "tokenizer?",
                                    config.vocab - 1));
        }
    }
}

Rows rows_of(const ModelConfig& config, std::span<const TokenIds> batch, Index past) {
    if (batch.empty()) {
        throw Error(Error::Code::bad_param, "the batch has no sequence", "give at least one");
    }
    Rows rows;
    for (const TokenIds& sequence : batch) {
        check_tokens(config, sequence);
        rows.starts.push_back(static_cast<Index>(rows.ids.size()));
        rows.lengths.push_back(static_cast<Index>(sequence.size()));
        for (std::size_t i = 0; i < sequence.size(); ++i) {
            rows.ids.push_back(sequence[i]);
            rows.positions.push_back(past + static_cast<Index>(i));
        }
    }
    return rows;
}

template <class S>
void embed(const Model<S>& model, const Rows& rows, Matrix<S>& out) {
    const Index hidden = model.config.hidden;
    out.resize(static_cast<Index>(rows.ids.size()), hidden);
    for (Index i = 0; i < out.rows(); ++i) {
        const std::int32_t id = rows.ids[static_cast<std::size_t>(i)];
        if (model.read_embedding) {
            model.read_embedding(id, {out.row(i), static_cast<std::size_t>(hidden)});
        } else {
            std::copy_n(model.embedding.row(id), hidden, out.row(i));
        }
    }
}

template <class S>
void forward_layer(const Model<S>& model, Index index, const Rows& rows,
                   const RotaryTable<S>& table, LayerTrace<S>& t, Matrix<S>& x, KvCache<S>* cache,
                   Index past, const Hooks<S>& hooks) {
    const ModelConfig& c = model.config;
    const LayerWeights<S> w = model.layer(index);
    const Index n = x.rows();
    const auto linear = [&](Matrix<S>& in, Linear kind, Matrix<S>& out) {
        out.resize(n, w[kind].rows);
        multiply_rows(rows, in, w[kind], out);
    };
    t.input = x;
    t.attention_in.resize(n, c.hidden);
    t.inverse_rms.resize(n, 1);
    rms_norm<S>(x.view(), w.attention_norm, c.norm_eps, t.attention_in.view(),
                t.inverse_rms.view());
    see(hooks, index, Site::attention_in, t.attention_in);
    linear(t.attention_in, Linear::q, t.q);
    linear(t.attention_in, Linear::k, t.k);
    linear(t.attention_in, Linear::v, t.v);
    rotate<S>(table, c, c.heads, rows.positions, t.q.view());
    rotate<S>(table, c, c.kv_heads, rows.positions, t.k.view());

    std::vector<Segment<S>> segments;
    for (std::size_t s = 0; s < rows.starts.size(); ++s) {
        const View<S> keys = t.k.view().row_range(rows.starts[s], rows.lengths[s]);
        const View<S> values = t.v.view().row_range(rows.starts[s], rows.lengths[s]);
        if (hooks.on_cache) {
            hooks.on_cache(index, static_cast<Index>(s), keys, values);
        }
        segments.push_back({rows.starts[s], rows.lengths[s], past, keys, values});
    }
    t.mixed.resize(n, c.q_width());
    t.log_sums.resize(n, c.heads);
    if (cache && !rows.is_tree()) {
        std::copy(t.k.values().begin(), t.k.values().end(), cache->keys(index).row(past));
        std::copy(t.v.values().begin(), t.v.values().end(), cache->values(index).row(past));
        segments[0].keys = cache->keys(index);
        segments[0].values = cache->values(index);
    }
    AttentionMap<S> map;
    if (hooks.on_attention) {
        map = [&](Index s, Index head, View<const S> p) { hooks.on_attention(index, s, head, p); };
    }
    if (rows.is_tree()) {
        attend_tree(c, rows, t, *cache, index, past);
    } else {
        attend<S>(c, t.q.view(), segments, t.mixed.view(), t.log_sums.view(), map);
    }
    see(hooks, index, Site::attention_out, t.mixed);

    const auto add_linear = [&](Matrix<S>& in, Linear kind, Matrix<S>& stream) {
        Matrix<S> change(n, c.hidden);
        multiply_rows(rows, in, w[kind], change);
        parallel_for(stream.values().size(), 16384, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) {
                stream.values()[i] += change.values()[i];
            }
        });
    };
    add_linear(t.mixed, Linear::o, x);
    t.middle = x;
    t.mlp_in.resize(n, c.hidden);
    t.middle_inverse_rms.resize(n, 1);
    rms_norm<S>(x.view(), w.ffn_norm, c.norm_eps, t.mlp_in.view(), t.middle_inverse_rms.view());
    see(hooks, index, Site::mlp_in, t.mlp_in);
    linear(t.mlp_in, Linear::gate, t.gate);
    linear(t.mlp_in, Linear::up, t.up);
    t.act.resize(n, c.inner);
    swiglu<S>(t.gate.view(), t.up.view(), t.act.view());
    see(hooks, index, Site::mlp_out, t.act);
    add_linear(t.act, Linear::down, x);
}

template <class S>
void final_norm(const Model<S>& model, const Matrix<S>& x, Matrix<S>& out, Matrix<S>& inverse_rms,
                const Hooks<S>& hooks) {
    out.resize(x.rows(), x.cols());
    inverse_rms.resize(x.rows(), 1);
    rms_norm<S>(x.view(), model.final_norm, model.config.norm_eps, out.view(), inverse_rms.view());
    see(hooks, 0, Site::head_in, out);
}

template <class S>
void run(const Model<S>& model, std::span<const TokenIds> batch, const Hooks<S>& hooks) {
    Matrix<S> x, normed, inverse_rms;
    forward<S>(model, rows_of(model.config, batch), x, nullptr, 0, hooks);
    if (hooks.last_layer < 0) {
        final_norm(model, x, normed, inverse_rms, hooks);
    }
}

template <class S>
Matrix<S> logits(const Model<S>& model, std::span<const TokenIds> batch, const Hooks<S>& hooks) {
    Matrix<S> x, normed, inverse_rms;
    forward<S>(model, rows_of(model.config, batch), x, nullptr, 0, hooks);
    final_norm(model, x, normed, inverse_rms, hooks);
    Matrix<S> out(x.rows(), model.config.vocab);
    multiply<S>(normed.view(), model.head.transposed(), out.view());
    return out;
}

template <class S>
Matrix<S> extend(const Model<S>& model, KvCache<S>& cache, std::span<const std::int32_t> ids,
                 const Hooks<S>& hooks) {
    const Index past = cache.length();
    const TokenIds sequence(ids.begin(), ids.end());
    const Rows rows = rows_of(model.config, std::span(&sequence, 1), past);
    cache.grow(static_cast<Index>(ids.size()));
    Matrix<S> x, normed, inverse_rms;
    forward(model, rows, x, &cache, past, hooks);
    final_norm(model, x, normed, inverse_rms, hooks);
    Matrix<S> out(x.rows(), model.config.vocab);
    multiply<S>(normed.view(), model.head.transposed(), out.view());
    return out;
}

template <class S>
Matrix<S> extend_tree(const Model<S>& model, KvCache<S>& cache, std::span<const std::int32_t> ids,
                      std::span<const Index> parents) {
    NIBBLE_ASSERT(ids.size() == parents.size(), "every token of a tree has its parent");
    const Index past = cache.length();
    const TokenIds tokens(ids.begin(), ids.end());
    Rows rows = rows_of(model.config, std::span(&tokens, 1), past);
    rows.parents.assign(parents.begin(), parents.end());
    for (std::size_t i = 0; i < parents.size(); ++i) {
        if (parents[i] < -1 || parents[i] >= static_cast<Index>(i)) {
            throw Error(Error::Code::bad_param,
                        fmt::format("token {} of the tree follows token {}", i, parents[i]),
                        "a parent is an earlier token, or -1 for the text before the tree");
        }
        rows.positions[i] =
            parents[i] < 0 ? past : rows.positions[static_cast<std::size_t>(parents[i])] + 1;
    }
    cache.grow(static_cast<Index>(ids.size()));
    Matrix<S> x, normed, inverse_rms;
    forward(model, rows, x, &cache, past, Hooks<S>{});
    final_norm(model, x, normed, inverse_rms, Hooks<S>{});
    Matrix<S> out(x.rows(), model.config.vocab);
    multiply_rows(rows, normed, model.head, out);
    return out;
}

template <class S>
std::vector<S> token_losses(const Model<S>& model, std::span<const TokenIds> batch,
                            const Hooks<S>& hooks) {
    const Rows rows = rows_of(model.config, batch);
    Matrix<S> x, normed, inverse_rms;
    forward<S>(model, rows, x, nullptr, 0, hooks);
    final_norm(model, x, normed, inverse_rms, hooks);
    // The head, some rows at a time: whole logits of a large vocabulary would not fit.
    const Index at_once = std::max<Index>(96, (Index{1} << 22) / model.config.vocab);
    Packed<S> head;
    head.assign(model.head.transposed(), true);
    TokenIds targets(rows.ids.begin() + 1, rows.ids.end());
    targets.push_back(0);  // the last row predicts nothing that is counted
    std::vector<S> all(rows.ids.size());
    Matrix<S> z;
    for (Index first = 0; first < x.rows(); first += at_once) {
        const Index count = std::min(at_once, x.rows() - first);
        z.resize(count, model.config.vocab);
        parallel_for(static_cast<std::size_t>(count), 96, [&](std::size_t begin, std::size_t end) {
            const auto b = static_cast<Index>(begin), rows_here = static_cast<Index>(end - begin);
            multiply_packed<S>(normed.view().row_range(first + b, rows_here), head,
                               z.view().row_range(b, rows_here));
        });
        cross_entropy<S>(z.view(), std::span(targets).subspan(static_cast<std::size_t>(first)),
                         std::span(all).subspan(static_cast<std::size_t>(first)));
    }
    std::vector<S> losses;
    for (std::size_t s = 0; s < rows.starts.size(); ++s) {
        const auto begin = all.begin() + rows.starts[s];
        losses.insert(losses.end(), begin, begin + rows.lengths[s] - 1);
    }
    return losses;
}

#define NIBBLE_INSTANTIATE(S)                                                                     \
    template class KvCache<S>;                                                                    \
    template void embed(const Model<S>&, const Rows&, Matrix<S>&);                                \
    template void forward_layer(const Model<S>&, Index, const Rows&, const RotaryTable<S>&,       \
                                LayerTrace<S>&, Matrix<S>&, KvCache<S>*, Index, const Hooks<S>&); \
    template void final_norm(const Model<S>&, const Matrix<S>&, Matrix<S>&, Matrix<S>&,           \
                             const Hooks<S>&);                                                    \
    template void run(const Model<S>&, std::span<const TokenIds>, const Hooks<S>&);               \
    template Matrix<S> logits(const Model<S>&, std::span<const TokenIds>, const Hooks<S>&);       \
    template Matrix<S> extend(const Model<S>&, KvCache<S>&, std::span<const std::int32_t>,        \
                              const Hooks<S>&);                                                   \
    template Matrix<S> extend_tree(const Model<S>&, KvCache<S>&, std::span<const std::int32_t>,   \
                                   std::span<const Index>);                                       \
    template std::vector<S> token_losses(const Model<S>&, std::span<const TokenIds>,              \
                                         const Hooks<S>&);
NIBBLE_INSTANTIATE(float)
NIBBLE_INSTANTIATE(double)
#undef NIBBLE_INSTANTIATE

}  // namespace nibble
