// A Hugging Face config.json as the shape of a model: the keys of each architecture, and their
// defaults where transformers lets them be left out.
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/core/error.hpp"
#include "sim/core/json_depth.hpp"
#include "sim/roofline/model_shape.hpp"

namespace nibble {
namespace {

using Json = nlohmann::json;

[[noreturn]] void bad(const std::string& what, const std::string& hint) {
    throw Error(Error::Code::bad_file, what, hint);
}

/// Reads keys and names the file and the key in what it throws.
class Keys {
public:
    Keys(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

    bool has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }
    std::int64_t count(const char* key) const {
        if (!has(key)) {
            bad(fmt::format("{}: \"{}\" is missing", path_, key),
                "a config.json as Hugging Face writes it has it");
        }
        const Json& value = object_.at(key);
        const double number = value.is_number() ? value.get<double>() : 0;
        if (number < 1 || number != std::floor(number) || number > 1e9) {
            bad(fmt::format("{}: \"{}\" = {} is no count", path_, key, value.dump()),
                "it is a whole number from 1 to 1e9");
        }
        return static_cast<std::int64_t>(number);
    }
    std::int64_t count_or(const char* key, std::int64_t fallback) const {
        return has(key) ? count(key) : fallback;
    }
    bool flag_or(const char* key, bool fallback) const {
        return has(key) && object_.at(key).is_boolean() ? object_.at(key).get<bool>() : fallback;
    }
    std::string text_or(const char* key, const std::string& fallback) const {
        return has(key) && object_.at(key).is_string() ? object_.at(key).get<std::string>()
                                                       : fallback;
    }

private:
    const Json& object_;
    std::string path_;
};

void read_gpt2(const Keys& k, ModelShape& m) {
    m.layers = k.count("n_layer");
    m.hidden = k.count("n_embd");
    m.heads = m.kv_heads = k.count("n_head");
    m.inner = k.count_or("n_inner", 4 * m.hidden);
    m.position_rows = m.max_positions = k.count("n_positions");
    m.gated = false;
    m.linear_bias = m.norm_has_bias = true;
    m.tied = k.flag_or("tie_word_embeddings", true);
}

void read_opt(const Keys& k, ModelShape& m) {
    m.layers = k.count("num_hidden_layers");
    m.hidden = k.count("hidden_size");
    m.heads = m.kv_heads = k.count("num_attention_heads");
    m.inner = k.count("ffn_dim");
    m.max_positions = k.count("max_position_embeddings");
    m.position_rows = m.max_positions + 2;  // the first two are for padding
    m.gated = false;
    m.linear_bias = m.norm_has_bias = true;
    m.tied = k.flag_or("tie_word_embeddings", true);
}

/// What Llama's keys say; other architectures of its kind add to it.
void read_llama(const Keys& k, ModelShape& m) {
    m.layers = k.count("num_hidden_layers");
    m.hidden = k.count("hidden_size");
    m.heads = k.count("num_attention_heads");
    m.kv_heads = k.count_or("num_key_value_heads", m.heads);
    m.head_dim = k.count_or("head_dim", 0);
    m.inner = k.count("intermediate_size");
    m.max_positions = k.count_or("max_position_embeddings", 0);
    m.tied = k.flag_or("tie_word_embeddings", false);
    m.qkv_bias = k.flag_or("attention_bias", false);
}

void read_mixtral_experts(const Keys& k, ModelShape& m) {
    m.experts = Experts{k.count("num_local_experts"), k.count("num_experts_per_tok"), m.inner};
}

void read_deepseek(const Keys& k, ModelShape& m) {
    m.experts = Experts{k.count("n_routed_experts"),
                        k.count("num_experts_per_tok"),
                        k.count("moe_intermediate_size"),
                        k.count_or("n_shared_experts", 0),
                        k.count_or("first_k_dense_replace", 0),
                        true};
    m.latent = LatentAttention{k.count_or("q_lora_rank", 0), k.count("kv_lora_rank"),
                               k.count("qk_rope_head_dim"), k.count("qk_nope_head_dim"),
                               k.count("v_head_dim")};
    m.head_dim = m.latent->head_dim;
}

}  // namespace

ModelShape read_config_json(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    if (!in) {
        throw Error(Error::Code::io, fmt::format("{} cannot be read", path.string()));
    }
    check_json_depth(text.str(), path.string());
    const Json json = Json::parse(text.str(), nullptr, false);
    if (!json.is_object()) {
        bad(fmt::format("{} is not a JSON object", path.string()),
            "take the config.json that lies beside the weights");
    }
    const Keys k(json, path.string());
    const std::string type = k.text_or("model_type", "");
    static const std::vector<std::string> known = {
        "llama", "mistral", "mixtral", "qwen2", "gemma", "gemma2", "opt", "gpt2", "deepseek_v3"};
    if (std::find(known.begin(), known.end(), type) == known.end()) {
        throw Error(Error::Code::unsupported,
                    fmt::format("{}: model_type \"{}\" is not described here", path.string(), type),
                    fmt::format("there are {}", fmt::join(known, ", ")));
    }
    ModelShape m;
    m.id = m.name = k.text_or("_name_or_path", path.parent_path().filename().string());
    m.id = m.name = m.name.empty() ? path.string() : m.name;
    m.family = type;
    m.source = path.string();
    type == "gpt2" ? read_gpt2(k, m) : type == "opt" ? read_opt(k, m) : read_llama(k, m);
    m.vocab = k.count("vocab_size");
    m.head_dim = m.head_dim ? m.head_dim : m.hidden / m.heads;
    if (type == "qwen2") {
        m.qkv_bias = true;
        m.window = k.flag_or("use_sliding_window", false) ? k.count_or("sliding_window", 0) : 0;
    } else if (type == "mistral" || type == "mixtral" || type == "gemma2") {
        m.window = k.count_or("sliding_window", 0);
    }
    if (type == "gemma" || type == "gemma2") {
        m.tied = k.flag_or("tie_word_embeddings", true);
        m.norms_per_layer = type == "gemma2" ? 4 : 2;
        m.full_attention_every = 2;
    }
    if (type == "mixtral") {
        read_mixtral_experts(k, m);
    } else if (type == "deepseek_v3") {
        read_deepseek(k, m);
    }
    if (m.kv_heads > m.heads || m.heads % m.kv_heads != 0 || m.head_dim < 1 ||
        (m.experts && (m.experts->active > m.experts->count || m.expert_layers() < 1))) {
        bad(fmt::format("{}: {} heads, {} KV heads, {} elements a head make no model",
                        path.string(), m.heads, m.kv_heads, m.head_dim),
            "check the head counts and the experts");
    }
    return m;
}

}  // namespace nibble
