// What a Hugging Face config.json says of a model, with the values that transformers takes where a
// key is absent: one reader for the models that are run and for the shapes that are computed with.
//
// A key that is null is not absent: num_key_value_heads null means as many as heads, while Mistral
// without the key has 8. Read from transformers' configuration classes, versions 4.40 to 4.57.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nibble {

struct ConfigFields {
    std::string type;  // "model_type"
    std::string name;  // "_name_or_path"; empty when it is not said
    std::int64_t layers = 0, hidden = 0, heads = 0, kv_heads = 0, head_dim = 0, inner = 0;
    std::int64_t vocab = 0, max_positions = 0;
    std::int64_t embedding_width = 0;  // of OPT's smallest, narrower than `hidden`; else equal
    bool tied = false;
    bool final_norm = true;  // without: OPT with its norms behind the layers' parts

    std::int64_t window = 0;     // tokens that a windowed layer attends to; 0: no layer has one
    std::vector<bool> windowed;  // of each layer

    std::string activation = "silu";
    bool attention_bias = false, mlp_bias = false;
    double norm_eps = 0, partial_rotary = 1;

    double rope_theta = 10000;
    std::string rope_type = "default";
    double rope_factor = 1, rope_low = 1, rope_high = 4, rope_original_positions = 0;

    struct Experts {
        std::int64_t count = 0, active = 0, inner = 0, shared = 0, first_layer = 0;
    };
    std::optional<Experts> experts;
    struct Latent {
        std::int64_t query_rank = 0, rank = 0, rotary = 0, head_dim = 0, value_dim = 0;
    };
    std::optional<Latent> latent;

    std::string quantization;  // "quant_method" of weights that are stored packed
    std::int64_t bos = -1;     // -1: not said
    std::vector<std::int64_t> eos = {};
};

/// Throws Error::bad_file naming a key that makes no sense, Error::unsupported for a model_type
/// whose keys are not known here. `path` is for messages.
ConfigFields read_config_fields(std::string_view text, const std::string& path);

}  // namespace nibble
