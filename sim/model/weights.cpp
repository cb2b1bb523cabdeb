#include "sim/model/weights.hpp"

#include <cmath>
#include <fmt/format.h>

#include "sim/core/parallel.hpp"
#include "sim/core/rng.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

constexpr std::array<const char*, 7> linear_names = {
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};

struct Shape {
    Index rows, cols;
};

Shape shape_of(const ModelConfig& c, Linear kind) {
    switch (kind) {
        case Linear::q:
            return {c.q_width(), c.hidden};
        case Linear::k:
        case Linear::v:
            return {c.kv_width(), c.hidden};
        case Linear::o:
            return {c.hidden, c.q_width()};
        case Linear::gate:
        case Linear::up:
            return {c.inner, c.hidden};
        case Linear::down:
            return {c.hidden, c.inner};
        case Linear::head:
            break;
    }
    return {c.vocab, c.hidden};
}

}  // namespace

std::string name(LinearId id) {
    return id.kind == Linear::head ? "lm_head"
                                   : fmt::format("model.layers.{}.{}", id.layer,
                                                 linear_names[static_cast<std::size_t>(id.kind)]);
}

std::vector<LinearId> linear_layers(const ModelConfig& config) {
    std::vector<LinearId> all;
    for (Index layer = 0; layer < config.layers; ++layer) {
        for (const Linear kind : layer_linears) {
            all.push_back({layer, kind});
        }
    }
    all.push_back({0, Linear::head});
    return all;
}

LinearId find_linear(const ModelConfig& config, std::string_view text) {
    if (text.ends_with(".weight")) {
        text.remove_suffix(7);
    }
    std::vector<std::string> names;
    for (const LinearId id : linear_layers(config)) {
        names.push_back(name(id));
        if (names.back() == text) {
            return id;
        }
    }
    const std::string near = nearest(text, names);
    throw Error(Error::Code::bad_param, fmt::format("the model has no linear layer \"{}\"", text),
                near.empty() ? fmt::format("layers are named like {}", names.front())
                             : fmt::format("did you mean {}?", near));
}

std::vector<Parameter> parameters_of(const ModelConfig& c) {
    std::vector<Parameter> all;
    Index offset = 0;
    const auto add = [&](std::string parameter, Index rows, Index cols, bool is_matrix) {
        all.push_back({std::move(parameter), rows, cols, offset, is_matrix});
        offset += rows * cols;
    };
    const auto add_linear = [&](Index layer, Linear kind) {
        const Shape shape = shape_of(c, kind);
        add(name(LinearId{layer, kind}) + ".weight", shape.rows, shape.cols, true);
    };
    add("model.embed_tokens.weight", c.vocab, c.hidden, true);
    for (Index l = 0; l < c.layers; ++l) {
        add(fmt::format("model.layers.{}.input_layernorm.weight", l), 1, c.hidden, false);
        for (const Linear kind : {Linear::q, Linear::k, Linear::v, Linear::o}) {
            add_linear(l, kind);
        }
        add(fmt::format("model.layers.{}.post_attention_layernorm.weight", l), 1, c.hidden, false);
        for (const Linear kind : {Linear::gate, Linear::up, Linear::down}) {
            add_linear(l, kind);
        }
    }
    add("model.norm.weight", 1, c.hidden, false);
    if (!c.tied_head) {
        add_linear(0, Linear::head);
    }
    NIBBLE_ASSERT(offset == c.parameters(), "the count of parameters agrees with their list");
    return all;
}

template <class S>
Model<S> model_over(const ModelConfig& config, std::span<const S> values) {
    NIBBLE_ASSERT(static_cast<Index>(values.size()) == config.parameters(),
                  "the buffer holds the whole model");
    const auto all = parameters_of(config);
    std::size_t next = 0;
    const auto take = [&] {
        const Parameter& p = all[next++];
        return View<const S>(values.data() + p.offset, p.rows, p.cols);
    };
    Model<S> model;
    model.config = config;
    model.embedding = take();
    for (Index l = 0; l < config.layers; ++l) {
        LayerWeights<S> layer;
        layer.attention_norm = take();
        for (const Linear kind : {Linear::q, Linear::k, Linear::v, Linear::o}) {
            layer[kind] = take();
        }
        layer.ffn_norm = take();
        for (const Linear kind : {Linear::gate, Linear::up, Linear::down}) {
            layer[kind] = take();
        }
        model.layers.push_back(layer);
    }
    model.final_norm = take();
    model.head = config.tied_head ? model.embedding : take();
    return model;
}

template <class S>
Model<S> model_owning(const ModelConfig& config, std::vector<S> values) {
    const auto owner = std::make_shared<const std::vector<S>>(std::move(values));
    Model<S> model = model_over<S>(config, *owner);
    model.owners.push_back(owner);
    return model;
}

template Model<float> model_over(const ModelConfig&, std::span<const float>);
template Model<double> model_over(const ModelConfig&, std::span<const double>);
template Model<float> model_owning(const ModelConfig&, std::vector<float>);
template Model<double> model_owning(const ModelConfig&, std::vector<double>);

Model<float> with_weights(Model<float> model, LinearId id, Matrix<float> weights) {
    const Shape shape = shape_of(model.config, id.kind);
    if (weights.rows() != shape.rows || weights.cols() != shape.cols) {
        throw Error(Error::Code::bad_param,
                    fmt::format("{} is {} x {}, the new weights are {} x {}", name(id), shape.rows,
                                shape.cols, weights.rows(), weights.cols()),
                    "rows are outputs, columns are inputs");
    }
    const auto owner = std::make_shared<const Matrix<float>>(std::move(weights));
    model.owners.push_back(owner);
    if (id.kind == Linear::head) {
        model.head = owner->view();
    } else if (model.read_layer) {
        model.read_layer = [base = model.read_layer, id, owner](Index layer) {
            LayerWeights<float> read = base(layer);
            if (layer == id.layer) {
                read[id.kind] = owner->view();
            }
            return read;
        };
    } else {
        model.layers.at(static_cast<std::size_t>(id.layer))[id.kind] = owner->view();
    }
    return model;
}

std::vector<float> initial_weights(const ModelConfig& config, std::uint64_t seed) {
    constexpr double spread = 0.02;
    const double residual_spread = spread / std::sqrt(2.0 * static_cast<double>(config.layers));
    std::vector<float> values(static_cast<std::size_t>(config.parameters()), 1.0F);
    for (const Parameter& p : parameters_of(config)) {
        if (!p.is_matrix) {
            continue;
        }
        const bool into_residual =
            p.name.ends_with("o_proj.weight") || p.name.ends_with("down_proj.weight");
        const double sigma = into_residual ? residual_spread : spread;
        const Rng rng = Rng(seed).stream(p.name);
        float* out = values.data() + p.offset;
        parallel_for(static_cast<std::size_t>(p.size()), 4096, [&](std::size_t b, std::size_t e) {
            for (std::size_t i = b; i < e; ++i) {
                out[i] = static_cast<float>(sigma * rng.normal(i));
            }
        });
    }
    return values;
}

}  // namespace nibble
