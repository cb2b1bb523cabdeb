// The weights of a model, by the names and shapes of Hugging Face's Llama: matrices are (out, in).
//
// A Model is a bundle of views with shared owners: a flat buffer while training, a mapped file for
// somebody's own model, or either with one matrix put in the place of another. Copying it is cheap.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/model/config.hpp"
#include "sim/model/matrix.hpp"

namespace nibble {

enum class Linear : std::uint8_t { q, k, v, o, gate, up, down, head };
inline constexpr std::array<Linear, 7> layer_linears = {
    Linear::q, Linear::k, Linear::v, Linear::o, Linear::gate, Linear::up, Linear::down};

/// A linear layer of the model; `layer` is 0 for the head.
struct LinearId {
    Index layer = 0;
    Linear kind = Linear::q;
    friend bool operator==(const LinearId&, const LinearId&) = default;
};

/// "model.layers.3.self_attn.q_proj", "lm_head".
std::string name(LinearId id);
/// Every linear layer, in the order they are used.
std::vector<LinearId> linear_layers(const ModelConfig& config);
/// The reverse of name(), with or without ".weight". Throws Error::bad_param naming the nearest.
LinearId find_linear(const ModelConfig& config, std::string_view text);

template <class S>
struct LayerWeights {
    View<const S> attention_norm, ffn_norm;  // (1, hidden)
    std::array<View<const S>, 7> linear;     // by Linear, each (out, in)
    std::shared_ptr<const void> owner = nullptr;

    View<const S> operator[](Linear kind) const { return linear[static_cast<std::size_t>(kind)]; }
    View<const S>& operator[](Linear kind) { return linear[static_cast<std::size_t>(kind)]; }
};

template <class S>
struct Model {
    ModelConfig config;
    View<const S> embedding;   // (vocab, hidden)
    View<const S> final_norm;  // (1, hidden)
    View<const S> head;        // (vocab, hidden); the embedding when tied
    std::vector<LayerWeights<S>> layers;
    /// Reads a layer when it is needed, where a model does not fit the memory; `layers` is empty.
    std::function<LayerWeights<S>(Index)> read_layer = {};
    /// Embedding of one token, likewise; `embedding` is empty.
    std::function<void(Index token, std::span<S> out)> read_embedding = {};
    std::vector<std::shared_ptr<const void>> owners = {};

    LayerWeights<S> layer(Index i) const {
        return read_layer ? read_layer(i) : layers[static_cast<std::size_t>(i)];
    }
};

/// One named block of the flat buffer that a model is trained in.
struct Parameter {
    std::string name;  // "model.layers.0.mlp.up_proj.weight"
    Index rows = 1, cols = 0;
    Index offset = 0;        // in values
    bool is_matrix = false;  // decays; a norm's gain does not
    Index size() const { return rows * cols; }
};

/// In the order of the forward pass; offsets follow each other without gaps.
std::vector<Parameter> parameters_of(const ModelConfig& config);

/// Views of a flat buffer that outlives the model, or that the model owns.
template <class S>
Model<S> model_over(const ModelConfig& config, std::span<const S> values);
template <class S>
Model<S> model_owning(const ModelConfig& config, std::vector<S> values);

/// The same model with one linear layer's weights replaced. Throws Error::bad_param when the shape
/// differs. Replacing a tied head leaves the embedding as it is.
Model<float> with_weights(Model<float> model, LinearId id, Matrix<float> weights);

/// Normal weights of standard deviation 0.02, those that write into the residual stream divided by
/// sqrt(2 layers) (Radford et al. 2019); gains of one.
std::vector<float> initial_weights(const ModelConfig& config, std::uint64_t seed);

}  // namespace nibble
