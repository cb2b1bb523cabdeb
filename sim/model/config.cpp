#include "sim/model/config.hpp"

#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <numbers>

#include "sim/core/error.hpp"
#include "sim/core/json_depth.hpp"
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

/// Reads keys of a JSON object and names the file and key in what it throws.
class Keys {
public:
    Keys(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

    bool has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }
    double number(const char* key) const {
        if (!has(key)) {
            bad(fmt::format("{}: \"{}\" is missing", path_, key),
                "a Llama config.json as Hugging Face writes it has it");
        }
        if (!object_.at(key).is_number()) {
            bad(fmt::format("{}: \"{}\" = {} is not a number", path_, key, object_.at(key).dump()));
        }
        return object_.at(key).get<double>();
    }
    double number_or(const char* key, double fallback) const {
        return has(key) ? number(key) : fallback;
    }
    Index whole(const char* key) const {
        const double value = number(key);
        if (value != std::floor(value) || std::abs(value) > 1e12) {
            bad(fmt::format("{}: \"{}\" = {} is not a whole number", path_, key, value));
        }
        return static_cast<Index>(value);
    }
    Index whole_or(const char* key, Index fallback) const {
        return has(key) ? whole(key) : fallback;
    }
    std::string text_or(const char* key, const std::string& fallback) const {
        return has(key) && object_.at(key).is_string() ? object_.at(key).get<std::string>()
                                                       : fallback;
    }
    bool is_true(const char* key) const {
        return has(key) && object_.at(key).is_boolean() && object_.at(key).get<bool>();
    }
    const Json& at(const char* key) const { return object_.at(key); }
    const std::string& path() const { return path_; }

private:
    const Json& object_;
    std::string path_;
};

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

void read_scaling(const Keys& keys, ModelConfig& config) {
    if (!keys.has("rope_scaling")) {
        return;
    }
    const Keys scaling(keys.at("rope_scaling"), keys.path() + ": rope_scaling");
    const std::string type = scaling.text_or("rope_type", scaling.text_or("type", "?"));
    if (type == "default") {
        return;
    }
    config.rotary_factor = scaling.number("factor");
    if (type == "linear") {
        config.rotary_scaling = RotaryScaling::linear;
    } else if (type == "llama3") {
        config.rotary_scaling = RotaryScaling::llama3;
        config.rotary_low_factor = scaling.number("low_freq_factor");
        config.rotary_high_factor = scaling.number("high_freq_factor");
        config.rotary_original_positions = scaling.number("original_max_position_embeddings");
    } else {
        unsupported(fmt::format("{}: rotary scaling \"{}\" is not supported", keys.path(), type),
                    "linear and llama3 are");
    }
}

void refuse_unknown_parts(const Keys& keys) {
    const std::string activation = keys.text_or("hidden_act", "silu");
    if (activation != "silu" && activation != "swish") {
        unsupported(fmt::format("{}: hidden_act \"{}\" is not supported", keys.path(), activation),
                    "only silu is");
    }
    for (const char* key : {"attention_bias", "mlp_bias"}) {
        if (keys.is_true(key)) {
            unsupported(fmt::format("{}: {} is not supported", keys.path(), key),
                        "linear layers have no bias here");
        }
    }
    if (keys.number_or("partial_rotary_factor", 1) != 1) {
        unsupported(fmt::format("{}: partial_rotary_factor is not supported", keys.path()),
                    "all of a head is rotated here");
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
    check_json_depth(text, path);
    const Json object = Json::parse(text, nullptr, false);
    if (!object.is_object()) {
        bad(fmt::format("{} holds no JSON object", path), "a model's config.json is expected");
    }
    const Keys keys(object, path);
    ModelConfig c;
    c.architecture = keys.text_or("model_type", "?");
    if (c.architecture != "llama" && c.architecture != "mistral") {
        unsupported(fmt::format("{}: architecture \"{}\" is not supported", path, c.architecture),
                    missing_for(c.architecture));
    }
    refuse_unknown_parts(keys);
    c.hidden = keys.whole("hidden_size");
    c.inner = keys.whole("intermediate_size");
    c.layers = keys.whole("num_hidden_layers");
    c.heads = keys.whole("num_attention_heads");
    c.kv_heads = keys.whole_or("num_key_value_heads", c.heads);
    c.head_dim = keys.whole_or("head_dim", c.heads > 0 ? c.hidden / c.heads : 0);
    c.vocab = keys.whole("vocab_size");
    c.max_positions = keys.whole_or("max_position_embeddings", 2048);
    c.norm_eps = keys.number_or("rms_norm_eps", 1e-6);
    c.rope_theta = keys.number_or("rope_theta", 10000);
    c.tied_head = keys.is_true("tie_word_embeddings");
    c.sliding_window = keys.whole_or("sliding_window", 0);
    c.bos = keys.whole_or("bos_token_id", -1);
    c.eos.clear();
    if (keys.has("eos_token_id")) {
        if (keys.at("eos_token_id").is_array()) {
            for (const Json& id : keys.at("eos_token_id")) {
                if (!id.is_number_integer()) {
                    bad(fmt::format("{}: \"eos_token_id\" holds {}", path, id.dump()));
                }
                c.eos.push_back(id.get<Index>());
            }
        } else {
            c.eos.push_back(keys.whole("eos_token_id"));
        }
    }
    read_scaling(keys, c);
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
