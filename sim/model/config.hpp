// The shape of a Llama-type model, read from a config.json or from a GGUF file's metadata.
//
// Llama (Touvron et al. 2023), with grouped-query attention, as Hugging Face's "llama" and
// "mistral" describe it. What the mathematics here does not cover (biases, other activations,
// experts, other norms, other rotary scalings) is refused by name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/model/matrix.hpp"

namespace nibble {

struct GgufMetadata;

/// Which two elements of a head a rotation turns.
enum class RotaryPairs {
    halves,       // i and i + head_dim / 2, as Hugging Face stores q and k
    interleaved,  // 2 i and 2 i + 1, as GGUF Llama files do
};

enum class RotaryScaling { none, linear, llama3 };

struct ModelConfig {
    std::string architecture = "llama";
    Index hidden = 256;  // width of the residual stream
    Index inner = 768;   // width of the feed-forward layer
    Index layers = 4;
    Index heads = 4;
    Index kv_heads = 2;
    Index head_dim = 64;
    Index vocab = 1024;
    Index max_positions = 512;
    double norm_eps = 1e-5;
    double rope_theta = 10000;
    RotaryPairs rotary_pairs = RotaryPairs::halves;
    RotaryScaling rotary_scaling = RotaryScaling::none;
    double rotary_factor = 1;  // linear and llama3
    double rotary_low_factor = 1, rotary_high_factor = 4;
    double rotary_original_positions = 8192;
    std::vector<double> rotary_divisors = {};  // of each frequency, where a GGUF file gives them
    bool tied_head = true;
    Index sliding_window = 0;     // keys a query sees, itself included; 0 means all before it
    Index bos = -1;               // -1: none
    std::vector<Index> eos = {};  // any of these ends a text

    Index q_width() const { return heads * head_dim; }
    Index kv_width() const { return kv_heads * head_dim; }
    /// Weights in all, the head counted once when it is tied.
    Index parameters() const;
    friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

/// Throws Error::bad_file naming the value that makes no model.
void check(const ModelConfig& config);

/// Throws Error::bad_file for a key that is missing or senseless, Error::unsupported for another
/// architecture or a feature that is not here. `path` is for the message.
ModelConfig config_from_json(std::string_view text, const std::string& path);
std::string config_to_json(const ModelConfig& config);

/// The same for a GGUF file; the vocabulary's size is that of its token list or of "vocab_size".
ModelConfig config_from_gguf(const GgufMetadata& metadata, const std::string& path);

/// Angular frequency of each of the head_dim / 2 rotations.
std::vector<double> rotary_frequencies(const ModelConfig& config);

}  // namespace nibble
