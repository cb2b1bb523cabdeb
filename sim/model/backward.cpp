// The gradient of the mean loss with respect to every weight: the layers of network.cpp, reversed.
#include <algorithm>

#include "sim/core/parallel.hpp"
#include "sim/model/layer_math.hpp"
#include "sim/model/layer_trace.hpp"

namespace nibble {

template <class S>
struct TrainingBuffers {
    std::vector<LayerTrace<S>> layers;
    Matrix<S> x, normed, inverse_rms;
    Matrix<S> d_normed, d_stream;  // (tokens, hidden)
    Matrix<S> z;                   // logits of some rows, then their gradient
    Matrix<S> d_act, d_in, d_mixed, dq, dk, dv;
};

namespace {

constexpr Index head_rows = 1024;  // rows of logits at a time

/// The gradient's blocks, by the same names as the weights.
template <class S>
struct Gradients {
    struct Layer {
        View<S> attention_norm, ffn_norm;
        std::array<View<S>, 7> linear;
        View<S> operator[](Linear kind) const { return linear[static_cast<std::size_t>(kind)]; }
    };
    View<S> embedding, final_norm, head;
    std::vector<Layer> layers;

    Gradients(const ModelConfig& config, std::span<S> values) {
        // A view of a buffer that is not constant is a view of the same places.
        const Model<S> places = model_over<S>(config, values);
        const auto at = [&](View<const S> v) {
            return View<S>(values.data() + (v.data - values.data()), v.rows, v.cols);
        };
        embedding = at(places.embedding);
        final_norm = at(places.final_norm);
        head = at(places.head);
        for (const LayerWeights<S>& from : places.layers) {
            Layer layer{at(from.attention_norm), at(from.ffn_norm), {}};
            for (const Linear kind : layer_linears) {
                layer.linear[static_cast<std::size_t>(kind)] = at(from[kind]);
            }
            layers.push_back(layer);
        }
    }
};

/// Where row i's target is row i + 1's token; the last row of a sequence has none.
struct Predictions {
    std::vector<Index> rows;
    TokenIds targets;
};

Predictions predictions_of(const Rows& rows) {
    Predictions p;
    for (std::size_t s = 0; s < rows.starts.size(); ++s) {
        for (Index i = 0; i + 1 < rows.lengths[s]; ++i) {
            p.rows.push_back(rows.starts[s] + i);
            p.targets.push_back(rows.ids[static_cast<std::size_t>(rows.starts[s] + i + 1)]);
        }
    }
    return p;
}

/// Loss of the head's rows; leaves d_normed.
template <class S>
S head_loss(const Model<S>& model, TrainingBuffers<S>& b, const Predictions& predictions,
            const Gradients<S>& grads) {
    const Index hidden = model.config.hidden;
    const auto total = static_cast<Index>(predictions.rows.size());
    if (total == 0) {
        throw Error(Error::Code::bad_param, "no token of the batch is predicted",
                    "a sequence to train on has two tokens at least");
    }
    b.d_normed.resize(b.x.rows(), hidden);
    std::fill(b.d_normed.values().begin(), b.d_normed.values().end(), S{0});
    const S weight = S{1} / static_cast<S>(total);
    Matrix<S> in, d_in;
    double sum = 0;
    for (Index first = 0; first < total; first += head_rows) {
        const Index count = std::min(head_rows, total - first);
        in.resize(count, hidden);
        d_in.resize(count, hidden);
        b.z.resize(count, model.config.vocab);
        for (Index i = 0; i < count; ++i) {
            const Index row = predictions.rows[static_cast<std::size_t>(first + i)];
            std::copy_n(b.normed.row(row), hidden, in.row(i));
        }
        multiply<S>(in.view(), model.head.transposed(), b.z.view());
        std::vector<S> losses(static_cast<std::size_t>(count));
        cross_entropy<S>(b.z.view(),
                         std::span(predictions.targets).subspan(static_cast<std::size_t>(first)),
                         losses, &weight);
        for (const S loss : losses) {
            sum += static_cast<double>(loss);
        }
        multiply<S>(b.z.view().transposed(), in.view(), grads.head, true);
        multiply<S>(b.z.view(), model.head, d_in.view());
        for (Index i = 0; i < count; ++i) {
            const Index row = predictions.rows[static_cast<std::size_t>(first + i)];
            std::copy_n(d_in.row(i), hidden, b.d_normed.row(row));
        }
    }
    return static_cast<S>(sum / static_cast<double>(total));
}

/// b.d_stream is the gradient after the layer, then before it.
template <class S>
void backward_layer(const Model<S>& model, Index index, const Rows& rows,
                    const RotaryTable<S>& table, TrainingBuffers<S>& b,
                    const typename Gradients<S>::Layer& grads) {
    const ModelConfig& c = model.config;
    const LayerWeights<S> w = model.layer(index);
    LayerTrace<S>& t = b.layers[static_cast<std::size_t>(index)];
    const Index n = b.d_stream.rows();
    const auto weight_gradient = [&](Matrix<S>& d_out, Matrix<S>& in, Linear kind) {
        multiply<S>(d_out.view().transposed(), in.view(), grads[kind], true);
    };
    const auto input_gradient = [&](Matrix<S>& d_out, Linear kind, Matrix<S>& d_in, bool add) {
        d_in.resize(n, w[kind].cols);
        multiply<S>(d_out.view(), w[kind], d_in.view(), add);
    };
    weight_gradient(b.d_stream, t.act, Linear::down);
    input_gradient(b.d_stream, Linear::down, b.d_act, false);
    swiglu_backward<S>(b.d_act.view(), t.gate.view(), t.up.view());
    weight_gradient(t.gate, t.mlp_in, Linear::gate);
    weight_gradient(t.up, t.mlp_in, Linear::up);
    input_gradient(t.gate, Linear::gate, b.d_in, false);
    input_gradient(t.up, Linear::up, b.d_in, true);
    rms_norm_backward<S>(t.middle.view(), w.ffn_norm, t.middle_inverse_rms.view(), b.d_in.view(),
                         b.d_stream.view(), grads.ffn_norm);

    weight_gradient(b.d_stream, t.mixed, Linear::o);
    input_gradient(b.d_stream, Linear::o, b.d_mixed, false);
    b.dq.resize(n, c.q_width());
    b.dk.resize(n, c.kv_width());
    b.dv.resize(n, c.kv_width());
    std::vector<Segment<S>> segments;
    for (std::size_t s = 0; s < rows.starts.size(); ++s) {
        segments.push_back({rows.starts[s], rows.lengths[s], 0,
                            t.k.view().row_range(rows.starts[s], rows.lengths[s]),
                            t.v.view().row_range(rows.starts[s], rows.lengths[s])});
    }
    attend_backward<S>(c, t.q.view(), segments, t.mixed.view(), t.log_sums.view(), b.d_mixed.view(),
                       b.dq.view(), b.dk.view(), b.dv.view());
    rotate<S>(table, c, c.heads, rows.positions, b.dq.view(), -1);
    rotate<S>(table, c, c.kv_heads, rows.positions, b.dk.view(), -1);
    weight_gradient(b.dq, t.attention_in, Linear::q);
    weight_gradient(b.dk, t.attention_in, Linear::k);
    weight_gradient(b.dv, t.attention_in, Linear::v);
    input_gradient(b.dq, Linear::q, b.d_in, false);
    input_gradient(b.dk, Linear::k, b.d_in, true);
    input_gradient(b.dv, Linear::v, b.d_in, true);
    rms_norm_backward<S>(t.input.view(), w.attention_norm, t.inverse_rms.view(), b.d_in.view(),
                         b.d_stream.view(), grads.attention_norm);
}

}  // namespace

template <class S>
Trainee<S>::Trainee() : buffers_(std::make_unique<TrainingBuffers<S>>()) {}
template <class S>
Trainee<S>::~Trainee() = default;

template <class S>
S Trainee<S>::loss_and_gradient(const Model<S>& model, std::span<const TokenIds> batch,
                                std::span<S> gradient) {
    TrainingBuffers<S>& b = *buffers_;
    const ModelConfig& c = model.config;
    const Rows rows = rows_of(c, batch);
    const RotaryTable<S> table(c, 0, *std::max_element(rows.lengths.begin(), rows.lengths.end()));
    b.layers.resize(static_cast<std::size_t>(c.layers));
    embed(model, rows, b.x);
    for (Index l = 0; l < c.layers; ++l) {
        forward_layer<S>(model, l, rows, table, b.layers[static_cast<std::size_t>(l)], b.x, nullptr,
                         0, {});
    }
    final_norm<S>(model, b.x, b.normed, b.inverse_rms, {});

    std::fill(gradient.begin(), gradient.end(), S{0});
    const Gradients<S> grads(c, gradient);
    const S loss = head_loss(model, b, predictions_of(rows), grads);
    b.d_stream.resize(b.x.rows(), c.hidden);
    std::fill(b.d_stream.values().begin(), b.d_stream.values().end(), S{0});
    rms_norm_backward<S>(b.x.view(), model.final_norm, b.inverse_rms.view(), b.d_normed.view(),
                         b.d_stream.view(), grads.final_norm);
    for (Index l = c.layers - 1; l >= 0; --l) {
        backward_layer(model, l, rows, table, b, grads.layers[static_cast<std::size_t>(l)]);
    }
    for (Index i = 0; i < b.d_stream.rows(); ++i) {  // in order: a token may come many times
        S* to = grads.embedding.row(rows.ids[static_cast<std::size_t>(i)]);
        for (Index j = 0; j < c.hidden; ++j) {
            to[j] += b.d_stream(i, j);
        }
    }
    return loss;
}

template class Trainee<float>;
template class Trainee<double>;

}  // namespace nibble
