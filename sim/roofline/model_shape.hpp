// The shape of a model: all that its bytes and FLOP follow from. One TOML file in data/models is
// one model; a reader's own comes as the config.json that lies beside its weights.
//
// Dense and gated feed-forward layers, grouped-query attention, sliding windows, mixtures of
// experts (Shazeer et al. 2017) with shared experts and leading dense layers, multi-head latent
// attention (DeepSeek-AI 2024, arXiv:2405.04434). Left out: vision towers, cross-attention,
// multi-token prediction modules.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace nibble {

/// A feed-forward layer of many, of which each token uses a few.
struct Experts {
    std::int64_t count = 0, active = 0;  // routed; `active` a token
    std::int64_t inner = 0;              // width of one
    std::int64_t shared = 0;             // every token goes through these
    std::int64_t first_layer = 0;        // layers before it are dense
    bool router_bias = false;
};

/// Keys and values kept as one vector a token, and expanded where they are used.
struct LatentAttention {
    std::int64_t query_rank = 0;  // 0: queries straight from the hidden state
    std::int64_t rank = 0;        // of keys and values together
    std::int64_t rotary = 0;      // key elements that carry the position, shared by all heads
    std::int64_t head_dim = 0;    // key elements a head without the rotary ones
    std::int64_t value_dim = 0;

    std::int64_t cached() const { return rank + rotary; }
};

struct ModelShape {
    std::string id;  // the file's name: "llama-2-7b"
    std::string name, family;
    std::int64_t layers = 0, hidden = 0, heads = 0, kv_heads = 0, head_dim = 0;
    std::int64_t inner = 0;  // of the dense feed-forward layer
    std::int64_t vocab = 0;
    std::int64_t embedding_width = 0;  // `hidden` but for OPT's smallest
    std::int64_t max_positions = 0;    // 0: not said
    bool tied = false;                 // the head is the embedding
    bool gated = true;                 // three matrices in the feed-forward layer, not two
    std::int64_t window = 0;           // tokens a windowed layer attends to; 0: no window
    std::int64_t full_layers = 0;      // with a window: layers that see all
    std::optional<Experts> experts;
    std::optional<LatentAttention> latent;

    /// Small weights, for counting: vectors of norms and biases, rows of learned positions.
    bool norm_has_bias = false, qkv_bias = false, linear_bias = false;
    bool qk_norm = false;  // of queries and keys, each with one gain an element of a head
    bool final_norm = true;
    std::int64_t norms_per_layer = 2, position_rows = 0;

    std::string source;                                // of the shape
    std::optional<std::int64_t> published_parameters;  // and where it was counted
    std::string counted_in;

    std::int64_t windowed_layers() const { return window == 0 ? 0 : layers - full_layers; }
    std::int64_t expert_layers() const { return experts ? layers - experts->first_layer : 0; }
    /// Numbers that the cache keeps of one token in one layer.
    std::int64_t cached_elements() const {
        return latent ? latent->cached() : 2 * kv_heads * head_dim;
    }

    /// Weights in the matrices of all layers, the embedding and the head (once when tied).
    std::int64_t layer_matrix_parameters() const;
    std::int64_t embedding_parameters() const { return vocab * embedding_width; }
    /// Norms, biases, positions: what stays in 16 bits when matrices are quantized.
    std::int64_t small_parameters() const;
    std::int64_t parameters() const;
    /// Without the experts that one token does not use; papers count the embedding, so this does.
    std::int64_t active_parameters() const;
};

/// Throws Error::bad_file naming the line and key that make no model, Error::io when unreadable.
ModelShape read_model(const std::filesystem::path& path);

/// From a Hugging Face config.json. Throws Error::bad_file naming a key that is missing or
/// senseless, Error::unsupported for an architecture that is not described above.
ModelShape read_config_json(const std::filesystem::path& path);

}  // namespace nibble
