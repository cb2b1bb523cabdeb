#include "sim/model/config_fields.hpp"

#include <algorithm>
#include <fstream>

#include "sim/model/config.hpp"
#include "sim/roofline/catalogue.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

using namespace nibble;
using nibble::testing::contains;
using nibble::testing::error_of;

namespace {

std::string text(const std::string& type, const std::string& more = "") {
    return "{\"model_type\": \"" + type + "\"" + (more.empty() ? "" : ", " + more) + "}";
}

ConfigFields fields(const std::string& type, const std::string& more = "") {
    return read_config_fields(text(type, more), "config.json");
}

std::string refusal(const std::string& type, const std::string& more) {
    return error_of([&] { fields(type, more); });
}

/// Layers with a window.
std::int64_t windowed(const ConfigFields& f) {
    return std::count(f.windowed.begin(), f.windowed.end(), true);
}

ModelShape shape(const std::string& config) {
    const nibble::testing::ScratchFolder folder;
    const auto path = folder.path / "config.json";
    std::ofstream(path) << config;
    return model_named(path.string());
}

}  // namespace

TEST_CASE("a config without keys is the model that transformers makes of it", "[config]") {
    // Each class begins as one released model; the counts are of the released weights. Qwen's
    // classes begin as no model, their counts follow from the sizes of the class.
    const std::vector<std::pair<const char*, std::int64_t>> table = {
        {"llama", 6738415616},  {"mistral", 7241732096}, {"mixtral", 46702792704},
        {"gemma", 8537680896},  {"gemma2", 2614341888},  {"phi3", 3821079552},
        {"opt", 125239296},     {"gpt2", 124439808},     {"deepseek_v3", 671026419200},
        {"qwen2", 12049846272}, {"qwen3", 12049461248},
    };
    for (const auto& [type, parameters] : table) {
        INFO(type);
        CHECK(shape(text(type)).parameters() == parameters);
    }
}

TEST_CASE("null is not absent", "[config]") {
    CHECK(fields("mistral").kv_heads == 8);
    CHECK(fields("mistral", R"("num_key_value_heads": null)").kv_heads == 32);
    CHECK(fields("llama", R"("num_key_value_heads": null, "head_dim": null)").head_dim == 128);
    CHECK(fields("gemma2").head_dim == 256);
    CHECK(fields("mistral").window == 4096);
    CHECK(fields("mistral", R"("sliding_window": null)").window == 0);
    CHECK(fields("deepseek_v3").latent->query_rank == 1536);
    CHECK(fields("deepseek_v3", R"("q_lora_rank": null)").latent->query_rank == 0);
}

TEST_CASE("windows follow the keys that decide about them", "[config]") {
    CHECK(windowed(fields("mistral")) == 32);
    CHECK(windowed(fields("llama", R"("sliding_window": 4096)")) == 0);
    CHECK(windowed(fields("gemma2")) == 13);
    CHECK(windowed(fields("qwen2", R"("sliding_window": 4096)")) == 0);
    CHECK(windowed(fields("qwen2", R"("use_sliding_window": true)")) == 4);
    CHECK(windowed(fields("qwen2", R"("use_sliding_window": true, "max_window_layers": 0)")) == 32);
    const std::string four = R"("num_hidden_layers": 4, "layer_types": ["full_attention",
        "sliding_attention", "sliding_attention", "full_attention"])";
    const ConfigFields mixed = fields("mistral", four);
    CHECK(mixed.windowed == std::vector<bool>{false, true, true, false});
    CHECK(mixed.window == 4096);
    CHECK(contains(refusal("mistral", four + R"(, "sliding_window": null)"), "sliding_window"));
    CHECK(contains(refusal("mistral", R"("layer_types": ["full_attention"])"), "layer_types"));
    CHECK(contains(refusal("mistral", R"("num_hidden_layers": 1, "layer_types": ["linear"])"),
                   "\"linear\" is not supported"));
}

TEST_CASE("bytes of the cache follow from layers with and without a window", "[config]") {
    std::string types;
    for (int i = 0; i < 36; ++i) {
        types += std::string(i ? ", " : "") + (i % 4 ? "\"sliding" : "\"full") + "_attention\"";
    }
    const ModelShape m = shape(text(
        "mistral",
        R"("num_hidden_layers": 36, "sliding_window": 32768, "layer_types": [)" + types + "]"));
    CHECK(m.windowed_layers() == 27);
    // 2 * 8 heads * 128 elements * 2 bytes in each of 9 full and 27 windowed layers.
    CHECK(m.cached_elements() * 2 * (9 * 131072 + 27 * m.window) == 8455716864);
}

TEST_CASE("an embedding narrower than the stream is counted with its projections", "[config]") {
    const ModelShape m = shape(text("opt", R"("hidden_size": 1024, "ffn_dim": 4096,
        "num_hidden_layers": 24, "num_attention_heads": 16, "word_embed_proj_dim": 512,
        "do_layer_norm_before": false)"));
    CHECK(m.parameters() == 331196416);
}

TEST_CASE("rotary keys are read in both spellings", "[config]") {
    CHECK(fields("mixtral").rope_theta == 1e6);
    CHECK(fields("llama", R"("rope_theta": 5e5)").rope_theta == 5e5);
    CHECK(fields("llama", R"("rope_parameters": {"rope_theta": 5e5})").rope_theta == 5e5);
    const ConfigFields linear =
        fields("llama", R"("rope_parameters": {"rope_type": "linear", "factor": 2})");
    CHECK(linear.rope_type == "linear");
    CHECK(linear.rope_factor == 2);
    CHECK(fields("llama", R"("rope_scaling": {"type": "linear", "factor": 2})").rope_factor == 2);
    CHECK(
        contains(refusal("llama", R"("rope_scaling": {"factor": 2})"), "\"rope_type\" is missing"));
    CHECK(contains(refusal("llama", R"("rope_scaling": {"type": "linear"})"),
                   "\"factor\" is missing"));
    CHECK(contains(error_of([] {
                       config_from_json(
                           text("llama", R"("rope_scaling": {"type": "yarn", "factor": 2})"), "c");
                   }),
                   "yarn"));
}

TEST_CASE("what a config says and the mathematics here lacks is refused by name", "[config]") {
    const auto model = [](const std::string& more, const std::string& type = "llama") {
        return error_of([&] { config_from_json(text(type, more), "config.json"); });
    };
    CHECK(model("").empty());
    CHECK(contains(model(R"("quantization_config": {"quant_method": "gptq", "bits": 4})"), "gptq"));
    CHECK(contains(model(R"("attention_bias": true)"), "attention_bias"));
    CHECK(contains(model(R"("attention_bias": "yes")"), "\"yes\" is not true or false"));
    CHECK(model(R"("num_hidden_layers": 1, "layer_types": ["sliding_attention"])", "mistral")
              .empty());
    CHECK(contains(model(R"("num_hidden_layers": 2, "layer_types": ["sliding_attention",
                             "full_attention"])",
                         "mistral"),
                   "layer_types"));
    CHECK(contains(model(R"("eos_token_id": [1, "2"])"), "eos_token_id"));
    CHECK(contains(refusal("rwkv", ""), "\"rwkv\""));
    CHECK(contains(refusal("llama", R"("hidden_size": null)"), "\"hidden_size\" is missing"));
    CHECK(contains(refusal("llama", R"("num_key_value_heads": 5)"), "share 5"));
}
