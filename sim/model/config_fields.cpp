#include "sim/model/config_fields.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.hpp"
#include "sim/core/json_object.hpp"

namespace nibble {
namespace {

/// Which layers attend to a window only, when "layer_types" does not say.
enum class Windows { none, all, even, upper };

/// An architecture as its configuration class begins. 0 stands for what follows from other keys:
/// kv_heads from heads, head_dim from hidden / heads, inner of GPT-2 from 4 hidden.
struct Defaults {
    std::string_view type;
    std::int64_t hidden, inner, layers, heads, kv_heads, head_dim, vocab, positions;
    double norm_eps;
    bool tied;
    Windows windows = Windows::none;
    std::int64_t window = 0;
    double rope_theta = 10000;
};

constexpr std::array<Defaults, 11> table = {{
    {"llama", 4096, 11008, 32, 32, 0, 0, 32000, 2048, 1e-6, false},
    {"mistral", 4096, 14336, 32, 32, 8, 0, 32000, 131072, 1e-6, false, Windows::all, 4096},
    {"mixtral", 4096, 14336, 32, 32, 8, 0, 32000, 131072, 1e-5, false, Windows::all, 0, 1e6},
    {"qwen2", 4096, 22016, 32, 32, 32, 0, 151936, 32768, 1e-6, false, Windows::upper, 4096},
    {"qwen3", 4096, 22016, 32, 32, 32, 128, 151936, 32768, 1e-6, false, Windows::upper, 4096},
    {"gemma", 3072, 24576, 28, 16, 16, 256, 256000, 8192, 1e-6, true},
    {"gemma2", 2304, 9216, 26, 8, 4, 256, 256000, 8192, 1e-6, true, Windows::even, 4096},
    {"phi3", 3072, 8192, 32, 32, 0, 0, 32064, 4096, 1e-5, false, Windows::all, 0},
    {"opt", 768, 3072, 12, 12, 0, 0, 50272, 2048, 1e-5, true},
    {"gpt2", 768, 0, 12, 12, 0, 0, 50257, 1024, 1e-5, true},
    {"deepseek_v3", 7168, 18432, 61, 128, 128, 0, 129280, 4096, 1e-6, false},
}};

const Defaults& defaults_of(const std::string& type, const std::string& path) {
    std::vector<std::string_view> known;
    for (const Defaults& d : table) {
        if (d.type == type) {
            return d;
        }
        known.push_back(d.type);
    }
    throw Error(Error::Code::unsupported,
                fmt::format("{}: architecture \"{}\" is not supported", path, type),
                fmt::format("read are {}", fmt::join(known, ", ")));
}

/// A count from 1, or `absent`; null gives `null`.
std::int64_t count(const JsonObject& o, const char* key, std::int64_t absent,
                   std::int64_t null = 0) {
    return o.is_null(key) ? null : o.whole_or(key, absent, 1, 1'000'000'000);
}

void read_sizes(const JsonObject& o, const Defaults& d, ConfigFields& f) {
    const bool gpt2 = f.type == "gpt2";
    f.layers = count(o, gpt2 ? "n_layer" : "num_hidden_layers", d.layers);
    f.hidden = count(o, gpt2 ? "n_embd" : "hidden_size", d.hidden);
    f.heads = count(o, gpt2 ? "n_head" : "num_attention_heads", d.heads);
    f.inner = count(o,
                    gpt2              ? "n_inner"
                    : f.type == "opt" ? "ffn_dim"
                                      : "intermediate_size",
                    d.inner);
    f.max_positions = count(o, gpt2 ? "n_positions" : "max_position_embeddings", d.positions);
    f.vocab = count(o, "vocab_size", d.vocab);
    f.tied = o.flag_or("tie_word_embeddings", d.tied);
    for (const auto& [value, key] :
         {std::pair(f.layers, gpt2 ? "n_layer" : "num_hidden_layers"),
          {f.hidden, gpt2 ? "n_embd" : "hidden_size"},
          {f.heads, gpt2 ? "n_head" : "num_attention_heads"},
          {f.vocab, "vocab_size"},
          {gpt2 ? 1 : f.inner, f.type == "opt" ? "ffn_dim" : "intermediate_size"}}) {
        if (value == 0) {
            o.refuse(key, "a count");
        }
    }
    f.inner = f.inner ? f.inner : 4 * f.hidden;
    f.kv_heads = gpt2 || f.type == "opt" ? 0 : count(o, "num_key_value_heads", d.kv_heads);
    f.kv_heads = f.kv_heads ? f.kv_heads : f.heads;
    f.head_dim = gpt2 || f.type == "opt" ? 0 : count(o, "head_dim", d.head_dim);
    f.head_dim = f.head_dim ? f.head_dim : f.hidden / f.heads;
    f.embedding_width = f.hidden;
    if (f.type == "opt") {
        f.embedding_width = count(o, "word_embed_proj_dim", f.hidden, f.hidden);
        f.final_norm = o.flag_or("do_layer_norm_before", true) &&
                       !o.flag_or("_remove_final_layer_norm", false);
    }
    if (f.heads % f.kv_heads != 0 || f.head_dim < 1) {
        throw Error(Error::Code::bad_file,
                    fmt::format("{}: {} attention heads cannot share {} key-value heads with {} "
                                "elements a head",
                                o.where(), f.heads, f.kv_heads, f.head_dim),
                    "num_attention_heads is a multiple of num_key_value_heads");
    }
}

void read_windows(const JsonObject& o, const Defaults& d, ConfigFields& f) {
    const bool asked = d.windows != Windows::upper || o.flag_or("use_sliding_window", false);
    const auto width = d.windows == Windows::none && !o.has("layer_types")
                           ? 0
                           : count(o, "sliding_window", d.window);
    const auto first = o.whole_or("max_window_layers", 28);
    f.windowed.assign(static_cast<std::size_t>(f.layers), false);
    for (std::size_t i = 0; i < f.windowed.size(); ++i) {
        f.windowed[i] = asked && width > 0 &&
                        (d.windows == Windows::all || (d.windows == Windows::even && i % 2 == 0) ||
                         (d.windows == Windows::upper && static_cast<std::int64_t>(i) >= first));
    }
    if (o.has("layer_types")) {
        const nlohmann::json& types = o.list("layer_types");
        if (types.size() != f.windowed.size()) {
            o.refuse("layer_types", fmt::format("a type for each of {} layers", f.layers));
        }
        for (std::size_t i = 0; i < f.windowed.size(); ++i) {
            f.windowed[i] = types[i] == "sliding_attention";
            if (!f.windowed[i] && types[i] != "full_attention") {
                throw Error(
                    Error::Code::unsupported,
                    fmt::format("{}: layer_types: {} is not supported", o.where(), shown(types[i])),
                    "full_attention and sliding_attention are");
            }
            if (f.windowed[i] && (width == 0 || !asked)) {
                o.refuse("sliding_window", "a window for the sliding layers of layer_types",
                         "sliding layers need sliding_window, Qwen's also use_sliding_window");
            }
        }
    }
    const bool any = std::find(f.windowed.begin(), f.windowed.end(), true) != f.windowed.end();
    f.window = any ? width : 0;
}

/// "rope_scaling", or "rope_parameters" as newer versions write it with rope_theta inside.
void read_rope(const JsonObject& o, const Defaults& d, ConfigFields& f) {
    f.rope_theta = o.number_or("rope_theta", d.rope_theta);
    f.partial_rotary = o.number_or("partial_rotary_factor", 1);
    const bool newer = o.has("rope_parameters");
    const auto rope = o.object_if(newer ? "rope_parameters" : "rope_scaling");
    if (!rope) {
        return;
    }
    f.rope_theta = rope->number_or("rope_theta", f.rope_theta);
    f.partial_rotary = rope->number_or("partial_rotary_factor", f.partial_rotary);
    f.rope_type = rope->has("type") && !rope->has("rope_type") ? rope->text("type")
                  : newer && !rope->has("factor") ? rope->text_or("rope_type", "default")
                                                  : rope->text("rope_type");
    if (f.rope_type == "linear" || f.rope_type == "llama3") {
        f.rope_factor = rope->positive("factor");
    }
    if (f.rope_type == "llama3") {
        f.rope_low = rope->positive("low_freq_factor");
        f.rope_high = rope->positive("high_freq_factor");
        f.rope_original_positions = rope->positive("original_max_position_embeddings");
    }
}

void read_experts(const JsonObject& o, ConfigFields& f) {
    if (f.type == "mixtral") {
        f.experts = ConfigFields::Experts{count(o, "num_local_experts", 8),
                                          count(o, "num_experts_per_tok", 2), f.inner};
    } else if (f.type == "deepseek_v3") {
        f.experts = ConfigFields::Experts{
            count(o, "n_routed_experts", 256), count(o, "num_experts_per_tok", 8),
            count(o, "moe_intermediate_size", 2048), o.whole_or("n_shared_experts", 1),
            o.whole_or("first_k_dense_replace", 3)};
        if (o.is_null("n_shared_experts")) {
            f.experts->shared = 0;
        }
        f.latent =
            ConfigFields::Latent{count(o, "q_lora_rank", 1536), count(o, "kv_lora_rank", 512),
                                 count(o, "qk_rope_head_dim", 64),
                                 count(o, "qk_nope_head_dim", 128), count(o, "v_head_dim", 128)};
        f.head_dim = f.latent->head_dim;
    }
    if (f.experts && (f.experts->active > f.experts->count || f.experts->first_layer >= f.layers)) {
        throw Error(
            Error::Code::bad_file,
            fmt::format("{}: {} of {} experts from layer {} of {} make no model", o.where(),
                        f.experts->active, f.experts->count, f.experts->first_layer, f.layers),
            "check the experts");
    }
}

std::vector<std::int64_t> ids_of(const JsonObject& o, const char* key) {
    std::vector<std::int64_t> ids;
    if (!o.has(key)) {
        return ids;
    }
    if (!o.json().at(key).is_array()) {
        return {o.whole(key)};
    }
    for (const nlohmann::json& id : o.list(key)) {
        if (!id.is_number_integer()) {
            throw Error(Error::Code::bad_file,
                        fmt::format("{}: \"{}\" holds {}", o.where(), key, shown(id)));
        }
        ids.push_back(id.get<std::int64_t>());
    }
    return ids;
}

}  // namespace

ConfigFields read_config_fields(std::string_view text, const std::string& path) {
    const JsonObject o(text, path, "take the config.json that lies beside the weights");
    ConfigFields f;
    f.type = o.text("model_type");
    const Defaults& d = defaults_of(f.type, path);
    f.name = o.text_or("_name_or_path", "");
    read_sizes(o, d, f);
    read_windows(o, d, f);
    read_rope(o, d, f);
    read_experts(o, f);
    f.activation = o.text_or("hidden_act", "silu");
    f.attention_bias = o.flag_or("attention_bias", false);
    f.mlp_bias = o.flag_or("mlp_bias", false);
    f.norm_eps = o.number_or("rms_norm_eps", d.norm_eps);
    if (const auto packed = o.object_if("quantization_config")) {
        f.quantization = packed->text_or("quant_method", "unnamed");
    }
    const auto bos = ids_of(o, "bos_token_id");
    f.bos = bos.empty() ? -1 : bos.front();
    f.eos = ids_of(o, "eos_token_id");
    return f;
}

}  // namespace nibble
