#include "sim/model/config.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <numbers>

#include "sim/core/error.hpp"
#include "sim/core/json_object.hpp"
#include "sim/model/config_fields.hpp"
#include "sim/tensor/gguf.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void bad(const std::string& what, std::string hint = {}) {
    throw Error(Error::Code::bad_file, what, std::move(hint));
}

[[noreturn]] void unsupported(const std::string& what, const std::string& missing) {
    throw Error(Error::Code::unsupported, what, missing);
}

/// What a named architecture has that is not here; empty when nothing is known of it.
std::string missing_for(const std::string& architecture) {
    static const std::map<std::string, std::string> known = {
        {"qwen2", "biases of the q, k and v projections are missing here"},
        {"qwen3", "norms of the queries and keys are missing here"},
        {"qwen2_moe", "mixtures of experts are missing here"},
        {"qwen3_moe", "mixtures of experts and norms of queries and keys are missing here"},
        {"mixtral", "mixtures of experts are missing here"},
        {"gemma", "its GELU, its norm with 1 + gain and its scaled embedding are missing here"},
        {"gemma2", "its GELU, soft caps and double norms are missing here"},
        {"gemma3", "its GELU, double norms and mixed windows are missing here"},
        {"phi", "biases, partial rotation and parallel blocks are missing here"},
        {"phi3", "its fused projections are missing here"},
        {"gpt2", "learned positions, layer norms and GELU are missing here"},
        {"gpt_neox", "layer norms, GELU and parallel blocks are missing here"},
        {"opt", "learned positions, layer norms and ReLU are missing here"},
        {"falcon", "layer norms and parallel blocks are missing here"},
        {"mpt", "ALiBi positions are missing here"},
        {"deepseek_v2", "latent attention and experts are missing here"},
        {"deepseek_v3", "latent attention and experts are missing here"},
        {"mamba", "state-space layers are missing here"},
    };
    const auto found = known.find(architecture);
    return found == known.end() ? "only Llama-type models (llama, mistral) are read"
                                : found->second + "; only Llama-type models are read";
}

void read_scaling(const ConfigFields& f, const std::string& path, ModelConfig& c) {
    if (f.rope_type == "linear" || f.rope_type == "llama3") {
        c.rotary_scaling = f.rope_type == "linear" ? RotaryScaling::linear : RotaryScaling::llama3;
        c.rotary_factor = f.rope_factor;
    } else if (f.rope_type != "default") {
        unsupported(fmt::format("{}: rotary scaling \"{}\" is not supported", path, f.rope_type),
                    "linear and llama3 are");
    }
    if (f.rope_type == "llama3") {
        c.rotary_low_factor = f.rope_low;
        c.rotary_high_factor = f.rope_high;
        c.rotary_original_positions = f.rope_original_positions;
    }
}

void refuse_unknown_parts(const ConfigFields& f, const std::string& path) {
    if (f.activation != "silu" && f.activation != "swish") {
        unsupported(fmt::format("{}: hidden_act \"{}\" is not supported", path, f.activation),
                    "only silu is");
    }
    if (f.attention_bias || f.mlp_bias) {
        unsupported(fmt::format("{}: {} is not supported", path,
                                f.attention_bias ? "attention_bias" : "mlp_bias"),
                    "linear layers have no bias here");
    }
    if (f.partial_rotary != 1) {
        unsupported(fmt::format("{}: partial_rotary_factor is not supported", path),
                    "all of a head is rotated here");
    }
    if (f.window > 0 &&
        std::find(f.windowed.begin(), f.windowed.end(), false) != f.windowed.end()) {
        unsupported(
            fmt::format("{}: layer_types with and without a window are not supported", path),
            "here all layers have the same window");
    }
    if (!f.quantization.empty()) {
        unsupported(fmt::format("{}: quantization_config: packed weights ({}) are not supported",
                                path, f.quantization),
                    "take the model's weights in 16 bits and quantize them here");
    }
}

template <class T>
const T* gguf_get(const GgufMetadata& metadata, const std::string& key) {
    const GgufValue* value = metadata.find(key);
    return value ? std::get_if<T>(value) : nullptr;
}

/// Any number under `key`; NaN when there is none.
double gguf_number(const GgufMetadata& metadata, const std::string& key) {
    const GgufValue* value = metadata.find(key);
    if (!value) {
        return std::nan("");
    }
    return std::visit(
        [](const auto& v) -> double {
            if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>) {
                return static_cast<double>(v);
            } else {
                return std::nan("");
            }
        },
        *value);
}

}  // namespace

Index ModelConfig::parameters() const {
    const Index attention = hidden * q_width() * 2 + hidden * kv_width() * 2;
    const Index layer = attention + 3 * hidden * inner + 2 * hidden;
    return vocab * hidden * (tied_head ? 1 : 2) + layers * layer + hidden;
}

void check(const ModelConfig& c) {
    const std::pair<const char*, Index> sizes[] = {
        {"hidden_size", c.hidden},       {"intermediate_size", c.inner},
        {"num_hidden_layers", c.layers}, {"num_attention_heads", c.heads},
        {"head_dim", c.head_dim},        {"num_key_value_heads", c.kv_heads},
        {"vocab_size", c.vocab},         {"max_position_embeddings", c.max_positions},
    };
    for (const auto& [key, value] : sizes) {
        // Far above any model, and small enough that products of three fit 64 bits.
        if (value < 1 || value > (Index{1} << 20)) {
            bad(fmt::format("the model's {} = {} makes no sense", key, value),
                "it is a positive count");
        }
    }
    if (c.layers > 4096) {
        bad(fmt::format("the model's num_hidden_layers = {} makes no sense", c.layers),
            "it is at most 4096");
    }
    if (c.heads % c.kv_heads != 0) {
        bad(fmt::format("{} attention heads cannot share {} key-value heads", c.heads, c.kv_heads),
            "num_attention_heads is a multiple of num_key_value_heads");
    }
    if (c.head_dim % 2 != 0) {
        bad(fmt::format("head_dim = {} is odd", c.head_dim), "rotations turn pairs of elements");
    }
    if (!(c.norm_eps >= 0 && c.norm_eps < 1) || !(c.rope_theta > 1) || !(c.rotary_factor > 0)) {
        bad(fmt::format("rms_norm_eps = {}, rope_theta = {} or the rotary factor {} makes no sense",
                        c.norm_eps, c.rope_theta, c.rotary_factor));
    }
    if (c.sliding_window < 0) {
        bad(fmt::format("sliding_window = {} is negative", c.sliding_window));
    }
}

ModelConfig config_from_json(std::string_view text, const std::string& path) {
    const JsonObject object(text, path, "a model's config.json is expected");
    ModelConfig c;
    c.architecture = object.text_or("model_type", "?");
    if (c.architecture != "llama" && c.architecture != "mistral") {
        unsupported(fmt::format("{}: architecture \"{}\" is not supported", path, c.architecture),
                    missing_for(c.architecture));
    }
    const ConfigFields f = read_config_fields(text, path);
    refuse_unknown_parts(f, path);
    c.hidden = f.hidden;
    c.inner = f.inner;
    c.layers = f.layers;
    c.heads = f.heads;
    c.kv_heads = f.kv_heads;
    c.head_dim = f.head_dim;
    c.vocab = f.vocab;
    c.max_positions = f.max_positions;
    c.norm_eps = f.norm_eps;
    c.rope_theta = f.rope_theta;
    c.tied_head = f.tied;
    c.sliding_window = f.window;
    c.bos = f.bos;
    c.eos = f.eos;
    read_scaling(f, path, c);
    check(c);
    return c;
}

std::string config_to_json(const ModelConfig& c) {
    Json j = {{"architectures", {"LlamaForCausalLM"}},
              {"model_type", "llama"},
              {"hidden_size", c.hidden},
              {"intermediate_size", c.inner},
              {"num_hidden_layers", c.layers},
              {"num_attention_heads", c.heads},
              {"num_key_value_heads", c.kv_heads},
              {"head_dim", c.head_dim},
              {"vocab_size", c.vocab},
              {"max_position_embeddings", c.max_positions},
              {"rms_norm_eps", c.norm_eps},
              {"rope_theta", c.rope_theta},
              {"tie_word_embeddings", c.tied_head},
              {"hidden_act", "silu"}};
    if (c.sliding_window > 0) {
        j["model_type"] = "mistral";
        j["architectures"] = {"MistralForCausalLM"};
        j["sliding_window"] = c.sliding_window;
    }
    if (c.bos >= 0) {
        j["bos_token_id"] = c.bos;
    }
    if (c.eos.size() == 1) {
        j["eos_token_id"] = c.eos[0];
    } else if (!c.eos.empty()) {
        j["eos_token_id"] = c.eos;
    }
    if (c.rotary_scaling == RotaryScaling::linear) {
        j["rope_scaling"] = {{"rope_type", "linear"}, {"factor", c.rotary_factor}};
    } else if (c.rotary_scaling == RotaryScaling::llama3) {
        j["rope_scaling"] = {{"rope_type", "llama3"},
                             {"factor", c.rotary_factor},
                             {"low_freq_factor", c.rotary_low_factor},
                             {"high_freq_factor", c.rotary_high_factor},
                             {"original_max_position_embeddings", c.rotary_original_positions}};
    }
    return j.dump(1) + "\n";
}

ModelConfig config_from_gguf(const GgufMetadata& metadata, const std::string& path) {
    const auto* architecture = gguf_get<std::string>(metadata, "general.architecture");
    if (!architecture) {
        bad(fmt::format("{}: \"general.architecture\" is missing", path),
            "a GGUF file of a model has it");
    }
    if (*architecture != "llama") {
        unsupported(fmt::format("{}: architecture \"{}\" is not supported", path, *architecture),
                    missing_for(*architecture));
    }
    const auto number = [&](const std::string& key) {
        return gguf_number(metadata, *architecture + "." + key);
    };
    const auto whole = [&](const std::string& key, double fallback) {
        const double value = number(key);
        const double used = std::isnan(value) ? fallback : value;
        if (std::isnan(used) || used != std::floor(used) || std::abs(used) > 1e12) {
            bad(fmt::format("{}: \"{}.{}\" is missing or no whole number", path, *architecture,
                            key));
        }
        return static_cast<Index>(used);
    };
    const auto real = [&](const std::string& key, double fallback) {
        const double value = number(key);
        return std::isnan(value) ? fallback : value;
    };
    ModelConfig c;
    if (whole("expert_count", 0) > 0) {
        unsupported(fmt::format("{}: a mixture of experts is not supported", path),
                    missing_for("mixtral"));
    }
    const double required = std::nan("");
    c.rotary_pairs = RotaryPairs::interleaved;
    c.hidden = whole("embedding_length", required);
    c.inner = whole("feed_forward_length", required);
    c.layers = whole("block_count", required);
    c.heads = whole("attention.head_count", required);
    c.kv_heads = whole("attention.head_count_kv", static_cast<double>(c.heads));
    const double own_width = c.heads > 0 ? static_cast<double>(c.hidden / c.heads) : 0;
    c.head_dim = whole("attention.key_length", own_width);
    if (whole("rope.dimension_count", static_cast<double>(c.head_dim)) != c.head_dim) {
        unsupported(fmt::format("{}: {} rotates only a part of each head", path,
                                "\"llama.rope.dimension_count\""),
                    "all of a head is rotated here");
    }
    c.max_positions = whole("context_length", 2048);
    c.norm_eps = real("attention.layer_norm_rms_epsilon", 1e-5);
    c.rope_theta = real("rope.freq_base", 10000);
    c.sliding_window = whole("attention.sliding_window", 0);
    double pieces = number("vocab_size");
    if (const auto* tokens = gguf_get<GgufArray>(metadata, "tokenizer.ggml.tokens")) {
        if (const auto* list = std::get_if<std::vector<std::string>>(tokens)) {
            pieces = static_cast<double>(list->size());
        }
    }
    c.vocab = std::isnan(pieces) ? 0 : static_cast<Index>(pieces);
    const double bos = gguf_number(metadata, "tokenizer.ggml.bos_token_id");
    const double eos = gguf_number(metadata, "tokenizer.ggml.eos_token_id");
    c.bos = std::isnan(bos) ? -1 : static_cast<Index>(bos);
    if (!std::isnan(eos)) {
        c.eos = {static_cast<Index>(eos)};
    }
    if (const auto* scaling = gguf_get<std::string>(metadata, "llama.rope.scaling.type")) {
        if (*scaling == "linear") {
            c.rotary_scaling = RotaryScaling::linear;
            c.rotary_factor = real("rope.scaling.factor", 1);
        } else if (*scaling != "none") {
            unsupported(fmt::format("{}: rotary scaling \"{}\" is not supported", path, *scaling),
                        "none and linear are");
        }
    }
    check(c);
    return c;
}

std::vector<double> rotary_frequencies(const ModelConfig& c) {
    std::vector<double> frequencies;
    for (Index i = 0; i < c.head_dim / 2; ++i) {
        const double exponent = 2 * static_cast<double>(i) / static_cast<double>(c.head_dim);
        double f = std::pow(c.rope_theta, -exponent);
        if (!c.rotary_divisors.empty()) {
            f /= c.rotary_divisors.at(static_cast<std::size_t>(i));
        }
        if (c.rotary_scaling == RotaryScaling::linear) {
            f /= c.rotary_factor;
        } else if (c.rotary_scaling == RotaryScaling::llama3) {
            // Long waves are stretched, short ones kept, those between blended.
            const double wave = 2 * std::numbers::pi / f;
            const double turns = c.rotary_original_positions / wave;
            const double kept = std::clamp(
                (turns - c.rotary_low_factor) / (c.rotary_high_factor - c.rotary_low_factor), 0.0,
                1.0);
            f = (1 - kept) * f / c.rotary_factor + kept * f;
        }
        frequencies.push_back(f);
    }
    return frequencies;
}

}  // namespace nibble
